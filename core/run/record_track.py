"""One track of a recording: encoded and written on a thread of its own."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING

from core.errors import CoreError
from core.frame import Frame
from core.media.disk import ByteRate
from core.media.live_encoder import EncodedPacket, LiveEncoder
from core.media.recording import RecordingFile
from core.media.recording_name import recording_name
from core.run.frame_queue import FrameQueue
from core.run.record_ledger import FRAMES_AHEAD, SOUNDS_AHEAD

if TYPE_CHECKING:
    from collections.abc import Callable
    from fractions import Fraction
    from pathlib import Path

    from core.run.record_ledger import Ledger, RecordWish, Track


@dataclass(frozen=True, slots=True)
class Closed:
    """A file that gets no more frames."""

    track: Track
    """What it shows."""
    file: RecordingFile
    """Not finished yet."""
    trouble: str
    """What it broke off for; empty where it did not."""


class TrackWriter:
    """Encodes and writes one track; all but `queue` belongs to its thread."""

    def __init__(
        self, name: Track, wish: RecordWish, ledger: Ledger, hand_over: Callable[[Closed], bool]
    ) -> None:
        self.queue = FrameQueue[Frame | EncodedPacket](FRAMES_AHEAD + SOUNDS_AHEAD)
        self.thread = Thread(target=self._run, name=f"lowlux-recorder-{name}")
        self._name, self._wish, self._ledger = name, wish, ledger
        self._hand_over = hand_over
        self._path = wish.paths[name]
        self._encoder: LiveEncoder | None = None
        self._size: tuple[int, ...] = ()
        self._file: RecordingFile | None = None
        self._segment, self._number = -1, 0
        self._sounds: deque[EncodedPacket] = deque(maxlen=SOUNDS_AHEAD)
        self._rate = ByteRate()

    def _run(self) -> None:
        trouble = ""
        try:
            for item in self.queue:
                self._ledger.took(self._name, item)
                if isinstance(item, Frame):
                    self._write(item)
                else:
                    self._sounds.append(item)
            self._write_sounds(None)
        except CoreError as error:
            trouble = str(error)
            self._ledger.broke(trouble)
        except BaseException as error:
            trouble = f"The recording of {self._path} failed ({error!r}); please report this"
            self._ledger.broke(trouble)
            raise
        finally:
            self.queue.discard()
            self._ledger.settle(self._name)
            self._close(trouble or self._ledger.reason)

    def _write(self, frame: Frame) -> None:
        moment = frame.pts * frame.time_base
        segment = self._ledger.segment(moment)
        resized = frame.pixels.shape != self._size
        is_first = self._file is None or segment != self._segment or resized
        if is_first:
            self._write_sounds(self._ledger.origin(segment))
            self._close("")
            if resized:
                height, width = frame.pixels.shape[:2]
                self._encoder = LiveEncoder(width, height, frame.time_base, self._wish.encode)
                self._size = frame.pixels.shape
            self._open(segment)
        assert self._encoder is not None
        for packet in self._encoder.encode(frame, key=is_first):
            self._store(packet)
        self._write_sounds(moment)

    def _store(self, packet: EncodedPacket) -> None:
        assert self._file is not None
        self._file.write(packet)
        self._rate.add(float(packet.begin), len(packet.data))
        rate = self._rate.bytes_per_second
        self._ledger.wrote(self._name, len(packet.data), rate, self._segment, self._file.bytes)
        if packet.is_key and not self._ledger.look_at_disk(self._path.parent):
            self.queue.close()

    def _write_sounds(self, until: Fraction | None) -> None:
        """Sound follows the pictures, so that it goes into the file they went into."""
        while self._file and self._sounds and (until is None or self._sounds[0].begin < until):
            self._file.write(self._sounds.popleft())

    def _open(self, segment: int) -> None:
        assert self._encoder is not None
        self._number = max(self._number + 1, segment + 1)
        while (path := _numbered(self._path, self._number)) and _is_taken(path):
            self._number += 1
        self._file = RecordingFile(
            path,
            self._encoder.template,
            origin=self._ledger.origin(segment),
            audio=self._ledger.sound,
        )
        self._segment = segment

    def _close(self, trouble: str) -> None:
        if self._file is not None:
            self._hand_over(Closed(self._name, self._file, trouble))
            self._file = None


def _numbered(path: Path, number: int) -> Path:
    return path if number == 1 else path.with_name(f"{path.stem}-{number:03}{path.suffix}")


def _is_taken(path: Path) -> bool:
    return path.exists() or recording_name(path).exists()
