"""How fast a batch is, and how long it will take."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from core.run.batch_events import FilmStatus
from core.run.chunk_task import ChunkTask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from core.run.crew import Work
    from core.run.film import Film

_LEAST_S = 3.0
"""Watched for less than this, a pace is chance: several workers' first frames come at once."""


class Pace:
    """Measures what this run does; what earlier runs did says nothing about its speed.

    Films differ in size, so work is counted in pixels. Frames that are copied cost next to
    nothing and count for nothing. Nothing is told before it can be known.

    Args:
        clock: monotonic time in seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._paused_since: float | None = None
        self._paused_s = 0.0
        self._pixels = _Meter()
        self._films: defaultdict[Film, _Meter] = defaultdict(_Meter)
        self.frames = 0
        """Done by this run."""

    def went_on(self, film: Film, frames: int, work: Work) -> None:
        """So many more frames of a film are done; fewer than none where they are lost again."""
        if not isinstance(work, ChunkTask):
            return
        self.frames += frames
        if not work.copied:
            now = self._now()
            self._films[film].add(frames, now)
            self._pixels.add(frames * film.pixels, now)

    def pause(self) -> None:
        """Nothing new is begun; until `go_on`, time does not count."""
        self._paused_since = self._clock()

    def go_on(self) -> None:
        """Work is begun again."""
        self._paused_s, self._paused_since = self._clock() - self._now(), None

    def _now(self) -> float:
        """The time, without pauses."""
        now = self._clock() if self._paused_since is None else self._paused_since
        return now - self._paused_s

    def seconds_left(self, films: Iterable[Film]) -> float | None:
        """Until all is done; None while there is nothing to tell it from."""
        left = [(film.frames_left, film.pixels) for film in films]
        if all(frames == 0 for frames, _ in left):
            return 0.0
        rate = self._pixels.rate(self._now())
        if rate is None or any(frames is None for frames, _ in left):
            return None
        return sum((frames or 0.0) * pixels for frames, pixels in left) / rate

    def status(self, film: Film) -> FilmStatus:
        """How far a film is; its speed is None while it is not known."""
        fps = self._films[film].rate(self._now())
        frames_left = film.frames_left
        left = None if fps is None or frames_left is None else frames_left / fps
        doing = film.state.value
        return FilmStatus(film.job.source, doing, film.frames, film.total, fps, left)


class _Meter:
    """Work by the second, since it was first told of some: when that was begun nobody knows."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._done = 0

    def add(self, amount: int, now: float) -> None:
        if self._since is None:
            self._since = now
        else:
            self._done += amount

    def rate(self, now: float) -> float | None:
        """None while it was watched too shortly."""
        if self._since is None or self._done <= 0 or now - self._since < _LEAST_S:
            return None
        return self._done / (now - self._since)
