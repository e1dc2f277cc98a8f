"""What the tests of a batch share: quick settings, a crew without processes, frames as they are."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from core.media.keyframes import Chunk
from core.media.source import open_source
from core.run.batch import Batch
from core.run.batch_events import Event, Outcome
from core.run.batch_plan import make_plan
from core.run.chunk_task import ChunkTask
from core.run.crew import Completed, Failed, Told, Work, failed, perform
from core.run.engine import Engine
from core.run.identity import Identity, SourceMark
from core.run.workers import Workers
from core.settings import BatchSettings, EncodeSettings, EnhanceSettings
from tests.conftest import Clip
from tests.fakes import write_tiny_model

CLIP = {"times": range(24), "width": 64, "height": 48}
"""Three groups of eight pictures."""
GIB = 2**30


def quick_settings(folder: Path, **more: object) -> BatchSettings:
    """A tiny network in `folder`, and a chunk for every group of pictures."""
    model = folder / "tiny.safetensors"
    if not model.exists():
        write_tiny_model(model)
    values: dict[str, object] = {
        "enhance": EnhanceSettings(model=str(model), device="cpu"),
        "encode": EncodeSettings(preset="ultrafast"),
        "chunk_seconds": 0.1,
        **more,
    }
    return BatchSettings.model_validate(values)


def quick_engine(settings: BatchSettings) -> Engine:
    """In single precision, whatever the processor has."""
    return Engine("cpu", "float32", Engine.of(settings.enhance).model_sha256)


def quick_task(source: Path, output: Path, settings: BatchSettings, **how: object) -> ChunkTask:
    """All of a film in one chunk, on one thread and without warming up; `how` says otherwise."""
    engine = quick_engine(settings)
    values: dict[str, Any] = {
        "path": output.with_name("chunk"),
        "chunk": Chunk(0, Fraction(0), None),
        "enhance": settings.enhance,
        "encode": settings.encode,
        "precision": engine.precision,
        "model_sha256": engine.model_sha256,
        "threads": 1,
        "warm_up": 0.0,
        **how,
    }
    return ChunkTask(source=source, output=output, **values)


def identity_of(source: Path) -> Identity:
    """Of a film that is made of it in small chunks, with a model that nobody looks for."""
    return Identity(
        source=SourceMark.of(source),
        enhance=EnhanceSettings(),
        encode=EncodeSettings(),
        chunk_seconds=0.1,
        only_dark=False,
        device="cpu",
        precision="float32",
        model_sha256="a" * 64,
        program="0.1.0",
    )


def frames_of(path: Path) -> list[tuple[Fraction, str]]:
    """The time and a hash of every decoded frame."""
    with open_source(path) as source:
        return [
            (frame.pts * frame.time_base, hashlib.sha256(frame.pixels.tobytes()).hexdigest())
            for frame in source
        ]


class LocalCrew:
    """Works on the test's own thread, one work each time it is waited for.

    Args:
        size: how many works it takes at a time.
        trouble: raises instead of the work, or returns to have it done.
    """

    def __init__(self, size: int = 1, trouble: Callable[[Work], None] | None = None) -> None:
        self.size, self.threads = size, 1
        self.chunks: list[ChunkTask] = []
        """Those that were begun."""
        self._trouble = trouble or (lambda _: None)
        self._waiting: deque[tuple[int, Work]] = deque()

    def begin(self, ticket: int, work: Work) -> None:
        assert len(self._waiting) < self.size
        self._waiting.append((ticket, work))

    def wait(self, seconds: float) -> Sequence[Told]:
        return [self._answer(*self._waiting.popleft())] if self._waiting else []

    def close(self) -> None:
        self._waiting.clear()

    def _answer(self, ticket: int, work: Work) -> Completed | Failed:
        if isinstance(work, ChunkTask):
            self.chunks.append(work)
        try:
            self._trouble(work)
            return Completed(ticket, perform(work, lambda _: None))
        except Exception as error:
            return failed(ticket, error)


class Night:
    """A folder of clips, and what happens to it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.settings = folder, quick_settings(folder)
        self.events: list[Event] = []
        self.free: Callable[[Path], int] = lambda _: 100 * GIB
        self.now = 0.0
        (folder / "in").mkdir()

    def clip(self, name: str, **how: object) -> Path:
        return Clip(**{**CLIP, **how}).write(self.folder / "in" / name)  # type: ignore[arg-type]

    def run(self, crew: LocalCrew | Workers, **settings: object) -> Outcome:
        wishes = self.settings.model_copy(update=settings)
        plan = make_plan([self.folder / "in"], self.folder / "out", wishes, lambda _: None)
        self.events = []
        engine = quick_engine(wishes)
        batch = Batch(
            plan, wishes, engine, crew, self.events.append, self.is_stopping, self.free, self.clock
        )
        return batch.run()

    def is_stopping(self) -> bool:
        return False

    def clock(self) -> float:
        self.now += 0.1
        return self.now

    def told(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]

    def output(self, name: str) -> Path:
        return self.folder / "out" / name

    def leftovers(self) -> list[str]:
        return [p.name for p in (self.folder / "out").rglob("*") if "lowlux-" in p.name]


@pytest.fixture
def night(tmp_path: Path) -> Night:
    return Night(tmp_path)


def uninterrupted(night: Night, name: str) -> list[object]:
    """The frames of a film that nothing happens to; the output is removed again."""
    outcome = night.run(LocalCrew())
    assert [film.state for film in outcome.films] == ["done"]
    frames: list[object] = list(frames_of(night.output(name)))
    night.output(name).unlink()
    return frames
