"""What a live run records: one recording at a time, fed by two threads."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from core.closing import Closing
from core.enhance.compare import compared
from core.errors import SettingsError
from core.run.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.frame import Frame
    from core.media.live_encoder import EncodedPacket, SoundTemplate
    from core.run.live_status import Pair
    from core.run.record_ledger import RecorderStatus, RecordWish
    from core.run.recorder import Recorded


class LiveRecording(Closing):
    """Begins and ends recordings while frames go by.

    The capture thread calls `put_original`, the enhance thread `put_pair`; everything else may be
    called from any thread.

    Args:
        tell: called from a thread of the recorder's when the disk is nearly full.
    """

    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell, self._lock = tell, Lock()
        self._recorder: Recorder | None = None
        self._sound: SoundTemplate | None = None
        self._warn_minutes = 0.0
        self._is_closed = False
        self.files: tuple[Recorded, ...] = ()
        """Everything that was finished so far."""
        self.incomplete = ""
        """What became of a recording that is not whole; empty where all are."""

    def begin(self, wish: RecordWish) -> None:
        """Record from the next frame on.

        Raises:
            SettingsError: a recording is under way, nothing more comes, or the wish cannot be met.
            WriterError: a file cannot be written, or there is no room for it.
        """
        with self._lock:
            if self._is_closed:
                raise SettingsError("The run has ended; open the source again to record it")
            if self._recorder is not None:
                raise SettingsError("A recording is under way; stop it before you begin another")
            recorder = Recorder(wish, lambda _: self._tell())
            recorder.expect_sound(self._sound)
            self._recorder = recorder
            self._warn_minutes = wish.warn_minutes

    def end(self) -> tuple[Recorded, ...]:
        """Finish and check the files; waits for that. Without a recording there are none."""
        with self._lock:
            recorder, self._recorder = self._recorder, None
            if recorder is None:
                return ()
            files = recorder.stop()
            self.files += files
            self.incomplete = self.incomplete or _incomplete(recorder.status.reason, files)
            return files

    def close(self) -> None:
        """End the recording, and begin no other; safe to call twice."""
        with self._lock:
            self._is_closed = True
        self.end()

    def expect_sound(self, template: SoundTemplate | None) -> None:
        """The source that was opened has such sound, or none; before its first frame."""
        with self._lock:
            self._sound = template
            if self._recorder is not None:
                self._recorder.expect_sound(template)

    def put_sound(self, packet: EncodedPacket) -> None:
        """A packet of the source's sound, on the frames' clock; on the capture thread."""
        recorder = self._recorder
        if recorder is not None:
            recorder.put_audio(packet)

    def put_original(self, frame: Frame) -> None:
        """A frame as it came."""
        recorder = self._recorder
        if recorder is not None:
            recorder.put("original", frame)

    def put_pair(self, pair: Pair) -> None:
        """Both pictures of a frame."""
        recorder = self._recorder
        if recorder is None:
            return
        recorder.put("enhanced", pair.enhanced)
        if "side_by_side" in recorder.tracks:
            both = compared(pair.original.pixels, pair.enhanced.pixels, "side")
            recorder.put("side_by_side", pair.enhanced.with_pixels(both))

    @property
    def status(self) -> RecorderStatus | None:
        """Of the recording under way; none without one."""
        recorder = self._recorder
        return None if recorder is None else recorder.status

    @property
    def trouble(self) -> str:
        """What is wrong with it and what to try; empty where all is well."""
        status = self.status
        if status is None:
            return ""
        if status.reason:
            return f"The recording has ended. {status.reason}"
        minutes = status.minutes_left
        if minutes is not None and minutes < self._warn_minutes:
            return f"The disk will be full {_soon(minutes)}; free some space or stop the recording"
        return ""


def _soon(minutes: float) -> str:
    whole = int(minutes)
    if whole < 1:
        return "in less than a minute"
    return f"in {whole} minute{'s' if whole > 1 else ''}"


def _incomplete(reason: str, files: tuple[Recorded, ...]) -> str:
    """In one sentence, where a recording ended by itself or a file is not as it should be."""
    wrong = reason or next((file.note for file in files if not file.checked), "")
    if not wrong:
        return ""
    return f"{'The recording is not whole' if files else 'Nothing was recorded'}: {wrong}"
