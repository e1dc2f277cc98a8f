"""What is painted of a pair: 8-bit pictures, brought to the size they have on the screen."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np
from PyQt6.QtCore import QPoint, QRect
from PyQt6.QtGui import QImage

from app.gui.histogram import measure
from app.gui.view_geometry import Size
from app.gui.view_layers import Shown

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PyQt6.QtGui import QPainter

    from app.gui.histogram import Histogram
    from app.gui.view_geometry import Look
    from app.gui.view_layers import Layer
    from core.frame import Pixels
    from core.run.live_status import Pair

    Bytes = NDArray[np.uint8]

DIFFERENCE_GAIN = 2
"""The difference is shown so many times as strong; night needs little, it changes a lot."""
SHARP_FROM = 3.0
"""The scale from which each pixel of the picture is a block with sharp edges."""


class Pictures:
    """The pictures of one pair; each is made when it is first asked for, and then kept.

    Attributes:
        pair: what they are made of.
    """

    def __init__(self, pair: Pair) -> None:
        self.pair = pair

    @property
    def size(self) -> Size:
        """Of each of them."""
        height, width = self.pair.original.pixels.shape[:2]
        return Size(width, height)

    @cached_property
    def original(self) -> Bytes:
        """The original, RGB, (H, W, 3)."""
        return to_bytes(self.pair.original.pixels)

    @cached_property
    def enhanced(self) -> Bytes:
        """The enhanced picture, RGB, (H, W, 3)."""
        if self.pair.enhanced.pixels is self.pair.original.pixels:
            return self.original
        return to_bytes(self.pair.enhanced.pixels)

    @cached_property
    def difference(self) -> Bytes:
        """How far each value is from the other picture's, `DIFFERENCE_GAIN` times, (H, W, 3)."""
        apart = cv2.absdiff(self.original, self.enhanced)
        return cast("Bytes", cv2.convertScaleAbs(apart, alpha=DIFFERENCE_GAIN))

    @cached_property
    def histograms(self) -> dict[Shown, Histogram]:
        """Of the original and of the enhanced picture."""
        return {shown: measure(self[shown]) for shown in (Shown.ORIGINAL, Shown.ENHANCED)}

    def __getitem__(self, shown: Shown) -> Bytes:
        """One of them."""
        if shown is Shown.DIFFERENCE:
            return self.difference
        return self.original if shown is Shown.ORIGINAL else self.enhanced


def to_bytes(pixels: Pixels) -> Bytes:
    """The same picture in 8 bits, its rows one after the other; not copied where it is so."""
    if pixels.dtype == np.uint16:
        return cast("Bytes", cv2.convertScaleAbs(pixels, alpha=1 / 257))
    return cast("Bytes", np.ascontiguousarray(pixels))


def draw_layer(painter: QPainter, pixels: Bytes, layer: Layer, look: Look, *, fine: bool) -> None:
    """Draw what is seen of a picture; the painter works in device pixels.

    Args:
        painter: its clip is left as it was.
        pixels: uint8 RGB, (H, W, 3).
        layer: where to draw.
        look: which part of it.
        fine: shrink it with care, which costs several times as much.
    """
    clip = layer.clip.cut(layer.pane.box)
    part = layer.pane.part(look, clip)
    if part is None:
        return
    source, target = part.source, part.target
    place = QPoint(target.left, target.top)
    painter.save()
    painter.setClipRect(QRect(clip.left, clip.top, clip.width, clip.height))
    if (source.width, source.height) == (target.width, target.height):
        crop = QRect(source.left, source.top, source.width, source.height)
        painter.drawImage(place, _wrap(pixels), crop)
    else:
        cropped = pixels[source.top : source.bottom, source.left : source.right]
        way = _interpolation(layer.pane.scale(look), fine=fine)
        scaled = cv2.resize(cropped, (target.width, target.height), interpolation=way)
        painter.drawImage(place, _wrap(scaled))
    painter.restore()


def _interpolation(scale: float, *, fine: bool) -> int:
    if scale >= SHARP_FROM:
        return cv2.INTER_NEAREST
    if scale < 1:
        # The cheapest by far, and in a moving night scene hardly to be told from better ones.
        return cv2.INTER_AREA if fine else cv2.INTER_NEAREST
    return cv2.INTER_LINEAR


def _wrap(pixels: Bytes) -> QImage:
    """The array seen as an image, not copied; the caller keeps the array for as long."""
    height, width = pixels.shape[:2]
    data = cast("bytes", pixels.data)  # PyQt takes any buffer
    return QImage(data, width, height, 3 * width, QImage.Format.Format_RGB888)
