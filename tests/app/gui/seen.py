"""Pairs to show, and what is seen of them."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtGui import QImage

from app.gui.video_view import VideoView
from core.frame import Frame
from core.run.live_status import Pair

if TYPE_CHECKING:
    from core.frame import Pixels

RED, GREEN = (200, 30, 20), (30, 180, 60)


def flat(colour: tuple[int, int, int], height: int = 90, width: int = 160) -> NDArray[np.uint8]:
    return np.full((height, width, 3), colour, np.uint8)


def pair(original: Pixels, enhanced: Pixels, *, is_enhanced: bool = True) -> Pair:
    first, second = (Frame(pixels, 0, Fraction(1, 25)) for pixels in (original, enhanced))
    return Pair(first, second, is_enhanced, prior_age=3)


def numbered() -> NDArray[np.uint8]:
    """A picture whose every pixel is another colour."""
    rows, columns = np.mgrid[:90, :160]
    return np.stack([columns, rows, np.full_like(rows, 128)], -1).astype(np.uint8)


def picture(view: VideoView) -> NDArray[np.uint8]:
    """What is painted: uint8 RGB, (H, W, 3)."""
    image = view.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    bits = image.constBits()
    assert bits is not None
    rows = np.frombuffer(bits.asstring(image.sizeInBytes()), np.uint8)
    lines = rows.reshape(image.height(), image.bytesPerLine())[:, : 3 * image.width()]
    return lines.reshape(image.height(), image.width(), 3)


def at(view: VideoView, x: int, y: int) -> tuple[int, ...]:
    return tuple(int(value) for value in picture(view)[y, x])
