"""Frames of a film enhanced once more, as they were, without doing all of the film again."""

from __future__ import annotations

import platform
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch

from core.enhance.plan import Machine, resolve
from core.errors import BackendError
from core.media.source import open_source
from core.run.chunk_task import ChunkTask, ChunkWork, chunk_enhancer, plan_of
from core.run.lanes import enhanced
from core.run.manifest import Means

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from core.frame import Frame
    from core.media.stored import Times
    from core.run.manifest import Part, Recipe

_LIBRARIES = ("torch", "opencv-python-headless", "av")
_PROCESSORS = Path("/proc/cpuinfo")


def means_for(recipe: Recipe) -> Means:
    """What this machine would use, which is what was used where it is here."""
    machine, identity = Machine.probe(), recipe.identity
    device: Literal["cpu", "cuda"] = "cuda" if identity.device == "cuda" and machine.gpus else "cpu"
    precision = identity.precision
    if device != identity.device:
        wish = identity.enhance.model_copy(update={"device": device})
        precision = resolve(wish, machine).precision
    return Means(
        device=device,
        name=machine.gpus[0] if device == "cuda" else _processor(),
        precision=precision,
        threads=recipe.threads,
        libraries=tuple(f"{name} {version(name)}" for name in _LIBRARIES),
    )


def task_for(recipe: Recipe, means: Means, part: Part, source: Path, output: Path) -> ChunkTask:
    """What a worker was asked to do for a part; nothing is written where it says."""
    identity = recipe.identity
    return ChunkTask(
        source=source,
        output=output,
        path=output,
        chunk=part.chunk,
        enhance=identity.enhance.model_copy(update={"device": means.device}),
        encode=identity.encode,
        precision=means.precision,
        model_sha256=identity.model_sha256,
        threads=means.threads,
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


def _processor() -> str:
    """Its name, and which of its instructions PyTorch uses."""
    name = platform.processor() or platform.machine()
    if _PROCESSORS.is_file():
        lines = _PROCESSORS.read_text(errors="replace").splitlines()
        names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
        name = next(names, name)
    return f"{name}, {torch.backends.cpu.get_cpu_capability()}"
