"""How a picture is made small before the network sees it, in training and in use alike.

Pictures are RGB, (H, W, 3), uint8 or uint16 over their whole range.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.frame import Pixels

SHARPEN = 0.8
"""A picture made small has lost contrast in its detail, by which the network judges exposure;
0.9 dB on LOL's val split are lost if it is not given back."""


def reduce(pixels: Pixels, side: int) -> Pixels:
    """The picture in uint16, its longer side at most so many pixels; the mean of what was there."""
    height, width = pixels.shape[:2]
    deep = to_16_bits(pixels)
    scale = side / max(height, width)
    if scale >= 1.0:
        return deep
    if scale <= 0.5:  # by two is quick, and leaves a quarter to do for the rest
        deep = cv2.resize(deep, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cast("Pixels", cv2.resize(deep, size, interpolation=cv2.INTER_AREA))


def sharpen(small: Pixels) -> Pixels:
    """A reduced picture with the contrast of a whole one, uint16: what the network is shown."""
    blurred = cv2.GaussianBlur(small, (0, 0), 1.0)
    return cast("Pixels", cv2.addWeighted(small, 1 + SHARPEN, blurred, -SHARPEN, 0))


def to_16_bits(pixels: Pixels) -> Pixels:
    """The same picture in uint16."""
    return pixels if pixels.dtype == np.uint16 else np.multiply(pixels, np.uint16(257))


def to_float(deep: Pixels) -> NDArray[np.float32]:
    """A picture of uint16 in [0, 1]."""
    return np.multiply(deep, np.float32(1 / 65535))
