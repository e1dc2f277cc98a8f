"""What is wrong with a recording is told, whatever the pictures do."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from threading import Event

from core.run.live_recording import LiveRecording
from core.run.record_ledger import RecordWish
from tests.fakes import PATIENCE_S
from tests.run.live_parts import frame, until


def test_a_disk_that_fills_is_told_with_the_minutes_left(tmp_path: Path) -> None:
    told = Event()
    wish = RecordWish({"original": tmp_path / "d.mkv"}, reserve_bytes=0, warn_minutes=float("inf"))
    with LiveRecording(told.set) as recording:
        recording.begin(wish)
        assert recording.trouble == ""
        for number in range(40):
            recording.put_original(frame(number))
            until(partial(_has_written, recording, number))()
        assert told.wait(PATIENCE_S)
        assert "free some space or stop the recording" in recording.trouble
    assert recording.trouble == ""
    assert recording.files[0].checked


def test_a_recording_that_ended_by_itself_says_why_and_keeps_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    with LiveRecording(lambda: None) as recording:
        recording.begin(RecordWish({"original": folder / "walk.mkv"}, reserve_bytes=0))
        recording.put_original(frame(0))
        until(partial(_has_written, recording, 0))()
        (folder / "walk.recording.mkv").unlink()
        folder.rmdir()
        number = 0
        while not recording.trouble:
            number += 1
            recording.put_original(frame(number))
            Event().wait(0.001)
        assert recording.trouble.startswith("The recording has ended. ")
        assert "can no longer be reached" in recording.trouble
        (file,) = recording.end()
        assert not file.checked
        assert recording.trouble == ""
    assert recording.files == (file,)


def _has_written(recording: LiveRecording, more_than: int) -> bool:
    status = recording.status
    return status is not None and status.written > more_than
