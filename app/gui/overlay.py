"""What lies over the pictures: text plates, the wipe line, a notice, and the hint where none is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QPointF, QRectF, QSizeF, Qt
from PyQt6.QtGui import QColor, QFontMetricsF, QPainter, QPainterPath, QPalette, QPen, QPolygonF

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HINT = "Choose a camera, paste an address or drop a file"
MARGIN = 12.0
"""Between plates and the edge of what they lie on, in logical pixels."""
# Over a picture, which knows no theme, white on dim reads best whatever the theme is.
PLATE, PLATE_TEXT = QColor(12, 14, 18, 176), QColor(244, 246, 248)
_RIM, VEIL = QColor(255, 255, 255, 34), QColor(0, 0, 0, 150)
_ROUND, _PADDING = 6.0, 8.0
_HANDLE = 15.0
_LEADING = 1.2
_CENTRED = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap


def draw_plate(painter: QPainter, box: QRectF) -> None:
    """A dim plate with round corners, and a rim that is seen where the picture is black."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(_RIM, 1.0))
    painter.setBrush(PLATE)
    painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), _ROUND, _ROUND)
    painter.restore()


def plate_size(painter: QPainter, lines: Sequence[str]) -> QSizeF:
    """How large a plate these lines need, in logical pixels."""
    metrics = QFontMetricsF(painter.font())
    width = max(metrics.horizontalAdvance(line) for line in lines)
    height = metrics.height() + _LEADING * metrics.lineSpacing() * (len(lines) - 1)
    return QSizeF(width + 2 * _PADDING, height + _PADDING)


def draw_lines(painter: QPainter, corner: QPointF, lines: Sequence[str]) -> None:
    """Lines of text on one plate.

    Args:
        painter: works in logical pixels.
        corner: the plate's top left.
        lines: from the top down.
    """
    metrics = QFontMetricsF(painter.font())
    draw_plate(painter, QRectF(corner, plate_size(painter, lines)))
    painter.setPen(PLATE_TEXT)
    for number, line in enumerate(lines):
        base = _PADDING / 2 + _LEADING * number * metrics.lineSpacing() + metrics.ascent()
        painter.drawText(corner + QPointF(_PADDING, base), line)


def draw_caption(
    painter: QPainter, picture: QRectF, text: str, taken: Iterable[QRectF] = ()
) -> None:
    """A name in the lower left corner of a picture, left out where that has no room."""
    size = plate_size(painter, [text])
    corner = QPointF(picture.left() + MARGIN, picture.bottom() - MARGIN - size.height())
    box = QRectF(corner, size)
    room = picture.adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
    if room.contains(box) and not any(box.intersects(other) for other in taken):
        draw_lines(painter, corner, [text])


def draw_wipe_line(painter: QPainter, x: float, seen: QRectF, accent: QColor | None) -> None:
    """The line with its handle.

    Args:
        painter: works in logical pixels.
        x: where it is.
        seen: what is seen of the picture.
        accent: of the handle's ring while the keyboard moves it; none while it does not.
    """
    middle = QPointF(x, seen.center().y())
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for width, colour in ((4.0, QColor(0, 0, 0, 90)), (2.0, QColor(255, 255, 255))):
        painter.setPen(QPen(colour, width))
        painter.drawLine(QPointF(x, seen.top()), QPointF(x, seen.bottom()))
    painter.setPen(QPen(QColor(255, 255, 255) if accent is None else accent, 3.0))
    painter.setBrush(QColor(24, 27, 32, 220))
    painter.drawEllipse(middle, _HANDLE, _HANDLE)
    arrow = QPen(PLATE_TEXT, 2.0, cap=Qt.PenCapStyle.RoundCap, join=Qt.PenJoinStyle.RoundJoin)
    painter.setPen(arrow)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for side in (-1, 1):
        tip = middle + QPointF(side * 9, 0)
        back = QPointF(-side * 4, 0)
        ends = [tip + back - QPointF(0, 4), tip, tip + back + QPointF(0, 4)]
        painter.drawPolyline(QPolygonF(ends))
    painter.restore()


def draw_notice(painter: QPainter, view: QRectF, text: str) -> None:
    """A few words in the middle, on as many lines as they need."""
    painter.save()
    font = painter.font()
    font.setPointSizeF(font.pointSizeF() * 1.3)
    painter.setFont(font)
    room = view.adjusted(3 * MARGIN, 0, -3 * MARGIN, 0)
    room.setWidth(min(room.width(), 640.0))
    room.moveCenter(view.center())
    words = painter.boundingRect(room, _CENTRED, text)
    draw_plate(painter, words.adjusted(-2 * MARGIN, -MARGIN, 2 * MARGIN, MARGIN))
    painter.setPen(PLATE_TEXT)
    painter.drawText(words, _CENTRED, text)
    painter.restore()


def draw_hint(painter: QPainter, view: QRectF, palette: QPalette) -> None:
    """A place to drop a file on, and what to do."""
    card = QRectF(0, 0, min(460.0, view.width() - 2 * MARGIN), min(210.0, view.height() - MARGIN))
    card.moveCenter(view.center())
    ink = palette.color(QPalette.ColorRole.WindowText)
    faint = QColor(ink)
    faint.setAlphaF(0.35)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(faint, 1.5, Qt.PenStyle.DashLine))
    painter.drawRoundedRect(card, 14, 14)
    _draw_tray(painter, card.center() - QPointF(0, card.height() * 0.16), faint)
    font = painter.font()
    font.setPointSizeF(font.pointSizeF() * 1.2)
    painter.setFont(font)
    painter.setPen(ink)
    below = QRectF(card.left(), card.center().y() + card.height() * 0.08, card.width(), 60)
    painter.drawText(below.adjusted(MARGIN, 0, -MARGIN, 0), _CENTRED, HINT)
    painter.restore()


def _draw_tray(painter: QPainter, middle: QPointF, colour: QColor) -> None:
    """An arrow into a tray: something may be dropped here."""
    path = QPainterPath(middle + QPointF(0, -26))
    path.lineTo(middle + QPointF(0, 8))
    path.moveTo(middle + QPointF(-10, -2))
    path.lineTo(middle + QPointF(0, 8))
    path.lineTo(middle + QPointF(10, -2))
    path.moveTo(middle + QPointF(-24, 6))
    path.lineTo(middle + QPointF(-24, 20))
    path.lineTo(middle + QPointF(24, 20))
    path.lineTo(middle + QPointF(24, 6))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    pen = QPen(colour, 3.0, cap=Qt.PenCapStyle.RoundCap, join=Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    painter.drawPath(path)
