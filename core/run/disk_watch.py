"""Whether the disk has room for more of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.errors import WriterError
from core.media.disk import RESERVE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from core.run.batch_plan import Job
    from core.run.film import Film
    from core.settings import BatchSettings

_PATIENCE_S = 5.0
"""After a disk was full, nothing is tried for so long, whatever the disk says of its room."""
_MIB = 1024 * 1024


class DiskWatch:
    """Looks before anything is begun. Passive; remembers how large chunks are.

    Args:
        settings: the least room, if the user wishes for one, and how long chunks are.
        free: bytes left on the disk of a folder.
        clock: monotonic time in seconds.
    """

    def __init__(
        self, settings: BatchSettings, free: Callable[[Path], int], clock: Callable[[], float]
    ) -> None:
        self._settings, self._free, self._clock = settings, free, clock
        self._full_until = 0.0
        self._was_full = False
        self._largest_chunk = 0

    @property
    def is_full(self) -> bool:
        """Something did not fit a moment ago."""
        return self._clock() < self._full_until

    def was_full(self) -> None:
        """Something did not fit just now."""
        self._full_until = self._clock() + _PATIENCE_S
        self._was_full = True

    def took(self, size: int) -> None:
        """A chunk of so many bytes was written."""
        self._largest_chunk = max(self._largest_chunk, size)

    def lack(self, film: Film, under_way: int, *, is_unsaved: bool) -> str:
        """Why no more can be begun on a film; empty where it can.

        Args:
            film: that there is to be more of.
            under_way: how much else is written at the moment.
            is_unsaved: whether a journal still waits for room.
        """
        folder = film.job.output.parent
        if self.is_full or is_unsaved:
            return f"The disk of {folder} is full; free some space, and the batch goes on"
        try:
            free = self._free(folder)
        except WriterError as error:
            return str(error)
        need = self._reserve(film.job, under_way) + film.next_size
        if free >= need:
            return ""
        return (
            f"The disk of {folder} has {free // _MIB} MiB left, and {need // _MIB + 1} are needed; "
            "free some space, and the batch goes on"
        )

    def _reserve(self, job: Job, under_way: int) -> int:
        """Bytes that must be free before anything is begun."""
        settings = self._settings
        chunk = self._largest_chunk or _expected_chunk(job, settings.chunk_seconds)
        needed = chunk * (under_way + 1)
        if settings.min_free is None:
            return RESERVE_BYTES + needed
        least = settings.min_free * _MIB
        # What the user thinks is enough was not: no more is begun that would not fit either.
        return max(least, needed) if self._was_full else least


def _expected_chunk(job: Job, seconds: float) -> int:
    """As many bytes as the source has for as long: nothing was measured yet."""
    size = job.source.stat().st_size
    length = job.info.duration_seconds or seconds or 1.0
    return round(size * min(1.0, max(seconds, 1.0) / max(length, 1e-3)))
