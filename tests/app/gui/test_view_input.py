"""What mouse and keyboard do to a view."""

from __future__ import annotations

from typing import Any

import pytest
from PyQt6.QtCore import QPoint, QPointF, Qt
from PyQt6.QtGui import QKeyEvent, QKeySequence, QShortcut, QWheelEvent
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.gui.video_view import VideoView
from app.gui.view_layers import ViewMode
from tests.app.gui.seen import GREEN, RED, at, flat, numbered, pair

HAND: Any = QTest
"""Moves mouse and keys; the stubs take its functions for methods."""
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def wheel(view: VideoView, x: int, y: int, notches: int) -> None:
    place = QPointF(x, y)
    event = QWheelEvent(
        place,
        view.mapToGlobal(place),
        QPoint(),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view, event)


def press(view: QWidget, key: Qt.Key, modifier: Qt.KeyboardModifier = NONE) -> None:
    HAND.keyClick(view, key, modifier)


def double_click(view: VideoView, x: int, y: int) -> None:
    HAND.mouseDClick(view, LEFT, pos=QPoint(x, y))


def drag(view: VideoView, start: tuple[int, int], end: tuple[int, int]) -> None:
    HAND.mousePress(view, LEFT, pos=QPoint(*start))
    HAND.mouseMove(view, QPoint(*end))
    HAND.mouseRelease(view, LEFT, pos=QPoint(*end))


class Window(QWidget):
    """Notes the keys that reach it."""

    def __init__(self, view: VideoView) -> None:
        super().__init__()
        self.keys: list[int] = []
        QVBoxLayout(self).addWidget(view)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802  # Qt's name
        assert event is not None
        self.keys.append(event.key())


def test_the_wheel_zooms_about_the_cursor(view: VideoView) -> None:
    view.set_mode(ViewMode.ENHANCED)
    view.show_pair(pair(numbered(), numbered()))
    before = at(view, 417, 133)
    wheel(view, 417, 133, 9)
    assert view.zoom == pytest.approx(32.0)
    assert at(view, 417, 133) == before
    wheel(view, 417, 133, -9)
    assert view.is_fit


def test_dragging_moves_the_picture(view: VideoView) -> None:
    view.set_mode(ViewMode.ENHANCED)
    view.show_pair(pair(numbered(), numbered()))
    view.set_zoom(16.0)
    before = at(view, 300, 200)
    drag(view, (300, 200), (348, 184))
    assert at(view, 348, 184) == before
    assert at(view, 300, 200) != before


def test_a_double_click_goes_to_one_to_one_and_back(view: VideoView, qtbot: QtBot) -> None:
    with qtbot.waitSignal(view.zoomChanged) as told:
        double_click(view, 100, 180)
    assert told.args == [1.0]
    double_click(view, 100, 180)
    assert view.is_fit
    assert view.zoom == pytest.approx(319 / 160)


def test_the_line_is_dragged(view: VideoView, qtbot: QtBot) -> None:
    view.set_mode(ViewMode.WIPE)
    with qtbot.waitSignal(view.wipeMoved) as told:
        drag(view, (325, 60), (480, 70))
    assert told.args == [pytest.approx(0.75)]
    assert at(view, 470, 100) == RED
    drag(view, (480, 60), (-90, 60))
    assert view.wipe == 0.0


def test_a_drag_beside_the_line_leaves_it(view: VideoView) -> None:
    view.set_mode(ViewMode.WIPE)
    drag(view, (200, 60), (480, 60))
    assert view.wipe == 0.5


def test_arrow_keys_move_the_line_and_nothing_else(view: VideoView) -> None:
    view.set_mode(ViewMode.WIPE)
    press(view, Qt.Key.Key_Right)
    press(view, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert view.wipe == pytest.approx(0.41)
    assert view.zoom == 4.0


def test_other_keys_are_left_to_the_window(qtbot: QtBot) -> None:
    view = VideoView()
    window = Window(view)
    qtbot.addWidget(window)
    window.show()
    view.show_pair(pair(flat(RED), flat(GREEN)))
    for key in (Qt.Key.Key_R, Qt.Key.Key_Space, Qt.Key.Key_Left):
        press(view, key)
    assert window.keys == [Qt.Key.Key_R, Qt.Key.Key_Space, Qt.Key.Key_Left]
    view.set_mode(ViewMode.WIPE)
    press(view, Qt.Key.Key_Left)
    assert len(window.keys) == 3
    assert view.wipe == pytest.approx(0.49)


def test_the_line_s_keys_come_before_the_window_s_shortcuts(qtbot: QtBot) -> None:
    view = VideoView()
    window = Window(view)
    qtbot.addWidget(window)
    called: list[bool] = []
    QShortcut(QKeySequence(Qt.Key.Key_Left), window).activated.connect(lambda: called.append(True))
    with qtbot.waitActive(window):
        window.show()
        window.activateWindow()
    view.setFocus()
    view.show_pair(pair(flat(RED), flat(GREEN)))
    press(view, Qt.Key.Key_Left)
    view.set_mode(ViewMode.WIPE)
    press(view, Qt.Key.Key_Left)
    assert called == [True]
    assert view.wipe == pytest.approx(0.49)
