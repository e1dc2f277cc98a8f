"""`finish.keep_black` for the fast path: the same map, made on every whole frame.

A grid of places and tones cannot remember it: beside what is merely dark lies what a codec has
crushed to the same tone, in tiles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from core.enhance.effect import thrice
from core.enhance.finish import BLACK_GAIN, CRUSHED, DARK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.frame import Pixels

    Plane = NDArray[np.float32]

BLOCK = 8
"""Side of a codec's blocks."""


def held(luma: Pixels, size: tuple[int, int]) -> Plane:
    """Where a frame holds a picture, 1, and where only a codec's black, 0.

    Args:
        luma: of the frame, (H, W).
        size: width and height of the map.
    """
    height, width = luma.shape
    blocks = (max(1, width // BLOCK), max(1, height // BLOCK))
    values, unit = luma.astype(np.float32), np.float32(1 / np.iinfo(luma.dtype).max)
    mean = cv2.resize(values, blocks, interpolation=cv2.INTER_AREA) * unit
    np.square(values, out=values)
    square = cv2.resize(values, blocks, interpolation=cv2.INTER_AREA) * (unit * unit)
    spread = np.sqrt(np.maximum(square - mean * mean, 0))
    holds = np.maximum(_rise(spread, CRUSHED), _rise(mean, DARK))
    grown = cv2.dilate(holds, np.ones((3, 3), np.uint8))
    return cast("Plane", cv2.resize(cv2.blur(grown, (5, 5)), size))


def keep_black(dark: Plane, bright: Plane, holds: Plane) -> Plane:
    """Takes gain and colour from what holds no picture; floats in [0, 1], (h, w, 3)."""
    black = thrice(cv2.cvtColor(dark, cv2.COLOR_RGB2GRAY) * np.float32(BLACK_GAIN))
    return black + thrice(holds) * (bright - black)


def _rise(values: Plane, edges: tuple[float, float]) -> Plane:
    """A smooth step from 0 at the first edge to 1 at the second."""
    share = np.clip((values - edges[0]) / (edges[1] - edges[0]), 0, 1)
    return cast("Plane", share * share * (3 - 2 * share))
