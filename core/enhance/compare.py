"""The original and the result in one picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

import numpy as np

if TYPE_CHECKING:
    from core.frame import Pixels

LINE_PX = 2


def compared(original: Pixels, result: Pixels, how: Literal["side", "split"]) -> Pixels:
    """Both beside each other, twice as wide, or the original left of a white line.

    Args:
        original: (H, W, 3).
        result: the same shape and dtype.
        how: "side" or "split".
    """
    if how == "side":
        return cast("Pixels", np.hstack([original, result]))
    middle = original.shape[1] // 2
    picture = result.copy()
    picture[:, :middle] = original[:, :middle]
    picture[:, middle - LINE_PX // 2 : middle + LINE_PX // 2] = np.iinfo(picture.dtype).max
    return picture
