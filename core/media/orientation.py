"""Which way up a picture is meant to be shown."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

if TYPE_CHECKING:
    from fractions import Fraction

    from av import VideoFrame
    from av.sidedata.sidedata import SideData

    from core.frame import Pixels


@dataclass(frozen=True, slots=True)
class Orientation:
    """One of the eight ways to turn and mirror a picture by quarter turns."""

    swap_axes: bool = False
    """Rows become columns, before the flips."""
    flip_columns: bool = False
    """Left and right change places."""
    flip_rows: bool = False
    """Top and bottom change places."""

    @property
    def is_upright(self) -> bool:
        """Nothing to do."""
        return self == Orientation()

    @property
    def mirrored(self) -> bool:
        """The picture is seen as in a mirror."""
        return self.swap_axes ^ self.flip_columns ^ self.flip_rows

    def __call__(self, pixels: Pixels) -> Pixels:
        """The picture as it is meant to be shown, contiguous in memory."""
        if self.is_upright:
            return pixels
        turned = pixels.swapaxes(0, 1) if self.swap_axes else pixels
        rows, columns = (-1 if flip else 1 for flip in (self.flip_rows, self.flip_columns))
        upright: Pixels = np.ascontiguousarray(turned[::rows, ::columns])  # type: ignore[assignment]
        return upright

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height once shown."""
        return (height, width) if self.swap_axes else (width, height)

    def aspect(self, ratio: Fraction) -> Fraction:
        """The sample aspect ratio once shown."""
        return 1 / ratio if self.swap_axes else ratio


def orientation_of(frame: VideoFrame) -> Orientation:
    """Read the display matrix; angles between the quarter turns go to the nearest one.

    The matrix maps a stored point to a shown one: ``x' = a x + c y``, ``y' = b x + d y``.
    """
    matrix = cast("SideData | None", frame.side_data.get("DISPLAYMATRIX"))
    if matrix is None:
        return Orientation()
    a, b, _, c, d = struct.unpack("=5i", bytes(matrix)[:20])
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return Orientation(False, a < 0, d < 0)
    return Orientation(True, c < 0, b < 0)
