"""The recorder: two tracks on one clock, each a file or a row of files.

Each track has a thread that encodes and writes; one more finishes files, because copying a long MP4
into its last form takes seconds in which the next one goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING

from core.errors import SettingsError, WriterError
from core.media.disk import free_bytes, room_for
from core.media.recording_check import check_recording
from core.media.recording_name import check_recording_path
from core.run.frame_queue import FrameQueue
from core.run.record_ledger import Ledger
from core.run.record_track import Closed, TrackWriter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from core.frame import Frame
    from core.media.live_encoder import EncodedPacket, SoundTemplate
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
        self._ledger = Ledger(wish, warn)
        self._closed = FrameQueue[Closed](_FILES_AHEAD)
        self._files: list[Recorded] = []
        self._finisher = Thread(target=self._finish, args=(wish,), name="lowlux-recorder-finish")
        self._tracks = {
            name: TrackWriter(name, wish, self._ledger, self._closed.put) for name in wish.paths
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

    def expect_sound(self, template: SoundTemplate | None) -> None:
        """Let files that are begun from now on hold such sound, or none."""
        self._ledger.sound = template

    def put_audio(self, packet: EncodedPacket) -> bool:
        """Hand in a packet of the source's sound, on the frames' clock; never waits.

        Returns:
            Whether it will be written on every track.
        """
        if self._ledger.sound is None:
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


def _finished(closed: Closed, reserve_bytes: int) -> Recorded:
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
