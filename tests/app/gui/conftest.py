"""The window's tests need no screen, and leave no window behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PyQt6.QtCore import QCoreApplication, QEvent
from PyQt6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.gui.video_view import VideoView
from tests.app.gui.seen import GREEN, RED, flat, pair
from tests.app.gui.session_parts import Scene

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
