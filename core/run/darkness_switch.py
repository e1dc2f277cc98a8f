"""Decides from the pictures whether it is dark enough to enhance them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from core.frame import Frame

DARK = 0.25
"""Mean luma, as a share of white, below which a picture is dark."""
LIGHT = 0.35
"""And above which it is light; between the two nothing changes."""
HOLD_S = 1.5
"""How long it must be so: a passing headlight or a hand before the lens changes nothing."""
_EVERY = 8
"""Of rows and columns, so many are skipped: the mean is the same."""
_LUMA = np.array((0.299, 0.587, 0.114))


class DarknessSwitch:
    """On while it is dark, off by day. Passive; time is that of the frames."""

    def __init__(self) -> None:
        self._is_dark: bool | None = None
        self._otherwise_since: float | None = None

    def __call__(self, frame: Frame) -> bool:
        """Whether to enhance this frame; the first alone decides, later ones must persist."""
        luma, now = mean_luma(frame), frame.pts_seconds
        if self._is_dark is None:
            self._is_dark = luma < (DARK + LIGHT) / 2
        is_otherwise = luma > LIGHT if self._is_dark else luma < DARK
        if not is_otherwise:
            self._otherwise_since = None
        elif self._otherwise_since is None:
            self._otherwise_since = now
        elif now - self._otherwise_since >= HOLD_S:
            self._is_dark, self._otherwise_since = not self._is_dark, None
        return self._is_dark


def mean_luma(frame: Frame) -> float:
    """Of a whole picture, in [0, 1]."""
    few = frame.pixels[::_EVERY, ::_EVERY]
    return float(few.reshape(-1, 3).mean(axis=0) @ _LUMA) / np.iinfo(few.dtype).max
