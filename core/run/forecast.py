"""How long a batch will take and how much it will write, from short samples on this machine."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from core.media.keyframes import Chunk
from core.run.chunk_task import ChunkTask, run_chunk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.run.batch_plan import BatchPlan, Job
    from core.run.chunk_task import ChunkDone
    from core.run.engine import Engine
    from core.settings import BatchSettings

SHORT, LONG = 2, 8
"""Frames of the two samples: the first of a film is far larger than those that follow."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is to be expected of a film."""

    job: Job
    frames: int | None
    seconds: float | None
    """Of work, if all processor cores are at it; None where the length is not known."""
    size: int | None
    """Bytes of the output's pictures, likewise."""
    at_most: bool
    """Parts may turn out bright enough to be copied: only decoding all of the film would tell."""


@dataclass(frozen=True, slots=True)
class _Rate:
    """Of films of one size."""

    seconds: float
    """For a frame."""
    first: float
    """Bytes a film has before its size grows steadily."""
    size: float
    """Bytes for each frame."""


def forecasts(
    plan: BatchPlan, settings: BatchSettings, engine: Engine, threads: int
) -> Iterator[Forecast]:
    """One for each job, in order; films of one size and codec are sampled once.

    Args:
        plan: the jobs.
        settings: how they would be done.
        engine: and with what.
        threads: processor cores there are.

    Raises:
        CoreError: a sample failed.
    """
    rates: dict[tuple[int, int, str, str], _Rate] = {}
    for job in plan.jobs:
        info = job.info
        kind = (info.width, info.height, info.codec, job.output.suffix)
        if kind not in rates:
            rates[kind] = _measured(job, settings, engine, threads)
        rate, frames = rates[kind], job.frames
        if frames is None:
            yield Forecast(job, None, None, None, settings.only_dark)
            continue
        size = round(rate.first + rate.size * frames)
        if settings.only_dark:
            # Copied pictures are as large as they were.
            size = max(size, job.source.stat().st_size)
        seconds = round(rate.seconds * frames, 1)
        yield Forecast(job, frames, seconds, size, settings.only_dark)


def _measured(job: Job, settings: BatchSettings, engine: Engine, threads: int) -> _Rate:
    short = _sample(job, settings, engine, threads, SHORT)
    long = _sample(job, settings, engine, threads, LONG)
    # The network is slow at its first frames, so the second sample alone is timed.
    seconds = long.busy_seconds / max(1, long.frames)
    if long.frames <= short.frames:
        return _Rate(seconds, 0.0, long.size / max(1, long.frames))
    size = max(0.0, (long.size - short.size) / (long.frames - short.frames))
    return _Rate(seconds, max(0.0, short.size - size * short.frames), size)


def _sample(
    job: Job, settings: BatchSettings, engine: Engine, threads: int, frames: int
) -> ChunkDone:
    """Some frames of the middle, enhanced and encoded."""
    info = job.info
    begin = Fraction((info.duration_seconds or 0.0) / 2).limit_denominator(1000)
    length = frames / (info.average_rate or Fraction(25))
    with tempfile.TemporaryDirectory(prefix="lowlux-") as folder:
        task = ChunkTask(
            source=job.source,
            output=job.output,
            path=Path(folder) / "sample",
            chunk=Chunk(0, begin, begin + length),
            enhance=settings.enhance.model_copy(update={"device": engine.device}),
            encode=settings.encode,
            precision=engine.precision,
            model_sha256=engine.model_sha256,
            threads=threads,
            warm_up=0.0,
        )
        return run_chunk(task)
