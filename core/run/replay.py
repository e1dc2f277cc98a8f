"""Frames of a film enhanced once more, as they were, without doing all of the film again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.enhance.plan import Machine, resolve
from core.errors import BackendError
from core.media.source import open_source
from core.run.chunk_task import ChunkTask, ChunkWork
from core.run.kept_network import chunk_enhancer, plan_of
from core.run.lanes import enhanced

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    from core.frame import Frame
    from core.media.stored import Times
    from core.run.manifest import Part, Recipe


def task_for(recipe: Recipe, part: Part, source: Path, output: Path) -> ChunkTask:
    """What a worker was asked to do for a part, or what comes nearest to it on this machine.

    Nothing is written where it says.
    """
    identity, machine = recipe.identity, Machine.probe()
    enhance, precision = identity.enhance, identity.precision
    device = "cuda" if identity.device == "cuda" and machine.gpus else "cpu"
    enhance = enhance.model_copy(update={"device": device})
    if device != identity.device:
        precision = resolve(enhance, machine).precision
    return ChunkTask(
        source=source,
        output=output,
        path=output,
        chunk=part.chunk,
        enhance=enhance,
        encode=identity.encode,
        precision=precision,
        model_sha256=identity.model_sha256,
        threads=recipe.threads,
        warm_up=recipe.warm_up,
    )


def enhanced_again(task: ChunkTask, times: Times, numbers: Sequence[int]) -> Generator[Frame]:
    """Some frames of a chunk, as `run_chunk` makes them, in order of time.

    What comes before them passes through the prior and the average, as it did; the network runs
    for the wanted frames alone.

    Args:
        task: says which chunk, and how it was enhanced.
        times: of the source.
        numbers: of the wanted frames in it, all of this chunk, in order.

    Raises:
        CoreError: the source cannot be read, the model is another one, or the device failed.
    """
    plan, wanted = plan_of(task), _ticks(times, numbers)
    begin = max(0.0, float(task.chunk.begin) - task.warm_up)
    with (
        open_source(task.source, start=begin, end=_after(times, numbers)) as source,
        chunk_enhancer(task, plan) as enhancer,
    ):

        def take(frame: Frame) -> Callable[[], Frame]:
            enhance = enhancer.begin(frame)
            return enhance if frame.pts in wanted else lambda: frame

        warmed_up = ChunkWork(task, source, enhancer).warmed_up(source)
        with enhanced(warmed_up, take, plan) as results:
            for frame in results:
                if enhancer.notes:
                    raise BackendError(enhancer.notes[0])
                if frame.pts in wanted:
                    yield frame


def shown(path: Path, times: Times, numbers: Sequence[int]) -> Generator[Frame]:
    """Some frames of a film as it is, in order of time.

    Args:
        path: of the film.
        times: of the film.
        numbers: of the wanted frames, in order.

    Raises:
        SourceError: the film cannot be read.
    """
    wanted, begin = _ticks(times, numbers), float(times.seconds(numbers[0]))
    with open_source(path, start=begin, end=_after(times, numbers)) as source:
        yield from (frame for frame in source if frame.pts in wanted)


def _ticks(times: Times, numbers: Sequence[int]) -> frozenset[int]:
    return frozenset(times.ticks[number] for number in numbers)


def _after(times: Times, numbers: Sequence[int]) -> float:
    """Just after the last of some frames, in seconds."""
    return float(times.seconds(numbers[-1]) + times.unit)
