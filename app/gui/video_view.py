"""The widget that shows a pair of pictures: zoom, pan and the wipe line by mouse and keyboard."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from PyQt6.QtCore import QEvent, QPointF, Qt
from PyQt6.QtGui import QKeyEvent

from app.gui.pair_canvas import PairCanvas
from app.gui.view_geometry import Look, Pane
from app.gui.view_layers import ViewMode, wipe_at, wipe_line

if TYPE_CHECKING:
    from PyQt6.QtGui import QMouseEvent, QWheelEvent
    from PyQt6.QtWidgets import QWidget

_GRIP = 10.0
"""How far from the wipe line, in logical pixels, it can still be taken."""
_STEP, _STRIDE = 0.01, 0.1
"""How far a key moves the wipe line, and with Shift."""
_WHEEL_NOTCH = 120
_WIPE_KEYS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}


class _Hold(Enum):
    """What the pressed mouse button moves."""

    PICTURE = auto()
    LINE = auto()


class VideoView(PairCanvas):
    """Shows a pair; the wheel zooms about the cursor, dragging pans or moves the wipe line.

    A double click goes to 1:1 and back, and in the wipe view the left and right arrow keys move the
    line. All other keys, and what is dropped, are left to the window. Signals: see `PairCanvas`.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hold: _Hold | None = None
        self._last = QPointF()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)

    def set_zoom(self, scale: float) -> None:
        """Let a picture's pixel be so many of the screen's wide; what is in the middle stays."""
        if pane := self._pane():
            box = pane.box
            x, y = box.left + box.width / 2, box.top + box.height / 2
            self._look = pane.zoom(self._look, scale, x, y)
            self._changed()

    def fit(self) -> None:
        """Let the whole picture be seen, as large as fits."""
        self._look = Look()
        self._changed()

    def actual_size(self) -> None:
        """Let a pixel of the picture be a pixel of the screen."""
        self.set_zoom(1.0)

    def pan(self, right: float, down: float) -> None:
        """Move both pictures by logical pixels, as far as there is picture."""
        if pane := self._pane():
            ratio = self.devicePixelRatioF()
            self._look = pane.pan(self._look, right * ratio, down * ratio)
            self.update()

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Zoom about the cursor."""
        assert event is not None
        x, y = self._device(event.position())
        pane = self._pane(x, y)
        if pane is None or not event.angleDelta().y():
            event.ignore()
            return
        scale = pane.turn_wheel(self._look, event.angleDelta().y() / _WHEEL_NOTCH)
        self._look = pane.zoom(self._look, scale, x, y)
        self._changed()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Take the wipe line or the picture."""
        assert event is not None
        if event.button() != Qt.MouseButton.LeftButton or self._pictures is None:
            event.ignore()
            return
        self._hold = _Hold.LINE if self._is_at_line(event.position()) else _Hold.PICTURE
        self._last = event.position()
        self._show_cursor(event.position())

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Move what was taken."""
        assert event is not None
        moved, self._last = event.position() - self._last, event.position()
        pane = self._pane()
        if pane is not None and self._hold is _Hold.LINE:
            self.set_wipe(wipe_at(pane, self._look, self._device(event.position())[0]))
        elif self._hold is _Hold.PICTURE:
            self.pan(moved.x(), moved.y())
        self._show_cursor(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """Let go."""
        assert event is not None
        self._hold = None
        self._show_cursor(event.position())

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """Go to 1:1 about the cursor, or back to all of the picture."""
        assert event is not None
        x, y = self._device(event.position())
        pane = self._pane(x, y)
        if event.button() != Qt.MouseButton.LeftButton or pane is None:
            event.ignore()
            return
        self._look = pane.zoom(self._look, 1.0, x, y) if self.is_fit else Look()
        self._changed()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Move the wipe line; other keys are the window's."""
        assert event is not None
        side = self._wipe_key(event)
        if not side:
            event.ignore()
            return
        is_far = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self.set_wipe(round(self._wipe + side * (_STRIDE if is_far else _STEP), 4))

    def event(self, event: QEvent | None) -> bool:
        """Keep the wipe line's keys from being taken as shortcuts of the window."""
        assert event is not None
        is_shortcut = event.type() == QEvent.Type.ShortcutOverride
        if is_shortcut and isinstance(event, QKeyEvent) and self._wipe_key(event):
            event.accept()
            return True
        return super().event(event)

    def _is_at_line(self, position: QPointF) -> bool:
        pane = self._pane()
        if self._mode is not ViewMode.WIPE or pane is None:
            return False
        x = wipe_line(pane, self._look, self._wipe) / self.devicePixelRatioF()
        return abs(position.x() - x) <= _GRIP

    def _wipe_key(self, event: QKeyEvent) -> int:
        """-1 or 1 for a key that moves the wipe line, otherwise 0."""
        if self._mode is not ViewMode.WIPE or self._pictures is None:
            return 0
        if event.modifiers() & ~(
            Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier
        ):
            return 0
        return _WIPE_KEYS.get(Qt.Key(event.key()), 0)

    def _show_cursor(self, position: QPointF) -> None:
        pane = self._pane()
        shape = Qt.CursorShape.ArrowCursor
        if self._hold is _Hold.LINE or (self._hold is None and self._is_at_line(position)):
            shape = Qt.CursorShape.SplitHCursor
        elif pane is not None and self._is_larger(pane):
            is_held = self._hold is _Hold.PICTURE
            shape = Qt.CursorShape.ClosedHandCursor if is_held else Qt.CursorShape.OpenHandCursor
        self.setCursor(shape)

    def _is_larger(self, pane: Pane) -> bool:
        """Whether there is something to pan to."""
        return pane.visible(self._look) != pane.image(self._look)
