"""Many films, one after the other, on all workers, through crashes and full disks."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING

from core.errors import CoreError, WriterError
from core.media.disk import free_bytes
from core.run.batch_events import (
    BatchStatus,
    Event,
    FilmBegun,
    FilmResult,
    Outcome,
    Paused,
    Resumed,
    Retried,
)
from core.run.chunk_task import ChunkDone
from core.run.crew import Advanced, Completed, Failed, is_disk_full
from core.run.disk_watch import DiskWatch
from core.run.film import Film, FilmState
from core.run.film_tasks import Surveyed
from core.run.journal import clear, save
from core.run.manifest import is_made
from core.run.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from core.run.batch_plan import BatchPlan, Job
    from core.run.crew import Crew, Told, Work
    from core.run.engine import Engine
    from core.settings import BatchSettings


_LOOK_EVERY_S = 0.5


class Batch:
    """Runs a plan. Called from one thread; the crew does the work.

    Args:
        plan: what to make of what.
        settings: how.
        engine: with what.
        crew: does it; belongs to the caller, who also holds the lock on the output folder.
        tell: called with every event, on the caller's thread.
        is_stopping: whether the work under way shall be the last.
        free: bytes left on the disk of a folder.
        clock: monotonic time in seconds.
    """

    def __init__(
        self,
        plan: BatchPlan,
        settings: BatchSettings,
        engine: Engine,
        crew: Crew,
        tell: Callable[[Event], None],
        is_stopping: Callable[[], bool] = lambda: False,
        free: Callable[[Path], int] = free_bytes,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._plan, self._settings, self._engine = plan, settings, engine
        self._crew, self._tell, self._is_stopping = crew, tell, is_stopping
        self._clock = clock
        self._disk = DiskWatch(settings, free, clock)
        self._tickets = itertools.count(1)
        self._films: list[Film] = []
        self._works: dict[int, tuple[Film, Work]] = {}
        self._unsaved: list[Film] = []
        self._results: list[FilmResult] = []
        self._pace = Pace(clock)
        self._paused = ""
        self._busy_seconds = 0.0

    def run(self) -> Outcome:
        """Works until all is done, failed, or stopped; what is done is in the journals."""
        started = self._clock()
        for job in self._plan.jobs:
            self._take_up(job)
        self._report()
        while True:
            self._save_unsaved()
            if not self._is_stopping():
                self._hand_out()
            if not self._works and (self._is_stopping() or self._is_all_over()):
                break
            for event in self._crew.wait(_LOOK_EVERY_S):
                self._heard(event)
            self._report()
        return self._outcome(self._clock() - started)

    def _is_all_over(self) -> bool:
        return not self._unsaved and all(film.is_over for film in self._films)

    def _take_up(self, job: Job) -> None:
        settings, engine = self._settings, self._engine
        try:
            job.output.parent.mkdir(parents=True, exist_ok=True)
            identity = engine.identity(job.source, settings)
        except (CoreError, OSError) as error:
            self._over(FilmResult(job.source, job.output, "failed", str(error), 0, 0, 0, 0, ()))
            return
        film = Film(job, identity, overwrite=settings.overwrite)
        if settings.overwrite and is_made(job.output, identity):
            film.state = FilmState.DONE
            film.notes.append("It was made already, with these very settings")
            self._over(film.result)
            return
        self._films.append(film)

    def _hand_out(self) -> None:
        """Gives every free hand something to do, films in order."""
        for film in self._films:
            while not film.is_over and len(self._works) < self._crew.size:
                if self._is_out_of_room(film):
                    return
                ticket = next(self._tickets)
                work = film.next_work(ticket, self._crew.threads)
                if work is None:
                    break
                self._works[ticket] = (film, work)
                self._crew.begin(ticket, work)

    def _heard(self, event: Told) -> None:
        film, work = self._works[event.ticket]
        if isinstance(event, Advanced):
            self._pace.went_on(film, film.advanced(event.ticket, event.frames), work)
            return
        was_over = film.is_over
        del self._works[event.ticket]
        if isinstance(event, Failed):
            # What was done of it is lost.
            self._pace.went_on(film, film.advanced(event.ticket, 0), work)
            self._failed(film, event)
        else:
            self._completed(film, work, event)
        if film.is_over and not was_over:
            self._finish(film)

    def _completed(self, film: Film, work: Work, event: Completed) -> None:
        result = event.result
        if isinstance(result, ChunkDone):
            self._pace.went_on(film, film.advanced(event.ticket, result.frames), work)
            self._disk.took(result.size)
            self._busy_seconds += result.busy_seconds
        film.completed(event.ticket, result)
        if isinstance(result, Surveyed) and not film.is_over:
            notes = tuple(film.notes)
            job, done = film.job, film.resumed_frames
            self._tell(FilmBegun(job.source, job.output, done, film.total, notes))
        if not film.is_over:
            self._save(film)

    def _failed(self, film: Film, event: Failed) -> None:
        film.failed(event)
        if event.is_disk_full:
            self._disk.was_full()
        elif not film.is_over:
            self._tell(Retried(film.job.source, event.reason))

    def _save(self, film: Film) -> bool:
        """Puts a journal on the disk, now or as soon as there is room; whether it is there."""
        assert film.journal is not None
        try:
            save(film.journal, film.job.output)
        except WriterError as error:
            if not is_disk_full(error):
                film.give_up(str(error))
                return False
            self._disk.was_full()
            if film not in self._unsaved:
                self._unsaved.append(film)
            return False
        return True

    def _save_unsaved(self) -> None:
        if self._unsaved and not self._disk.is_full:
            unsaved, self._unsaved = self._unsaved, []
            for film in (film for film in unsaved if not film.is_over):
                self._save(film)
                if film.is_over:
                    self._finish(film)

    def _is_out_of_room(self, film: Film) -> bool:
        """Tells when the disk has become too full, and when it has room again."""
        reason = self._disk.lack(film, len(self._works), is_unsaved=bool(self._unsaved))
        if reason and not self._paused:
            self._pace.pause()
            self._tell(Paused(reason))
        elif self._paused and not reason:
            self._pace.go_on()
            self._tell(Resumed())
        self._paused = reason
        return bool(reason)

    def _finish(self, film: Film) -> None:
        job = film.job
        try:
            if film.state is FilmState.DONE:
                clear(job.output)
        except CoreError as error:
            film.notes.append(str(error))
        self._over(film.result)

    def _over(self, result: FilmResult) -> None:
        self._results.append(result)
        self._tell(result)

    def _report(self) -> None:
        films = [film for film in self._films if film.state is not FilmState.WAITING]
        self._tell(
            BatchStatus(
                frames=sum(film.frames for film in self._films),
                total=sum(film.total or film.frames for film in self._films),
                seconds_left=self._pace.seconds_left(self._films),
                films=tuple(self._pace.status(film) for film in films if not film.is_over),
            )
        )

    def _outcome(self, seconds: float) -> Outcome:
        left = [film for film in self._films if not film.is_over]
        for film in left:
            self._over(film.result)
        share = self._busy_seconds / (seconds * self._crew.size) if seconds > 0 else 0.0
        return Outcome(
            films=tuple(self._results),
            seconds=round(seconds, 2),
            busy_share=round(share, 3),
            frames=self._pace.frames,
            interrupted=bool(left),
        )
