"""Times decoding, the network and encoding alone, and the whole, on the same frames."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from core.enhance.enhancer import Enhancer, open_enhancer, set_up_thread
from core.enhance.plan import Machine, Plan, resolve
from core.errors import CoreError, SettingsError
from core.frame import Frame
from core.media.source import SourceInfo, open_source
from core.media.writer import VideoWriter
from core.model import checkpoint
from core.model.checkpoint import Checkpoint
from core.run.lanes import enhanced
from core.run.transcode import Progress, transcode
from core.settings import EnhanceSettings, JobSettings, TrimSettings
from scripts.complexity import size_name

STAGES = ("decode", "network", "encode", "whole")


@dataclass(frozen=True, slots=True)
class Reel:
    """The frames that every stage is timed on, and how to read just them again."""

    path: Path
    info: SourceInfo
    frames: list[Frame]
    trim: TrimSettings


def pipeline(clip: Path, frames: int, repeats: int, settings: EnhanceSettings) -> dict[str, Any]:
    """Frames a second of every stage and of the whole, and each stage's share of the work.

    Args:
        clip: what is enhanced.
        frames: how many of it.
        repeats: rounds after the warm-up.
        settings: how.

    Raises:
        SettingsError: the clip is too short.
        CoreError: the whole lost frames.
    """
    plan = resolve(settings, Machine.probe())
    reel = read_reel(clip, frames)
    return {
        "frames": len(reel.frames),
        "size": size_name((reel.info.width, reel.info.height)),
        "repeats": repeats,
        **{"device": plan.device, "precision": plan.precision, "lanes": plan.lanes},
        **_compared(_rounds(reel, plan, settings, repeats)),
    }


def read_reel(clip: Path, count: int) -> Reel:
    """The first frames of a clip, in memory."""
    with open_source(clip) as source:
        frames = list(islice(source, count + 1))
        info = source.info
    if len(frames) < 2:
        raise SettingsError(f"{clip} has {len(frames)} frames: at least two are needed.")
    if len(frames) <= count:
        return Reel(clip, info, frames, TrimSettings())
    # Half way to the frame that is left out, so that rounding cannot let it in.
    last, after = (frame.pts - frames[0].pts for frame in frames[-2:])
    end = float(Fraction(last + after, 2) * info.time_base)
    return Reel(clip, info, frames[:-1], TrimSettings(end=end))


def _rounds(
    reel: Reel, plan: Plan, settings: EnhanceSettings, repeats: int
) -> list[dict[str, float]]:
    """Frames a second of every stage, each round; the first round warms up and is left out.

    The stages take turns, so a machine that slows down slows them all.
    """
    loaded = checkpoint.load(checkpoint.find(settings.model), "deepspg")
    with _enhancer(loaded, plan, settings) as enhancer, TemporaryDirectory() as folder:
        job = JobSettings(
            input=reel.path,
            output=Path(folder) / f"whole{reel.path.suffix}",
            enhance=settings,
            trim=reel.trim,
            overwrite=True,
        )
        rounds = [_round(reel, enhancer, loaded, plan, job) for _ in range(1 + repeats)]
    return rounds[1:]


@contextmanager
def _enhancer(loaded: Checkpoint, plan: Plan, settings: EnhanceSettings) -> Iterator[Enhancer]:
    """As `transcode` makes it: the prior is refreshed beside the frames, on one thread."""
    with ThreadPoolExecutor(1, "prior", set_up_thread, (1,)) as pool:
        yield open_enhancer(loaded, plan, settings, pool)


def _round(
    reel: Reel, enhancer: Enhancer, loaded: Checkpoint, plan: Plan, job: JobSettings
) -> dict[str, float]:
    count = len(reel.frames)
    decode = _seconds(lambda: _decode(reel))
    bright: list[Frame] = []
    network = _seconds(lambda: bright.extend(_brighten(reel, enhancer, plan)))
    encode = _seconds(lambda: _encode(reel, bright, job))
    whole: list[Progress] = []
    transcode(job, loaded, plan, whole.append)
    if whole[-1].frames != count:
        raise CoreError(f"The whole had {whole[-1].frames} frames where its stages had {count}.")
    rates = {"decode": count / decode, "network": count / network, "encode": count / encode}
    return rates | {"whole": whole[-1].fps}


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _brighten(reel: Reel, enhancer: Enhancer, plan: Plan) -> list[Frame]:
    with enhanced(reel.frames, enhancer.begin, plan) as frames:
        return list(frames)


def _decode(reel: Reel) -> None:
    with open_source(reel.path, end=reel.trim.end) as source:
        for _ in source:
            pass


def _encode(reel: Reel, frames: Sequence[Frame], job: JobSettings) -> None:
    """To the finished file, sound and all, as in the whole."""
    path = job.output.with_stem("encoded")
    with VideoWriter(
        path, reel.info, job.encode, copy_from=reel.path, overwrite=True, trim=reel.trim
    ) as writer:
        for frame in frames:
            writer.write(frame)


def _compared(rounds: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """Medians over the rounds, and what follows from them."""
    rates = {name: statistics.median(row[name] for row in rounds) for name in STAGES}
    alone = {name: rate for name, rate in rates.items() if name != "whole"}
    slowest = min(alone, key=alone.__getitem__)
    work = sum(1 / rate for rate in alone.values())
    return {
        **{f"{name}_fps": round(rate, 3) for name, rate in rates.items()},
        **{f"{name}_share": round(1 / rate / work, 4) for name, rate in alone.items()},
        "slowest": slowest,
        "whole_over_slowest": round(rates["whole"] / alone[slowest], 4),
    }
