"""How a picture's levels are spread, and how much of it is clipped."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QPainter, QPolygonF

from app.gui.overlay import MARGIN, PLATE_TEXT, draw_plate

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDTH, HEIGHT = 264.0, 104.0
"""Of a drawn histogram with its plate, in logical pixels."""
_SAMPLE = 60_000
"""Pixels looked at, about: the shares are then right to a few tenths of a per cent."""
_NOTICEABLE = 0.0005
"""A smaller share of clipped pixels is not worth a colour."""
_CHANNELS = (QColor(112, 30, 32), QColor(28, 96, 40), QColor(34, 50, 112))
_BLACK_MARK, _WHITE_MARK = QColor(96, 165, 250), QColor(248, 113, 113)
_PADDING, _MARK = 8.0, 3.0
_BLUR, _EVERY = 15, 2
"""Levels that are mixed for a curve, and the step between its points."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """The levels of a picture, from an even sample of its pixels."""

    counts: NDArray[np.float32]
    """How many sampled values have each level; (3, 256), red, green, blue."""
    black: float
    """Share of pixels, 0 to 1, that are 0 in every channel: the shadows hold nothing."""
    white: float
    """Share of pixels, 0 to 1, that are 255 in some channel: the highlights lost their colour."""


def measure(pixels: NDArray[np.uint8]) -> Histogram:
    """The levels of a picture.

    Args:
        pixels: uint8 RGB, (H, W, 3).
    """
    step = max(math.isqrt(pixels.shape[0] * pixels.shape[1] // _SAMPLE), 1)
    size = -(-pixels.shape[1] // step), -(-pixels.shape[0] // step)
    # OpenCV picks single pixels several times as fast as slicing does.
    sample = cv2.resize(pixels, size, interpolation=cv2.INTER_NEAREST)
    counts = [cv2.calcHist([sample], [channel], None, [256], [0, 256]) for channel in range(3)]
    total = sample.shape[0] * sample.shape[1]
    black = cv2.countNonZero(cv2.inRange(sample, (0, 0, 0), (0, 0, 0)))
    unclipped = cv2.countNonZero(cv2.inRange(sample, (0, 0, 0), (254, 254, 254)))
    return Histogram(np.stack(counts).reshape(3, 256), black / total, 1 - unclipped / total)


def plate_in(pane: QRectF) -> QRectF | None:
    """The plate's place in the lower right corner of a pane; none where it has no room."""
    if pane.width() < WIDTH + 2 * MARGIN or pane.height() < HEIGHT + 2 * MARGIN:
        return None
    plate = QRectF(0, 0, WIDTH, HEIGHT)
    plate.moveBottomRight(pane.bottomRight() - QPointF(MARGIN, MARGIN))
    return plate


def draw_histogram(painter: QPainter, plate: QRectF, histogram: Histogram, title: str) -> None:
    """Draw the three curves on a dim plate, clipped ends marked.

    Args:
        painter: works in logical pixels.
        plate: where to, `WIDTH` by `HEIGHT` or larger.
        histogram: what to draw.
        title: whose it is.
    """
    draw_plate(painter, plate)
    inside = plate.adjusted(_PADDING, _PADDING, -_PADDING, -_PADDING)
    heading = QRectF(inside.topLeft(), inside.topRight() + QPointF(0, 14))
    chart = inside.adjusted(_MARK + 2, heading.height() + 6, -_MARK - 2, 0)
    _draw_heading(painter, heading, histogram, title)
    _draw_curves(painter, chart, histogram.counts)
    for share, left, colour in (
        (histogram.black, inside.left(), _BLACK_MARK),
        (histogram.white, inside.right() - _MARK, _WHITE_MARK),
    ):
        mark = QRectF(left, chart.top(), _MARK, chart.height())
        painter.fillRect(mark, colour if share > _NOTICEABLE else QColor(255, 255, 255, 36))


def _draw_heading(painter: QPainter, box: QRectF, histogram: Histogram, title: str) -> None:
    painter.save()
    font = painter.font()
    font.setPixelSize(11)
    painter.setFont(font)
    for text, side, share, colour in (
        (f"black {_percent(histogram.black)}", "left", histogram.black, _BLACK_MARK),
        (title, "centre", 0.0, PLATE_TEXT),
        (f"white {_percent(histogram.white)}", "right", histogram.white, _WHITE_MARK),
    ):
        painter.setPen(colour if share > _NOTICEABLE else PLATE_TEXT)
        painter.drawText(box, _SIDES[side] | Qt.AlignmentFlag.AlignVCenter, text)
    painter.restore()


def _draw_curves(painter: QPainter, box: QRectF, counts: NDArray[np.float32]) -> None:
    # Gain leaves levels out, which is no news; the logarithm shows what is rare beside what is not.
    smooth = np.log1p(cv2.GaussianBlur(counts, (_BLUR, 1), 0, borderType=cv2.BORDER_REFLECT))
    heights = smooth * (box.height() / max(float(smooth.max()), 1.0))
    columns = box.left() + np.arange(0, 256, _EVERY) * (box.width() / (256 - _EVERY))
    painter.save()
    painter.setPen(Qt.PenStyle.NoPen)
    # Light adds up: where all three meet it is grey.
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Plus)
    ends = [QPointF(box.right(), box.bottom()), QPointF(box.left(), box.bottom())]
    for colour, channel in zip(_CHANNELS, heights[:, ::_EVERY], strict=True):
        curve = map(QPointF, columns.tolist(), (box.bottom() - channel).tolist())
        painter.setBrush(colour)
        painter.drawPolygon(QPolygonF([*curve, *ends]))
    painter.restore()


def _percent(share: float) -> str:
    """Enough digits to tell nothing from a little."""
    if 0 < share < 0.001:
        return "<0.1 %"
    return f"{100 * share:.1f} %" if share < 0.1 else f"{100 * share:.0f} %"


_SIDES = {
    "left": Qt.AlignmentFlag.AlignLeft,
    "centre": Qt.AlignmentFlag.AlignHCenter,
    "right": Qt.AlignmentFlag.AlignRight,
}
