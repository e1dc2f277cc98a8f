"""One film of a batch: what is to be done next, and how far it is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Literal

from core.run.batch_events import FilmResult
from core.run.chunk_task import ChunkDone, ChunkTask
from core.run.film_tasks import Joined, JoinTask, Surveyed, SurveyTask, task_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.run.batch_plan import Job
    from core.run.crew import Failed, Result, Work
    from core.run.identity import Identity
    from core.run.journal import Journal, Piece

TRIES = 3
"""Of a chunk, or of another step, before its film is given up."""


class FilmState(Enum):
    """Where a film is; in this order, but for `FAILED`, which ends any of them."""

    WAITING = "waiting"
    SURVEY = "looking through it"
    CHUNKS = "enhancing"
    JOIN = "joining"
    DONE = "done"
    FAILED = "failed"


_ENDS: dict[FilmState, Literal["done", "failed"]] = {
    FilmState.DONE: "done",
    FilmState.FAILED: "failed",
}


@dataclass(slots=True)
class _UnderWay:
    """Work a crew is at."""

    work: Work
    piece: Piece | None = None
    frames: int = 0
    """Done so far."""


class Film:
    """Hands out the work on one film and takes the results. Passive; starts and saves nothing.

    Args:
        job: from what to what.
        identity: of the result.
        overwrite: whether the output may be replaced.
    """

    def __init__(self, job: Job, identity: Identity, *, overwrite: bool) -> None:
        self.job, self._identity, self._overwrite = job, identity, overwrite
        self.state = FilmState.WAITING
        self.journal: Journal | None = None
        """What is done; to be saved whenever it changes."""
        self.notes: list[str] = []
        """What the user ought to know."""
        self.reason = ""
        """Why it failed."""
        self.size = 0
        """Bytes of the finished output."""
        self.resumed_frames = 0
        """Done by earlier runs."""
        self._surveyed: Surveyed | None = None
        self._left: list[Piece] = []
        self._under_way: dict[int, _UnderWay] = {}
        self._failures: Counter[object] = Counter()

    @property
    def is_over(self) -> bool:
        """Nothing is left to do."""
        return self.state in (FilmState.DONE, FilmState.FAILED)

    def next_work(self, ticket: int, threads: int) -> Work | None:
        """What can be done now; none where all is under way or over.

        Args:
            ticket: names the work.
            threads: it may use so many.
        """
        work, piece = self._next(threads)
        if work is not None:
            self._under_way[ticket] = _UnderWay(work, piece)
        return work

    def advanced(self, ticket: int, frames: int) -> int:
        """A chunk goes on; how many frames are new."""
        under_way = self._under_way[ticket]
        more, under_way.frames = frames - under_way.frames, frames
        return more if isinstance(under_way.work, ChunkTask) else 0

    def completed(self, ticket: int, result: Result) -> None:
        """Takes a result; `journal` or `state` has changed."""
        del self._under_way[ticket]
        if self.state is FilmState.FAILED:
            return
        match result:
            case Surveyed():
                self._take_survey(result)
            case ChunkDone() if self.journal is not None:
                self.journal = self.journal.with_done(result)
                self._note(*result.notes)
            case Joined():
                self._note(*result.notes)
                self.state, self.size = FilmState.DONE, result.size

    def failed(self, event: Failed) -> None:
        """Puts the work back, or gives the film up after too many tries."""
        under_way = self._under_way.pop(event.ticket)
        if self.state is FilmState.FAILED:
            return
        if not event.is_disk_full and self._is_enough(under_way):
            self.give_up(event.reason)
        elif under_way.piece is not None:
            self._left.insert(0, under_way.piece)
        else:
            self.state = FilmState.WAITING if self.journal is None else FilmState.CHUNKS

    def give_up(self, reason: str) -> None:
        """Marks it failed; what is done stays for another run."""
        self.state, self.reason = FilmState.FAILED, reason
        self._left.clear()

    @property
    def result(self) -> FilmResult:
        """What became of it; where it is not over, it was stopped."""
        done = () if self.journal is None else self.journal.done
        return FilmResult(
            source=self.job.source,
            output=self.job.output,
            state=_ENDS.get(self.state, "stopped"),
            reason=self.reason,
            frames=sum(chunk.frames for chunk in done),
            copied_frames=sum(chunk.frames for chunk in done if chunk.copied),
            dropped=sum(chunk.dropped for chunk in done),
            size=self.size,
            notes=tuple(self.notes),
        )

    @property
    def next_size(self) -> int:
        """Bytes that joining takes; 0 before all chunks are done."""
        if self.journal is None or self._left or self._under_way or self.journal.left:
            return 0
        return sum(done.size for done in self.journal.done)

    @property
    def pixels(self) -> int:
        """Of a frame."""
        return self.job.info.width * self.job.info.height

    @property
    def frames(self) -> int:
        """Done so far, all runs together, copied ones included."""
        done = 0 if self.journal is None else sum(chunk.frames for chunk in self.journal.done)
        return done + sum(now.frames for now in self._under_way.values() if now.piece is not None)

    @property
    def total(self) -> int | None:
        """Frames there will be, where that can be told."""
        if self.journal is not None and not self.journal.left:
            return sum(chunk.frames for chunk in self.journal.done)
        return self.job.frames

    @property
    def frames_left(self) -> float | None:
        """To be enhanced, about; those that are copied cost next to nothing. None: not known."""
        if self.is_over or (self.journal is not None and not self.journal.left):
            return 0.0
        total = self.job.frames
        if total is None or self.journal is None:
            return total
        seconds = {piece.chunk.number: length for piece, length in self._lengths()}
        whole = sum(seconds.values()) or 1.0
        left = [piece for piece in self.journal.left if not piece.copied]
        share = sum(seconds[piece.chunk.number] for piece in left) / whole
        begun = sum(now.frames for now in self._under_way.values() if now.piece is not None)
        return max(0.0, total * share - begun)

    def _next(self, threads: int) -> tuple[Work | None, Piece | None]:
        if self.state is FilmState.WAITING:
            self.state = FilmState.SURVEY
            return SurveyTask(self.job.source, self.job.output, self._identity), None
        if self.state is not FilmState.CHUNKS or self.journal is None:
            return None, None
        if self._left:
            assert self._surveyed is not None
            piece = self._left.pop(0)
            source, output = self.job.source, self.job.output
            return task_of(piece, self._surveyed, source, output, threads), piece
        if self._under_way:
            return None, None
        return self._join_task(self.journal, threads), None

    def _join_task(self, journal: Journal, threads: int) -> JoinTask:
        assert self._surveyed is not None
        self.state = FilmState.JOIN
        return JoinTask(
            source=self.job.source,
            output=self.job.output,
            journal=journal,
            overwrite=self._overwrite,
            warm_up=self._surveyed.warm_up,
            threads=threads,
        )

    def _take_survey(self, surveyed: Surveyed) -> None:
        self._surveyed, self.journal = surveyed, surveyed.journal
        self._left = surveyed.journal.left
        self.resumed_frames = sum(done.frames for done in surveyed.journal.done)
        if surveyed.begun_afresh:
            self._note(f"It was begun afresh: {surveyed.begun_afresh}")
        if surveyed.journal.reason:
            self._note(f"All of it was enhanced, not only the dark: {surveyed.journal.reason}")
        self.state = FilmState.CHUNKS
        output = self.job.output
        # Where nothing is left, it may be the result: joining can tell.
        if self._left and output.exists() and not self._overwrite:
            self.give_up(f"{output} exists already; --overwrite makes it anew")

    def _is_enough(self, under_way: _UnderWay) -> bool:
        """Counts a failure; whether it makes no sense to try again."""
        work = under_way.work
        key = work.chunk.number if isinstance(work, ChunkTask) else type(work)
        self._failures[key] += 1
        return self._failures[key] >= TRIES

    def _lengths(self) -> Iterator[tuple[Piece, float]]:
        """Every piece with its seconds."""
        assert self.journal is not None
        length = self.job.info.duration_seconds
        for piece in self.journal.pieces:
            begin, end = float(piece.chunk.begin), piece.chunk.end
            yield piece, max(0.0, (float(end) if end is not None else length or begin) - begin)

    def _note(self, *sentences: str) -> None:
        self.notes += [sentence for sentence in sentences if sentence not in self.notes]
