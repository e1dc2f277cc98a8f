"""What every live source promises: a camera, a stream, a file played at its own pace."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fractions import Fraction

    from core.frame import Frame
    from core.media.sound import Sound

READ_LIMIT_S = 2.0
"""A source that has brought nothing for so long is lost."""


@dataclass(frozen=True, slots=True)
class LiveInfo:
    """What is known once the first frame could be read."""

    title: str
    """What a person calls it; holds no password."""
    width: int
    """Columns, in pixels."""
    height: int
    """Rows, in pixels."""
    rate: Fraction | None
    """Frames per second that were promised; what arrives may differ."""
    reader: str
    """What reads it: `gstreamer`, `pyav`, `opencv`, `file` or `test`."""
    can_keep_rate: bool = False
    """It is a camera whose exposure could be locked, and is not."""
    sound: Sound | None = field(default=None, compare=False, repr=False)
    """Where its sound comes out meanwhile; none where there is none, or the reader brings none."""


class LiveSource(AbstractContextManager["LiveSource"], Protocol):
    """Frames as they happen; closed on leaving. Passive: no thread of ours; used from one."""

    @property
    def info(self) -> LiveInfo:
        """What was known when it was opened."""

    def read(self) -> Frame | None:
        """The next frame, with `captured_ns`; none when the source has ended by itself.

        Waits at most `READ_LIMIT_S`.

        Raises:
            SourceLostError: nothing came in time, or the connection broke.
        """

    def close(self) -> None:
        """Lets go of the source; safe to call twice."""
