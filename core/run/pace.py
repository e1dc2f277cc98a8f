"""How fast a batch is, and how long it will take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.run.batch_events import FilmStatus
from core.run.chunk_task import ChunkTask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from core.run.crew import Work
    from core.run.film import Film


class Pace:
    """Measures what this run does; what earlier runs did says nothing about its speed.

    Films differ in size, so work is counted in pixels. Frames that are copied cost next to
    nothing and count for nothing.

    Args:
        clock: monotonic time in seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began: float | None = None
        self._pixels = 0
        self._films: dict[Film, tuple[float, int]] = {}
        self.frames = 0
        """Done by this run."""

    def went_on(self, film: Film, frames: int, work: Work) -> None:
        """So many more frames of a film are done."""
        if not isinstance(work, ChunkTask):
            return
        now = self._clock()
        self._began = now if self._began is None else self._began
        since, before = self._films.setdefault(film, (now, 0))
        self._films[film] = (since, before + frames)
        self.frames += frames
        if not work.copied:
            self._pixels += frames * film.pixels

    def seconds_left(self, films: Iterable[Film]) -> float | None:
        """Until all is done; None while there is nothing to tell it from."""
        if self._began is None or not self._pixels:
            return None
        left = sum(film.frames_left * film.pixels for film in films)
        return left * (self._clock() - self._began) / self._pixels

    def status(self, film: Film) -> FilmStatus:
        """How far a film is."""
        since, frames = self._films.get(film, (0.0, 0))
        elapsed = self._clock() - since if frames else 0.0
        fps = frames / elapsed if elapsed > 0 else 0.0
        left = film.frames_left / fps if fps else None
        doing = film.state.value
        return FilmStatus(film.job.source, doing, film.frames, film.total, fps, left)
