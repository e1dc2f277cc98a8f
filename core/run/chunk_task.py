"""One chunk of a film, enhanced on its own: what any worker, here or elsewhere, is asked to do.

Note [warm-up]
    A chunk would begin with a fresh prior and a fresh average of the noise, and show it. So frames
    before it are decoded, and the prior and the average see them; the network does not, and
    nothing of them is written.

Note [busy]
    Only the seconds count that the network spends on frames which are written. A worker's other
    time is all lost: to its start and the opening of the weights, to warming up, to waiting for a
    frame to be decoded or encoded, to comparing what is noted, to joining, and to having nothing
    left to do. The prior is part of the network, but works beside it and is not counted twice;
    while a chunk is warmed up it is not counted at all.
"""

from __future__ import annotations

import hashlib
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from core.errors import SourceLostError
from core.media.chunk_file import ChunkWriter, copy_chunk
from core.media.keyframes import Chunk, first_pts
from core.media.source import Source, open_source
from core.run.kept_network import chunk_enhancer, plan_of
from core.run.lanes import enhanced
from core.run.pump import pump
from core.run.sample import Sample, Sampler, means_here

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from core.enhance.enhancer import Enhancer
    from core.enhance.plan import Plan
    from core.frame import Frame
    from core.settings import EncodeSettings, EnhanceSettings

WARM_UP_FRAMES = 32
"""Frames before a chunk that warm it up; `core.run.seams` measures what they leave of a seam."""


@dataclass(frozen=True, slots=True)
class ChunkTask:
    """All a worker needs to know; pickles, and holds paths only, which every worker can reach."""

    source: Path
    """The film."""
    output: Path
    """What the chunks will be joined into; its suffix has a say in the codec."""
    path: Path
    """Where the chunk's own file goes; its folder exists."""
    chunk: Chunk
    """Which part of the film."""
    enhance: EnhanceSettings
    """How frames are made bright; `device` says what the whole film is enhanced on."""
    encode: EncodeSettings
    """The same for all chunks of a film."""
    precision: str
    """Of the network's arithmetic; the same for all chunks of a film."""
    model_sha256: str
    """Of the weights; a worker that finds others refuses."""
    threads: int
    """Processor threads the task may use."""
    warm_up: float
    """Seconds of film before the chunk that are looked at first; see Note [warm-up]."""
    copied: bool = False
    """The source's packets are copied as they are: bright enough."""
    beside_copies: bool = False
    """Some chunks of the film are copied, so the others are encoded to stand beside them."""
    seed: str = ""
    """Draws the frames that are noted; see Note [lots] in `core.run.sample`. Empty: none are."""


@dataclass(frozen=True, slots=True)
class ChunkDone:
    """What became of a chunk; the journal keeps it, and the manifest."""

    number: int
    """Of the chunk."""
    frames: int
    """Written, or copied."""
    size: int
    """Bytes of the chunk's file."""
    sha256: str
    """Of the chunk's file."""
    seconds: float
    """It took, from the task's arrival on."""
    busy_seconds: float
    """Of them the network was at work, averaged over the lanes; see Note [busy]."""
    prior_refreshes: int
    """How often the semantic prior was computed, warm-up included."""
    dropped: int
    """Damaged pieces of the source that were stepped over."""
    copied: bool
    """Nothing was enhanced."""
    device: str
    """The network ran on; empty where none did."""
    precision: str
    """Of its arithmetic; empty likewise."""
    notes: tuple[str, ...] = ()
    """Whatever the user ought to know, one sentence each."""
    samples: tuple[Sample, ...] = ()
    """Frames that were drawn; none where the device failed on the way."""


def run_chunk(task: ChunkTask, tick: Callable[[int], None] = lambda _: None) -> ChunkDone:
    """Makes a chunk's file; the file is there only when it is complete.

    Called from one thread of a process at a time. The network stays in the process for the next
    chunk, what it remembers of earlier frames does not. The result depends on the task alone, on
    one kind of processor with one number of threads.

    Args:
        task: what to do; doing it again replaces the file.
        tick: told after every frame how many are done.

    Raises:
        CoreError: the source, the device or the disk failed; nothing is left behind.
    """
    started = time.monotonic()
    done = _copy(task) if task.copied else _enhance(task, tick)
    with task.path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    seconds, size = time.monotonic() - started, task.path.stat().st_size
    return replace(done, sha256=digest, size=size, seconds=round(seconds, 3))


def _copy(task: ChunkTask) -> ChunkDone:
    frames = copy_chunk(task.source, task.chunk, task.path)
    return ChunkDone(task.chunk.number, frames, 0, "", 0.0, 0.0, 0, 0, True, "", "")


def _enhance(task: ChunkTask, tick: Callable[[int], None]) -> ChunkDone:
    plan = plan_of(task)
    begin = max(0.0, float(task.chunk.begin) - task.warm_up)
    end = None if task.chunk.end is None else float(task.chunk.end)
    count = _Count(tick)
    with (
        open_source(task.source, start=begin, end=end) as source,
        chunk_enhancer(task, plan) as enhancer,
        ChunkWriter(
            task.path, task.output, source.info, task.encode, beside_copies=task.beside_copies
        ) as writer,
    ):
        work = ChunkWork(task, source, enhancer)
        pump(source, partial(work.enhanced, plan=plan), writer.write, count)
    return ChunkDone(
        number=task.chunk.number,
        frames=count.frames,
        size=0,
        sha256="",
        seconds=0.0,
        busy_seconds=round(sum(work.spans) / plan.lanes, 3),
        prior_refreshes=enhancer.refreshes,
        dropped=source.broken_packets,
        copied=False,
        device=plan.device,
        precision=plan.precision,
        notes=(*source.notes, *enhancer.notes),
        samples=() if enhancer.notes else work.samples(plan),
    )


class _Count:
    """Counts frames and tells how many."""

    def __init__(self, tick: Callable[[int], None]) -> None:
        self._tick, self.frames = tick, 0

    def __call__(self) -> None:
        self.frames += 1
        self._tick(self.frames)


class ChunkWork:
    """Enhances the frames of a chunk after those before it; see Note [warm-up]."""

    def __init__(self, task: ChunkTask, source: Source, enhancer: Enhancer) -> None:
        info = source.info
        self._path, self._size = task.source, (info.height, info.width)
        self._begin = first_pts(info) + round(task.chunk.begin / info.time_base)
        self._enhancer = enhancer
        self._sampler = Sampler(task.seed) if task.seed else None
        self._file = task.path
        self.spans: list[float] = []
        """Seconds the network was at work on each frame."""

    @contextmanager
    def enhanced(self, frames: Iterable[Frame], plan: Plan) -> Iterator[Iterator[Frame]]:
        """The chunk's own frames, bright and in order."""
        with enhanced(self.warmed_up(frames), self._timed, plan) as results:
            yield self._seen(results)

    def samples(self, plan: Plan) -> tuple[Sample, ...]:
        """What there is to note, once the chunk's file is there.

        Args:
            plan: that the frames were enhanced by.

        Raises:
            SourceError: the file cannot be read.
        """
        if self._sampler is None:
            return ()
        return tuple(self._sampler.samples(self._file, means_here(plan)))

    def warmed_up(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """The chunk's own frames, after the enhancer has seen those before them.

        Raises:
            SourceLostError: the picture changes its size.
        """
        for frame in frames:
            if frame.pixels.shape[:2] != self._size:
                raise SourceLostError(
                    f"{self._path} changes its picture size at {frame.pts_seconds:.2f} s; split it "
                    "there and enhance the parts"
                )
            if frame.pts >= self._begin:
                yield frame
            else:
                self._enhancer.begin(frame)

    def _seen(self, results: Iterator[Frame]) -> Iterator[Frame]:
        for frame in results:
            if self._sampler is not None:
                self._sampler.see(frame)
            yield frame

    def _timed(self, frame: Frame) -> Callable[[], Frame]:
        enhance = self._enhancer.begin(frame)

        def work() -> Frame:
            began = time.perf_counter()
            bright = enhance()
            self.spans.append(time.perf_counter() - began)
            return bright

        return work
