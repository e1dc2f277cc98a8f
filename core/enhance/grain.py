"""How much of a frame is noise, told from the frame alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.frame import Pixels

    Plane = NDArray[np.float32]

LEVELS = 16
"""Brightnesses for which noise is told apart, at even steps of the square root."""
ROWS = 4
"""One row in so many is looked at."""
PATCH = (16, 4)
"""Columns, and rows looked at, over which it is averaged."""
FLATTEST, OF_FLATTEST = 0.25, 1.15
"""The quarter of the patches that varies least is flat; its border is so much below the mean of
flat ones."""
ENOUGH = 6
"""Fewer patches of a brightness do not tell its noise."""
NEW = 0.1
"""Share of a new frame in the estimate."""


class Grain:
    """Noise by brightness; called with every frame in turn.

    What changes from pixel to pixel along a row is noise where it is least, as in Immerkaer, CVIU
    1996, and noise grows with light, so each brightness is asked by itself.
    """

    def __init__(self) -> None:
        self._curve: NDArray[np.float64] | None = None

    def __call__(self, luma: Pixels) -> Plane:
        """Variance of luma for each of 256 levels, (256,), for luma in [0, 1].

        Args:
            luma: of the frame, (H, W).
        """
        new = _curve_of(luma[::ROWS], 1 / np.iinfo(luma.dtype).max)
        if new is not None:
            old = new if self._curve is None else self._curve
            self._curve = old + NEW * (new - old)
        if self._curve is None:
            return np.zeros(256, np.float32)
        places = np.sqrt((np.arange(256) + 0.5) / 256) * LEVELS - 0.5
        return np.interp(places, np.arange(LEVELS), self._curve).astype(np.float32)


def _curve_of(luma: NDArray[np.uint8 | np.uint16], unit: float) -> NDArray[np.float64] | None:
    """Variance at each brightness; none where a frame is too small to tell."""
    height, width = luma.shape
    size = (max(1, width // PATCH[0]), max(1, height // PATCH[1]))
    bend = cv2.Sobel(luma, cv2.CV_32F, 2, 0, ksize=1)  # 1, -2, 1: their squares add up to 6
    variance = cv2.resize(bend * bend, size, interpolation=cv2.INTER_AREA) * (unit**2 / 6)
    level = cv2.resize(luma, size, interpolation=cv2.INTER_AREA) * unit
    bins = (np.sqrt(level.clip(0, 0.999)) * LEVELS).astype(np.intp).ravel()
    # One sort for all brightnesses, which are whole numbers apart: variance is below 1.
    ordered = np.sort(bins + variance.ravel().astype(np.float64))
    counts = np.bincount(bins, minlength=LEVELS)
    told = np.flatnonzero(counts >= ENOUGH)
    if not told.size:
        return None
    first = (np.cumsum(counts) - counts)[told]
    flattest = ordered[first + (FLATTEST * counts[told]).astype(np.intp)] - told
    return cast("NDArray[np.float64]", np.interp(np.arange(LEVELS), told, OF_FLATTEST * flattest))
