"""Has the scene changed since the last frame?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.frame import Pixels

SIZE = (32, 18)
ALIKE = 0.35
"""Two thumbnails that correlate less than this show different scenes."""


class SceneCut:
    """Compares each frame with the one before; called from one thread.

    Thumbnails are compared by correlation, which neither the darkness of a clip nor a lamp
    switched on or an exposure that adapts can move much.
    """

    def __init__(self) -> None:
        self._last: NDArray[np.float32] | None = None

    def __call__(self, pixels: Pixels) -> bool:
        """Whether this frame opens a new scene; the very first does not."""
        thumbnail = cv2.resize(pixels, SIZE, interpolation=cv2.INTER_AREA).mean(2)
        level = np.log(thumbnail.astype(np.float32) + 1)
        centred = level - level.mean()
        size = np.linalg.norm(centred)
        # A uniform frame (black, a fade's end) has no pattern to compare.
        now = centred / size if size > 1.0 else np.zeros_like(centred)
        last, self._last = self._last, now
        if last is None or not (now.any() and last.any()):
            return last is not None and bool(now.any()) != bool(last.any())
        return float((now * last).sum()) < ALIKE
