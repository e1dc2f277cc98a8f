"""What the window does about a source that is lost, slow, or read otherwise than planned."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import av
from pytestqt.qtbot import QtBot

from app.gui.recording import RecordingState
from app.gui.source_words import KEEPS_RATE
from core.media.camera_list import CameraInfo
from core.run.live_status import LiveState
from core.settings import LiveSettings
from tests.app.gui.window_parts import PATTERN, FakeRuns, Make, close, make_run, press

if TYPE_CHECKING:
    from app.gui.view_contract import Run


def test_the_pause_button_says_what_it_does_while_the_source_is_lost(
    qtbot: QtBot, make_window: Make
) -> None:
    runs = FakeRuns()
    window = make_window(runs)
    window.open("rtsp://10.0.0.7/door")
    qtbot.waitUntil(lambda: window.session.state is LiveState.RUNNING)
    runs[0].status = replace(runs[0].status, state=LiveState.RECONNECTING)
    press(window, " ")
    assert window.display.tools.pause.accessibleName() == "Go on (Space)"
    press(window, " ")
    assert window.display.tools.pause.accessibleName() == "Stand still (Space)"
    assert not runs[0].is_paused


def test_a_note_is_seen_without_the_health_panel(qtbot: QtBot, make_window: Make) -> None:
    runs = FakeRuns()
    window = make_window(runs)
    window.open("rtsp://10.0.0.7/door")
    qtbot.waitUntil(lambda: window.session.state is LiveState.RUNNING)
    banner = window.display.banner
    assert banner.isHidden()
    runs[0].status = replace(runs[0].status, notes=("PyAV reads the stream",))
    qtbot.waitUntil(banner.isVisible)
    assert (banner.text.text(), banner.property("kind")) == ("PyAV reads the stream", "note")


def test_a_camera_that_was_asked_to_keep_its_rate_is_asked_so_the_next_time(
    qtbot: QtBot, make_window: Make, tmp_path: Path
) -> None:
    camera = CameraInfo("046d:0825:A1", "Desk camera", "/dev/video0", ())
    window = make_window(FakeRuns())
    window.display.picker.camera.show_cameras([camera])
    window.open("camera:046d:0825:A1")
    qtbot.waitUntil(lambda: window.session.state is LiveState.RUNNING)
    window.session.keep_rate()
    assert window.display.picker.camera.keep_rate.isChecked()
    close(qtbot, window)
    stored = json.loads((tmp_path / "window.json").read_text())
    assert stored["cameras"] == {camera.id: KEEPS_RATE}
    assert stored["uri"] == f"camera:{camera.id}?{KEEPS_RATE}"
    again = make_window(FakeRuns())
    again.display.picker.camera.show_cameras([camera])
    assert again.display.picker.camera.keep_rate.isChecked()


def test_a_recording_goes_on_in_a_second_file_when_the_rate_is_kept(
    qtbot: QtBot, make_window: Make, tmp_path: Path
) -> None:
    def make_without(uri: str, settings: LiveSettings, tell: Callable[[], None]) -> Run:
        # The test pattern has no exposure that could be locked.
        return make_run(uri.replace(f"&{KEEPS_RATE}", ""), settings, tell)

    def has_recorded() -> bool:
        history = session.history
        return bool(history and history[-1].recording and history[-1].recording.written)

    window = make_window(make_without)
    session, films = window.session, tmp_path / "films"
    window.open(PATTERN)
    qtbot.waitUntil(lambda: session.pair is not None)
    press(window, "r")
    qtbot.waitUntil(has_recorded)
    session.keep_rate()
    qtbot.waitUntil(lambda: "goes on in a new file" in window.display.banner.text.text())
    assert session.saver.recording is RecordingState.ON
    session.history.clear()
    qtbot.waitUntil(has_recorded)
    close(qtbot, window)
    recorded = sorted(films.glob("*.mkv"))
    assert len(recorded) == 2
    for film in recorded:
        with av.open(str(film)) as opened:
            assert sum(1 for _ in opened.decode(video=0)) > 0
