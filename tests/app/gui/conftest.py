"""The window's tests need no screen, and leave no window behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PyQt6.QtCore import QCoreApplication, QEvent
from PyQt6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.gui.main_window import MainWindow
from app.gui.preferences import Preferences, RecordChoice, save_preferences
from app.gui.theme import Theme
from app.gui.video_view import VideoView
from tests.app.gui.seen import GREEN, RED, flat, pair
from tests.app.gui.session_parts import Scene
from tests.app.gui.window_parts import Make, close, make_run

if TYPE_CHECKING:
    from app.gui.view_contract import MakeRun

# Whoever wants to see them on a screen, or under Xvfb, names another one.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture(autouse=True)
def no_window_left() -> Iterator[None]:
    """Fails a test that leaves a top-level widget behind."""
    before = _windows()
    yield
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert [window for window in _windows() if window not in before] == []


@pytest.fixture
def view(qtbot: QtBot) -> VideoView:
    """640x360 on the screen, red on the left and green on the right."""
    widget = VideoView()
    qtbot.addWidget(widget)
    widget.resize(640, 360)
    with qtbot.waitExposed(widget):
        widget.show()
    widget.show_pair(pair(flat(RED), flat(GREEN)))
    return widget


def _windows() -> list[QWidget]:
    return QApplication.topLevelWidgets() if QCoreApplication.instance() else []


@pytest.fixture
def scene(qtbot: QtBot, tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(qtbot, tmp_path)
    yield scene
    scene.session.close()
    scene.wait(lambda: scene.closed)


@pytest.fixture
def make_window(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> Iterator[Make]:
    windows: list[MainWindow] = []
    sheet, palette = qapp.styleSheet(), qapp.palette()
    save_preferences(
        tmp_path / "window.json", Preferences(record=RecordChoice(folder=tmp_path / "films"))
    )

    def make(make_run: MakeRun = make_run) -> MainWindow:
        window = MainWindow(Theme(qapp), tmp_path / "window.json", make_run)
        windows.append(window)
        window.show()
        # Keys are shortcuts in the active window only, and no window manager may be there.
        window.activateWindow()
        qtbot.waitUntil(window.isActiveWindow)
        return window

    yield make
    for window in windows:
        close(qtbot, window)
        window.deleteLater()
    qapp.setStyleSheet(sheet)
    qapp.setPalette(palette)
