"""A dark file into a bright one.

The reader thread decodes ahead, a few lanes enhance a frame each, the caller's thread keeps them in
order, the encoder thread writes behind. All queues are short, so memory does not grow with the
clip.
"""

from __future__ import annotations

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING

from core.enhance.compare import compared
from core.enhance.enhancer import Enhancer, open_enhancer, set_up_thread
from core.frame import Frame
from core.media.photo import read_photo, write_photo
from core.media.source import SourceInfo, open_source
from core.media.writer import VideoWriter
from core.run.lanes import enhanced
from core.run.pump import pump

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from core.enhance.plan import Plan
    from core.model.checkpoint import Checkpoint
    from core.run.lanes import Begin
    from core.settings import JobSettings


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is."""

    frames: int
    """Frames enhanced so far."""
    total: int | None
    """Frames there will be, where the file tells."""
    fps: float
    """Frames enhanced a second since the first one."""

    @property
    def seconds_left(self) -> float | None:
        """At this pace."""
        return (self.total - self.frames) / self.fps if self.total and self.fps else None


@dataclass(frozen=True, slots=True)
class Summary:
    """What was done, enough to prove it."""

    output: str
    frames: int
    dropped: int
    """Damaged pieces of the input that were stepped over."""
    seconds: float
    fps: float
    prior_refreshes: int
    model: str
    model_sha256: str
    source_sha256: str
    device: str
    precision: str
    notes: tuple[str, ...]
    """Whatever the user ought to know, one sentence each."""


def transcode(
    job: JobSettings, loaded: Checkpoint, plan: Plan, report: Callable[[Progress], None]
) -> Summary:
    """Enhances a video; the output appears only when it is complete.

    Raises:
        CoreError: the input, the output or the device failed; nothing is left behind.
    """
    started = time.monotonic()
    trim = job.trim
    with (
        open_source(job.input, start=trim.start, end=trim.end) as source,
        _enhancer(job, loaded, plan) as enhancer,
    ):
        info = source.info
        width = info.width * (2 if job.compare == "side" else 1)
        with VideoWriter(
            job.output,
            info,
            job.encode,
            size=(width, info.height),
            copy_from=job.input,
            tag=f"enhanced with LowLux, model {job.enhance.model} {loaded.sha256[:12]}",
            overwrite=job.overwrite,
            trim=trim,
        ) as writer:
            meter = _Meter(report, _expected(job, info))
            pump(
                source,
                partial(enhanced, begin=_work(job, enhancer), plan=plan),
                writer.write,
                meter.tick,
            )
        notes = (*source.notes, *enhancer.notes, *writer.notes)
        dropped = source.broken_packets
    counted = (meter.frames, dropped, enhancer.refreshes)
    return _summary(job, loaded, plan, started, counted, notes)


def enhance_photo(job: JobSettings, loaded: Checkpoint, plan: Plan) -> Summary:
    """Enhances a photograph.

    Raises:
        CoreError: the input, the output or the device failed; nothing is left behind.
    """
    started = time.monotonic()
    photo = read_photo(job.input)
    with _enhancer(job, loaded, plan) as enhancer:
        bright = _work(job, enhancer)(Frame(photo.pixels, 0, Fraction(1)))()
    notes = write_photo(
        job.output, photo.with_pixels(bright.pixels), overwrite=job.overwrite, source=job.input
    )
    return _summary(job, loaded, plan, started, (1, 0, enhancer.refreshes), notes)


@contextmanager
def _enhancer(job: JobSettings, loaded: Checkpoint, plan: Plan) -> Iterator[Enhancer]:
    # The prior has one thread, and its arithmetic too, so that it hardly slows the frames.
    with ThreadPoolExecutor(1, "lowlux-prior", set_up_thread, (1,)) as pool:
        yield open_enhancer(loaded, plan, job.enhance, pool)


def _work(job: JobSettings, enhancer: Enhancer) -> Begin:
    how = job.compare
    if how is None:
        return enhancer.begin

    def begin(frame: Frame) -> Callable[[], Frame]:
        enhance = enhancer.begin(frame)

        def work() -> Frame:
            bright = enhance()
            return bright.with_pixels(compared(frame.pixels, bright.pixels, how))

        return work

    return begin


class _Meter:
    """Counts frames and tells how fast they come."""

    def __init__(self, report: Callable[[Progress], None], total: int | None) -> None:
        self._report, self._total = report, total
        self._first = 0.0
        self.frames = 0

    def tick(self) -> None:
        now = time.monotonic()
        self._first = self._first or now
        self.frames += 1
        elapsed = now - self._first
        fps = (self.frames - 1) / elapsed if elapsed > 0 else 0.0
        self._report(Progress(self.frames, self._total, fps))


def _expected(job: JobSettings, info: SourceInfo) -> int | None:
    if info.duration_seconds is None or info.average_rate is None:
        return info.frame_count
    whole = info.frame_count or round(info.duration_seconds * float(info.average_rate))
    end = min(job.trim.end or info.duration_seconds, info.duration_seconds)
    share = max(0.0, end - job.trim.start) / max(info.duration_seconds, 1e-6)
    return max(1, round(whole * share))


def _summary(
    job: JobSettings,
    loaded: Checkpoint,
    plan: Plan,
    started: float,
    counted: tuple[int, int, int],
    notes: tuple[str, ...],
) -> Summary:
    seconds = time.monotonic() - started
    frames, dropped, refreshes = counted
    return Summary(
        output=str(job.output),
        frames=frames,
        dropped=dropped,
        seconds=round(seconds, 2),
        fps=round(frames / seconds, 2),
        prior_refreshes=refreshes,
        model=job.enhance.model,
        model_sha256=loaded.sha256,
        source_sha256=_sha256(job.input),
        device=plan.device,
        precision=plan.precision,
        notes=notes,
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
