"""How much longer a disk can take what is written to it."""

from __future__ import annotations

import errno
import shutil
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import WriterError

if TYPE_CHECKING:
    from pathlib import Path

FULL = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
"""What the system says where nothing more can be written."""
RESERVE_BYTES = 64 * 1024 * 1024
"""Left free when a recording stops by itself: room to finish its file, and for everyone else."""
WARN_MINUTES = 5.0
"""Less than this left is worth a warning."""
_WINDOW_S = 30.0
_UNTIL_NEXT_LOOK_S = 2.0


@dataclass(frozen=True, slots=True)
class Room:
    """What a disk has left for a recording."""

    minutes_left: float
    """Until it must stop, at the rate of late; infinite while nothing was written."""
    enough: bool
    """Whether it may go on."""


def free_bytes(folder: Path) -> int:
    """Bytes the user may still write there.

    Raises:
        WriterError: the folder is gone.
    """
    try:
        return shutil.disk_usage(folder).free
    except OSError as error:
        raise WriterError(
            f"The folder {folder} can no longer be reached ({error.strerror}); "
            "connect its disk again or record elsewhere"
        ) from error


def room_for(free: int, bytes_per_second: float, reserve: int = RESERVE_BYTES) -> Room:
    """Whether there is enough room, and for how long.

    Args:
        free: bytes not used yet.
        bytes_per_second: of everything that is written to the disk.
        reserve: bytes that stay free.
    """
    left = free - reserve
    enough = left > bytes_per_second * _UNTIL_NEXT_LOOK_S
    if bytes_per_second <= 0:
        return Room(float("inf"), enough)
    return Room(max(0.0, left / bytes_per_second / 60), enough)


class ByteRate:
    """Bytes per second of film over its last half minute. Passive; one per thread."""

    def __init__(self) -> None:
        self._sizes: deque[tuple[float, int]] = deque()
        self._total = 0

    def add(self, seconds: float, size: int) -> None:
        """So many bytes were written for the moment `seconds` of the film."""
        self._sizes.append((seconds, size))
        self._total += size
        while len(self._sizes) > 2 and seconds - self._sizes[1][0] > _WINDOW_S:
            self._total -= self._sizes.popleft()[1]

    @property
    def bytes_per_second(self) -> float:
        """0 until a span of time was measured."""
        if len(self._sizes) < 2:
            return 0.0
        span = self._sizes[-1][0] - self._sizes[0][0]
        # The last piece lasts beyond the span, so it is not counted.
        return (self._total - self._sizes[-1][1]) / span if span > 0 else 0.0
