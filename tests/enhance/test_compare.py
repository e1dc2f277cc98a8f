"""Before and after in one picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.enhance.compare import LINE_PX, compared

DEPTHS = pytest.mark.parametrize("depth", [np.uint8, np.uint16])


@DEPTHS
@pytest.mark.parametrize("width", [40, 41])
def test_side_by_side_is_twice_as_wide(depth: type[Any], width: int) -> None:
    dark, bright = np.full((32, width, 3), 5, depth), np.full((32, width, 3), 90, depth)
    both = compared(dark, bright, "side")
    assert both.shape == (32, 2 * width, 3)
    assert both.dtype == np.dtype(depth)
    assert (both[:, :width] == 5).all()
    assert (both[:, width:] == 90).all()


@DEPTHS
@pytest.mark.parametrize("width", [40, 41])
def test_a_white_line_splits_the_picture(depth: type[Any], width: int) -> None:
    dark, bright = np.full((32, width, 3), 5, depth), np.full((32, width, 3), 90, depth)
    both = compared(dark, bright, "split")
    left, right = width // 2 - LINE_PX // 2, width // 2 + LINE_PX // 2
    assert both.shape == bright.shape
    assert both.dtype == np.dtype(depth)
    assert (both[:, :left] == 5).all()
    assert (both[:, left:right] == np.iinfo(depth).max).all()
    assert (both[:, right:] == 90).all()
    assert (dark == 5).all()
    assert (bright == 90).all()
