"""Paints a pair of pictures in every view, with what lies over them; knows no mouse and no key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QPointF, QRectF, Qt, pyqtSignal
from PyQt6.QtGui import QPainter, QPalette
from PyQt6.QtWidgets import QWidget

from app.gui.histogram import HEIGHT as HISTOGRAM_HEIGHT
from app.gui.histogram import draw_histogram, plate_in
from app.gui.overlay import (
    MARGIN,
    VEIL,
    draw_caption,
    draw_hint,
    draw_lines,
    draw_notice,
    draw_wipe_line,
)
from app.gui.pictures import DIFFERENCE_GAIN, Pictures, draw_layer
from app.gui.view_geometry import Look, Size
from app.gui.view_layers import Shown, ViewMode, layers, wipe_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray
    from PyQt6.QtCore import QSize
    from PyQt6.QtGui import QPaintEvent, QResizeEvent

    from app.gui.view_geometry import Box, Pane
    from app.gui.view_layers import Layer
    from core.run.live_status import Pair


class PairCanvas(QWidget):
    """Paints both pictures of one pair, always of the same frame.

    Signals:
        wipeMoved(float): the wipe line is at this share of what is seen of the picture.
        zoomChanged(float): a picture's pixel is so many of the screen's pixels wide.
        framePainted(object): this Pair is on the screen, told once for each; a pair that another
            one overtook before it was painted is never told of. Arrives after the paint event.
    """

    wipeMoved = pyqtSignal(float)
    zoomChanged = pyqtSignal(float)
    framePainted = pyqtSignal(object)
    _painted = pyqtSignal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pictures: Pictures | None = None
        self._is_new = False
        self._mode = ViewMode.SIDE_BY_SIDE
        self._look, self._told_zoom = Look(), 1.0
        self._wipe = 0.5
        self._lines: tuple[str, ...] = ()
        self._notice = ""
        self._has_histogram, self._is_still = False, False
        # Told after the paint event: what the listener does must not paint within painting.
        self._painted.connect(
            self.framePainted,
            Qt.ConnectionType.QueuedConnection,  # type: ignore[call-arg]  # missing in the stubs
        )
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(160, 90)
        self.setAccessibleName("Video")
        self._describe()

    @property
    def mode(self) -> ViewMode:
        """What of a pair is shown."""
        return self._mode

    @property
    def wipe(self) -> float:
        """Where the wipe line is, as a share of what is seen of the picture."""
        return self._wipe

    @property
    def zoom(self) -> float:
        """Pixels of the screen per pixel of the picture; 1 while there is no picture."""
        pane = self._pane()
        return 1.0 if pane is None else pane.scale(self._look)

    @property
    def is_fit(self) -> bool:
        """Whether the picture is as large as fits, and stays so when the window changes."""
        return self._look.scale is None

    def show_pair(self, pair: Pair | None) -> None:
        """Paint this pair soon; none shows the hint how to begin."""
        if pair is None:
            self._pictures, self._is_new = None, False
        elif self._pictures is None or pair is not self._pictures.pair:
            self._pictures, self._is_new = Pictures(pair), True
        self._changed()

    def snapshot_pair(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]] | None:
        """Original and enhanced as shown: uint8 RGB, (H, W, 3), whole; none before the first."""
        if self._pictures is None:
            return None
        return self._pictures.original, self._pictures.enhanced

    def set_mode(self, mode: ViewMode) -> None:
        """Choose what of a pair is shown."""
        self._mode = mode
        self._describe()
        self._changed()

    def set_wipe(self, share: float) -> None:
        """Move the wipe line to a share, 0 to 1, of what is seen of the picture."""
        share = min(max(share, 0.0), 1.0)
        if share != self._wipe:
            self._wipe = share
            self._describe()
            self.update()
            self.wipeMoved.emit(share)

    def set_overlay(self, lines: Sequence[str]) -> None:
        """Show these lines in the upper left corner; none hides the plate."""
        if tuple(lines) != self._lines:
            self._lines = tuple(lines)
            self.update()

    def set_histogram(self, visible: bool) -> None:
        """Show or hide the histograms of both pictures."""
        if visible != self._has_histogram:
            self._has_histogram = visible
            self.update()

    def set_notice(self, text: str) -> None:
        """Dim the picture and say why, while a source is opened or lost; empty ends that."""
        if text != self._notice:
            self._notice = text
            self._describe()
            self.update()

    def set_still(self, still: bool) -> None:
        """Paint with more care, because the picture stands still."""
        if still != self._is_still:
            self._is_still = still
            self.update()

    def sizeHint(self) -> QSize:
        """Room for two small pictures."""
        return super().sizeHint().expandedTo(self.minimumSize() * 5)

    def paintEvent(self, _: QPaintEvent | None) -> None:
        """Draw everything; what it takes is prepared once for each pair."""
        view, pictures = QRectF(self.rect()), self._pictures
        with QPainter(self) as painter:
            role = QPalette.ColorRole.Dark if pictures else QPalette.ColorRole.Window
            painter.fillRect(view, self.palette().color(role))
            if pictures:
                self._paint_pictures(painter, pictures)
                self._paint_over(painter, pictures)
            elif not self._notice:
                draw_hint(painter, view, self.palette())
            if self._notice:
                painter.fillRect(view, VEIL if pictures else Qt.GlobalColor.transparent)
                draw_notice(painter, view, self._notice)
        if pictures and self._is_new:
            self._is_new = False
            self._painted.emit(pictures.pair)

    def _paint_pictures(self, painter: QPainter, pictures: Pictures) -> None:
        painter.save()
        painter.scale(1 / self.devicePixelRatioF(), 1 / self.devicePixelRatioF())
        for layer in self._layers():
            draw_layer(painter, pictures[layer.shown], layer, self._look, fine=self._is_still)
        painter.restore()

    def _paint_over(self, painter: QPainter, pictures: Pictures) -> None:
        shown = self._layers()
        plates = self._histogram_plates(shown) if self._has_histogram else {}
        for layer in shown:
            seen = self._logical(layer.pane.visible(self._look).cut(layer.clip))
            draw_caption(painter, seen, _caption(layer.shown, pictures), plates.values())
        if self._mode is ViewMode.WIPE:
            self._paint_line(painter, shown[0].pane)
        for which, plate in plates.items():
            title = _caption(which, pictures)
            draw_histogram(painter, plate, pictures.histograms[which], title)
        if self._lines:
            draw_lines(painter, QPointF(MARGIN, MARGIN), self._lines)

    def _paint_line(self, painter: QPainter, pane: Pane) -> None:
        x = wipe_line(pane, self._look, self._wipe) / self.devicePixelRatioF()
        accent = self.palette().color(QPalette.ColorRole.Highlight) if self.hasFocus() else None
        draw_wipe_line(painter, x, self._logical(pane.visible(self._look)), accent)

    def _histogram_plates(self, shown: tuple[Layer, ...]) -> dict[Shown, QRectF]:
        """Each in the lower right corner of its picture's pane, or both there if that is one."""
        panes = {layer.shown: self._logical(layer.pane.box) for layer in shown}
        whole = QRectF(self.rect())
        if self._mode not in (ViewMode.SIDE_BY_SIDE, ViewMode.SWAPPED):
            above = whole.adjusted(0, 0, 0, -HISTOGRAM_HEIGHT - MARGIN / 2)
            panes = {Shown.ORIGINAL: above, Shown.ENHANCED: whole}
        plates = {which: plate_in(pane) for which, pane in panes.items()}
        return {which: plate for which, plate in plates.items() if plate is not None}

    def resizeEvent(self, _: QResizeEvent | None) -> None:
        """A picture that fits has another scale now."""
        self._changed()

    def _layers(self) -> tuple[Layer, ...]:
        """What is shown; nothing without a picture."""
        if self._pictures is None:
            return ()
        ratio = self.devicePixelRatioF()
        view = Size(round(self.width() * ratio), round(self.height() * ratio))
        return layers(self._mode, view, self._pictures.size, self._look, self._wipe)

    def _pane(self, x: float = 0.0, y: float = 0.0) -> Pane | None:
        """The pane at a point, or else the first; none without a picture."""
        panes = [layer.pane for layer in self._layers()]
        return next((pane for pane in panes if pane.box.holds(x, y)), panes[0] if panes else None)

    def _device(self, position: QPointF) -> tuple[float, float]:
        ratio = self.devicePixelRatioF()
        return position.x() * ratio, position.y() * ratio

    def _logical(self, box: Box) -> QRectF:
        ratio = self.devicePixelRatioF()
        return QRectF(box.left / ratio, box.top / ratio, box.width / ratio, box.height / ratio)

    def _changed(self) -> None:
        """Something of what is seen changed: paint it, and tell the zoom if that is another."""
        self.update()
        if self.zoom != self._told_zoom:
            self._told_zoom = self.zoom
            self.zoomChanged.emit(self.zoom)

    def _describe(self) -> None:
        """What a screen reader says of the view."""
        line = f", the line at {100 * self._wipe:.0f} %" if self._mode is ViewMode.WIPE else ""
        self.setAccessibleDescription(" ".join([f"{self._mode.value}{line}.", self._notice]))


def _caption(shown: Shown, pictures: Pictures) -> str:
    """What a picture is, also where the enhanced one is the original."""
    if shown is Shown.DIFFERENCE:
        return f"Difference × {DIFFERENCE_GAIN}"
    is_same = shown is Shown.ENHANCED and not pictures.pair.is_enhanced
    return "Not enhanced" if is_same else shown.value
