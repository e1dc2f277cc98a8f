"""The recorder: two tracks on one clock, each a file or a row of files.

Each track has a thread that encodes and writes; one more finishes files, because copying a long MP4
into its last form takes seconds in which the next one goes on.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING

from core.errors import CoreError, SettingsError, WriterError
from core.frame import Frame
from core.media.disk import ByteRate, free_bytes, room_for
from core.media.live_encoder import EncodedPacket, LiveEncoder
from core.media.recording import (
    RecordingFile,
    check_recording,
    check_recording_path,
    recording_name,
)
from core.run.frame_queue import FrameQueue
from core.run.record_ledger import FRAMES_AHEAD, SOUNDS_AHEAD, Ledger

if TYPE_CHECKING:
    from collections.abc import Callable
    from fractions import Fraction
    from pathlib import Path

    from core.run.record_ledger import RecorderStatus, RecordWish, Track

_FILES_AHEAD = 1000
_MOST_TRACKS = 2
_TOLERANCE_S = 0.1
"""Containers round, and the last picture's length is a guess."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One finished file."""

    path: Path
    """Where it is."""
    track: Track
    """What it shows."""
    frames: int
    """Pictures written into it."""
    seconds: float
    """Its length."""
    gaps: tuple[tuple[float, float], ...]
    """From and to, in seconds of the file: no picture came."""
    checked: bool
    """It was opened again and holds these pictures and this length."""
    note: str
    """What the user ought to know; empty where all is well."""


class Recorder:
    """Records from now until `stop`.

    `put` is called by one thread for each track, everything else by any. `warn` is called from a
    thread of the recorder's, once, with the minutes that are left. The frames' clock must rise
    across reconnects too; a jump ahead is kept as a gap.

    Raises:
        SettingsError: no track, too many, or a file name of the wrong kind.
        WriterError: a file cannot be written, or there is no room for it.
    """

    def __init__(self, wish: RecordWish, warn: Callable[[float], None] = lambda _: None) -> None:
        _check(wish)
        self._audio = wish.audio
        self._ledger = Ledger(wish, warn)
        self._closed = FrameQueue[_Closed](_FILES_AHEAD)
        self._files: list[Recorded] = []
        self._finisher = Thread(target=self._finish, args=(wish,), name="lowlux-recorder-finish")
        self._tracks = {
            name: _Track(name, wish, self._ledger, self._closed.put) for name in wish.paths
        }
        self._finisher.start()
        for track in self._tracks.values():
            track.thread.start()

    @property
    def tracks(self) -> frozenset[Track]:
        """What is recorded; frames of other tracks need not be made."""
        return frozenset(self._tracks)

    @property
    def status(self) -> RecorderStatus:
        """How far it is."""
        return self._ledger.status()

    def put(self, track: Track, frame: Frame) -> bool:
        """Hand in a frame; never waits.

        Returns:
            Whether it will be written. A frame of a track that is not recorded, of a moment before
            the first frame, or after the end of the recording is not, and is not counted.
        """
        to = self._tracks.get(track)
        return to is not None and self._ledger.admit(track, frame) and to.queue.put(frame)

    def put_audio(self, packet: EncodedPacket) -> bool:
        """Hand in a packet of the source's sound, on the frames' clock; never waits.

        Returns:
            Whether it will be written on every track.
        """
        if self._audio is None:
            return False
        admitted = [track for name, track in self._tracks.items() if self._ledger.admit_sound(name)]
        taken = sum(track.queue.put(packet) for track in admitted)
        return taken == len(self._tracks)

    def stop(self) -> tuple[Recorded, ...]:
        """Write what was handed in, finish and check the files; waits for that.

        Returns:
            Every file, track by track. Calling it again gives the same.
        """
        self._ledger.end("")
        for track in self._tracks.values():
            track.queue.close()
        for track in self._tracks.values():
            track.thread.join()
        self._closed.close()
        self._finisher.join()
        order = list(self._tracks)
        return tuple(sorted(self._files, key=lambda file: order.index(file.track)))

    def _finish(self, wish: RecordWish) -> None:
        for closed in self._closed:
            self._files.append(_finished(closed, wish.reserve_bytes))


@dataclass(frozen=True, slots=True)
class _Closed:
    """A file that gets no more frames."""

    track: Track
    file: RecordingFile
    trouble: str


class _Track:
    """Encodes and writes one track; all but `queue` belongs to its thread."""

    def __init__(
        self, name: Track, wish: RecordWish, ledger: Ledger, hand_over: Callable[[_Closed], bool]
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
            self._ledger.end(trouble)
        except BaseException as error:
            trouble = f"The recording of {self._path} failed ({error!r}); please report this"
            self._ledger.end(trouble)
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
            audio=self._wish.audio,
        )
        self._segment = segment

    def _close(self, trouble: str) -> None:
        if self._file is not None:
            self._hand_over(_Closed(self._name, self._file, trouble))
            self._file = None


def _check(wish: RecordWish) -> None:
    if not 1 <= len(wish.paths) <= _MOST_TRACKS:
        raise SettingsError(
            f"{len(wish.paths)} tracks were chosen to be recorded; choose one or two of them"
        )
    if len(set(wish.paths.values())) < len(wish.paths):
        raise SettingsError("Two tracks cannot go into one file; give each a name of its own")
    for path in wish.paths.values():
        check_recording_path(path)
        if not room_for(free_bytes(path.parent), 0, wish.reserve_bytes).enough:
            raise WriterError(f"The disk of {path.parent} is nearly full; free some space first")


def _numbered(path: Path, number: int) -> Path:
    return path if number == 1 else path.with_name(f"{path.stem}-{number:03}{path.suffix}")


def _is_taken(path: Path) -> bool:
    return path.exists() or recording_name(path).exists()


def _finished(closed: _Closed, reserve_bytes: int) -> Recorded:
    """Give a file its name and look whether it holds what was written."""
    file, path = closed.file, closed.file.path
    notes = [closed.trouble] if closed.trouble else []
    checked = False
    try:
        notes += file.close(reserve_bytes)
        found = check_recording(path)
        checked = (
            found.frames == file.frames and abs(found.seconds - float(file.seconds)) < _TOLERANCE_S
        )
        if not checked:
            notes.append(
                f"{path} holds {found.frames} of {file.frames} pictures, {found.seconds:.1f} of "
                f"{float(file.seconds):.1f} s"
            )
    except WriterError as error:
        notes.append(str(error))
        path = path if path.exists() else file.recording_path
    return Recorded(
        path=path,
        track=closed.track,
        frames=file.frames,
        seconds=float(file.seconds),
        gaps=tuple((float(begin), float(end)) for begin, end in file.gaps),
        checked=checked,
        note=". ".join(notes),
    )
