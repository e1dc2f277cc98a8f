"""The real window with a real run on a test pattern: what a user does in one sitting."""

from __future__ import annotations

import json
from pathlib import Path

import av
from PyQt6.QtCore import QMimeData, QPointF, Qt, QUrl
from PyQt6.QtGui import QDropEvent
from PyQt6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QLabel,
    QLineEdit,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.gui.editors import ModelEditor
from app.gui.preferences import ThemeName
from app.gui.recording import RecordingState
from app.gui.theme import DARK, LIGHT, Colours
from app.gui.view_layers import ViewMode
from core.run.live_status import LiveState
from tests.app.gui.fake_run import FakeRun
from tests.app.gui.window_parts import PATTERN, FakeRuns, Make, close, press


def test_one_sitting(qtbot: QtBot, make_window: Make, tmp_path: Path) -> None:
    window = make_window()
    session, view = window.session, window.view
    assert not window.display.picker.isHidden()

    window.display.picker.chosen.emit(PATTERN)
    qtbot.waitUntil(lambda: session.pair is not None and session.pair.is_enhanced)
    qtbot.waitUntil(lambda: "fps" in window.display.status.parts["captured"].text())
    qtbot.waitUntil(lambda: window.windowTitle() == "Test pattern – LowLux")

    press(window, "r")
    qtbot.waitUntil(lambda: session.saver.recording is RecordingState.ON)

    window.display.tools.modes[ViewMode.WIPE].click()
    modes = [view.mode]
    view.set_wipe(0.25)
    press(window, ".")
    assert [*modes, view.mode] == [ViewMode.WIPE, ViewMode.SWAPPED]

    press(window, "s")
    films = tmp_path / "films"
    qtbot.waitUntil(lambda: len(list(films.glob("*.png"))) == 3)

    model = window.display.side.controls.editors["model"]
    assert isinstance(model, ModelEditor)
    model.edited.emit("other")
    qtbot.waitUntil(lambda: window.display.status.parts["plan"].text().startswith("other on"))

    press(window, "[")
    assert session.settings.enhance.strength == 0.95

    close(qtbot, window)
    (film,) = films.glob("*.mkv")
    with av.open(str(film)) as opened:
        assert sum(1 for _ in opened.decode(video=0)) > 0
    stored = json.loads((tmp_path / "window.json").read_text())
    assert (stored["view"], stored["uri"]) == ("SWAPPED", PATTERN)
    assert stored["live"]["enhance"]["strength"] == 0.95
    status = session.history[-1]
    assert status.captured == status.shown + status.dropped + status.in_flight


def test_space_pauses_but_presses_a_button_that_has_the_focus(
    qtbot: QtBot, make_window: Make
) -> None:
    window = make_window(FakeRun)
    window.open("test:")
    qtbot.waitUntil(lambda: window.session.state is LiveState.RUNNING)
    press(window, " ")
    assert window.session.state is LiveState.PAUSED
    window.display.tools.modes[ViewMode.DIFFERENCE].setFocus()
    qtbot.waitUntil(window.display.tools.modes[ViewMode.DIFFERENCE].hasFocus)
    press(window, " ")
    assert window.view.mode is ViewMode.DIFFERENCE
    assert window.session.state is LiveState.PAUSED


def test_a_recording_that_went_wrong_keeps_the_window_open(qtbot: QtBot, make_window: Make) -> None:
    runs = FakeRuns()
    window = make_window(runs)
    window.open("test:")
    qtbot.waitUntil(lambda: window.session.state is not None)
    window.session.saver.toggle_recording()
    qtbot.waitUntil(lambda: window.session.saver.recording is RecordingState.ON)
    runs[0].checked, runs[0].note = False, "The disk was full"
    runs[0].may_finish.clear()
    window.close()
    assert window.isVisible()
    assert "Finishing" in window.display.banner.text.text()
    runs[0].may_finish.set()
    with qtbot.waitSignal(window.session.closed):
        pass
    assert window.isVisible()
    assert "The disk was full" in window.display.banner.text.text()
    with qtbot.waitSignal(window.gone):
        window.close()


def test_a_dropped_film_is_opened(qtbot: QtBot, make_window: Make) -> None:
    window = make_window(FakeRun)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile("/films/walk.mp4")])
    left = Qt.MouseButton.LeftButton
    window.display.dropEvent(
        QDropEvent(
            QPointF(9, 9), Qt.DropAction.CopyAction, data, left, Qt.KeyboardModifier.NoModifier
        )
    )
    qtbot.waitUntil(lambda: window.session.state is not None)
    assert window.session.uri == "/films/walk.mp4"
    assert (
        window.display.tools.title.text() == "Test pattern"
        or "walk.mp4" in window.display.tools.title.text()
    )


def test_a_password_is_in_no_text_of_the_window(qtbot: QtBot, make_window: Make) -> None:
    window = make_window(FakeRun)
    window.open("rtsp://anna:s3cret@10.0.0.7/door")
    assert "10.0.0.7/door" in window.windowTitle()
    texts = [window.windowTitle(), window.preferences.model_dump_json()]
    for widget in window.findChildren(QWidget):
        texts += [widget.toolTip(), widget.accessibleName()]
        if isinstance(widget, QLabel | QAbstractButton | QLineEdit):
            texts.append(widget.text())
    assert not any("s3cret" in text or "anna" in text for text in texts)
    qtbot.waitUntil(lambda: window.session.state is not None)


def test_the_support_bundle_is_written(qtbot: QtBot, make_window: Make, tmp_path: Path) -> None:
    window = make_window(FakeRun)
    window.write_bundle(tmp_path / "help.zip")
    qtbot.waitUntil(lambda: "help.zip saved" in window.display.banner.text.text())
    assert (tmp_path / "help.zip").stat().st_size > 500


def test_light_and_dark(qtbot: QtBot, make_window: Make, qapp: QApplication) -> None:
    window = make_window(FakeRun)
    themes: dict[ThemeName, Colours] = {"light": LIGHT, "dark": DARK}
    for name, colours in themes.items():
        window.choose_theme(name)
        assert qapp.palette().window().color().name() == colours.window
        assert colours.accent in qapp.styleSheet()
        assert "@" not in qapp.styleSheet()
    assert window.preferences.theme == "dark"


def test_a_narrow_window_lists_the_views_instead(qtbot: QtBot, make_window: Make) -> None:
    window = make_window(FakeRun)
    tools = window.display.tools
    assert tools.modes[ViewMode.WIPE].isVisible()
    assert not tools.mode_list.isVisible()
    window.resize(10, 600)
    qtbot.waitUntil(tools.mode_list.isVisible)
    assert window.width() < 900
    along = window.display.picker.horizontalScrollBar()
    assert along is not None
    qtbot.waitUntil(lambda: along.maximum() == 0)
    assert not tools.modes[ViewMode.WIPE].isVisible()
    press(window, ".")
    assert tools.mode_list.currentText() == "Wipe"
    tools.mode_list.activated.emit(tools.mode_list.currentIndex())
    assert window.view.mode is ViewMode.WIPE
    window.resize(1360, 600)
    qtbot.waitUntil(tools.modes[ViewMode.WIPE].isVisible)
    assert not tools.mode_list.isVisible()


def test_every_button_is_reached_by_the_keyboard_and_has_a_name(make_window: Make) -> None:
    window = make_window(FakeRun)
    for button in window.findChildren(QToolButton):
        if button.isVisibleTo(window) and not button.objectName().startswith("qt_"):
            assert button.focusPolicy().value & Qt.FocusPolicy.TabFocus.value, button.text()
            assert button.accessibleName() or button.text(), button.objectName()
