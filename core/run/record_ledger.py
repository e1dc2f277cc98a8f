"""What a recorder's threads share: the clock, the counters, whether to go on.

Note [segments]
    Frames are assigned to files when they are handed in, by their time and under one lock, so that
    equal times go into the same segment on every track and count from the same zero, however far
    one track's thread is behind the other's. A file ends where the next begins: the first frame of
    a segment is encoded as a key frame, and none is left out.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from threading import Lock
from typing import TYPE_CHECKING, Literal

from core.frame import Frame
from core.media.disk import RESERVE_BYTES, WARN_MINUTES, free_bytes, room_for
from core.media.live_encoder import LIVE_ENCODE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from core.media.live_encoder import EncodedPacket, SoundTemplate
    from core.settings import EncodeSettings

Track = Literal["original", "enhanced", "side_by_side"]

FRAMES_AHEAD = 30
"""A second of a camera; a 720p frame is 2.8 MB."""
BYTES_AHEAD = 256 * 2**20
"""On each track: ten frames in 4K, which are 25 MB each."""
LEAST_AHEAD = 2
"""So many frames may wait however large they are."""
SOUNDS_AHEAD = 200
"""Four seconds of AAC."""


@dataclass(frozen=True, slots=True)
class RecordWish:
    """What is to be recorded, and how."""

    paths: Mapping[Track, Path]
    """Where each track goes; one or two of them."""
    encode: EncodeSettings = LIVE_ENCODE
    """Quality and speed."""
    segment_seconds: float | None = None
    """Begin a new file after so much time."""
    segment_bytes: int | None = None
    """Begin a new file once one of the tracks' has this size."""
    reserve_bytes: int = RESERVE_BYTES
    """Stop while the disk still has so much room."""
    warn_minutes: float = WARN_MINUTES
    """Warn when the disk will be full sooner than that."""


@dataclass(frozen=True, slots=True)
class RecorderStatus:
    """Counters of a recorder, at one moment. frames_in = written + dropped + those waiting."""

    recording: bool
    """Frames are taken."""
    frames_in: int
    """Handed in, over all tracks."""
    written: int
    """Encoded and stored."""
    dropped: int
    """Refused: the queue was full, or the time did not rise."""
    bytes: int
    """Stored so far, in all files."""
    seconds: float
    """From the first frame to the newest."""
    minutes_left: float | None
    """Until the disk is full; None until it was measured."""
    reason: str
    """Why it stopped by itself; empty where it did not."""


@dataclass
class _Count:
    """What happened on one track."""

    frames_in: int = 0
    written: int = 0
    dropped: int = 0
    waiting: int = 0
    bytes_waiting: int = 0
    sounds_waiting: int = 0
    bytes: int = 0
    bytes_per_second: float = 0.0
    last: Fraction | None = None
    size: tuple[int, ...] = ()

    def has_room(self, frame: Frame) -> bool:
        """Whether one more frame may wait."""
        size = self.bytes_waiting + frame.pixels.nbytes
        return self.waiting < (FRAMES_AHEAD if size <= BYTES_AHEAD else LEAST_AHEAD)


class Ledger:
    """All that the recorder's threads share, under one lock; called from any of them."""

    def __init__(self, wish: RecordWish, warn: Callable[[float], None]) -> None:
        self._wish, self._warn = wish, warn
        self.sound: SoundTemplate | None = None
        """What files begun from now on hold beside the pictures."""
        self._lock = Lock()
        self._counts = {name: _Count() for name in wish.paths}
        self._taking, self._reason = True, ""
        self._origins: list[Fraction] = []
        self._newest = Fraction(0)
        self._split_soon = self._warned = False
        self._minutes_left: float | None = None

    def status(self) -> RecorderStatus:
        """How far all tracks are."""
        with self._lock:
            counts = self._counts.values()
            return RecorderStatus(
                recording=self._taking,
                frames_in=sum(count.frames_in for count in counts),
                written=sum(count.written for count in counts),
                dropped=sum(count.dropped for count in counts),
                bytes=sum(count.bytes for count in counts),
                seconds=float(self._newest - self._origins[0]) if self._origins else 0.0,
                minutes_left=self._minutes_left,
                reason=self._reason,
            )

    def admit(self, track: Track, frame: Frame) -> bool:
        """Count a frame that is handed in; whether there is room for it."""
        count, moment = self._counts[track], frame.pts * frame.time_base
        with self._lock:
            if not self._taking or (self._origins and moment < self._origins[0]):
                return False
            count.frames_in += 1
            late = count.last is not None and moment <= count.last
            if late or not count.has_room(frame):
                count.dropped += 1
                return False
            self._split(moment, resized=bool(count.size) and count.size != frame.pixels.shape)
            count.last, count.size = moment, frame.pixels.shape
            count.waiting += 1
            count.bytes_waiting += frame.pixels.nbytes
            return True

    def admit_sound(self, track: Track) -> bool:
        """Count a packet of sound that is handed in; whether there is room for it."""
        count = self._counts[track]
        with self._lock:
            room = self._taking and count.sounds_waiting < SOUNDS_AHEAD
            count.sounds_waiting += room
            return room

    def took(self, track: Track, item: Frame | EncodedPacket) -> None:
        """An item left the track's queue."""
        count = self._counts[track]
        with self._lock:
            if isinstance(item, Frame):
                count.waiting -= 1
                count.bytes_waiting -= item.pixels.nbytes
            else:
                count.sounds_waiting -= 1

    def segment(self, moment: Fraction) -> int:
        """The number of the file a moment belongs to, from 0; -1 before the first."""
        with self._lock:
            return bisect_right(self._origins, moment) - 1

    def origin(self, segment: int) -> Fraction:
        """The moment that is zero in a segment's files, in seconds."""
        with self._lock:
            return self._origins[segment]

    def wrote(self, track: Track, size: int, rate: float, segment: int, file_size: int) -> None:
        """A frame was stored in so many bytes, in a file that now has `file_size`."""
        limit = self._wish.segment_bytes
        with self._lock:
            count = self._counts[track]
            count.written += 1
            count.bytes += size
            count.bytes_per_second = rate
            if limit is not None and file_size >= limit and segment == len(self._origins) - 1:
                self._split_soon = True

    def look_at_disk(self, folder: Path) -> bool:
        """Warn if there is little room left; whether the recording may go on.

        Raises:
            WriterError: the folder is gone.
        """
        free = free_bytes(folder)
        with self._lock:
            rate = sum(count.bytes_per_second for count in self._counts.values())
            room = room_for(free, rate, self._wish.reserve_bytes)
            self._minutes_left = room.minutes_left
            warn = not self._warned and room.minutes_left < self._wish.warn_minutes
            self._warned |= warn
        if warn:
            self._warn(room.minutes_left)
        if not room.enough:
            self.end(f"The disk of {folder} is nearly full, so the recording was ended")
        return room.enough

    def end(self, reason: str) -> None:
        """Take no more; the first reason counts."""
        with self._lock:
            if self._taking:
                self._taking, self._reason = False, reason

    def broke(self, reason: str) -> None:
        """A track can write no more; told of also where the recording was being stopped."""
        with self._lock:
            self._taking, self._reason = False, self._reason or reason

    @property
    def reason(self) -> str:
        """Why it ended by itself; empty where it did not."""
        with self._lock:
            return self._reason

    def settle(self, track: Track) -> None:
        """The track has ended: what it had not written it never will."""
        with self._lock:
            count = self._counts[track]
            count.dropped = count.frames_in - count.written
            count.waiting = count.bytes_waiting = count.sounds_waiting = 0

    def _split(self, moment: Fraction, *, resized: bool) -> None:
        """Begin a segment with this frame if it is time; see Note [segments]."""
        if self._origins and moment <= self._newest:
            return
        limit = self._wish.segment_seconds
        over = bool(self._origins) and limit is not None and moment - self._origins[-1] >= limit
        if not self._origins or over or resized or self._split_soon:
            self._origins.append(moment)
            self._split_soon = False
        self._newest = moment
