"""One picture and when it is shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from fractions import Fraction

    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8] | NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Frame:
    """A decoded picture with its own time; checked when made, never changed after.

    Raises:
        ValueError: the pixels are not RGB of 8 or 16 bits.
    """

    pixels: Pixels
    """RGB, (H, W, 3), full range: uint8, or uint16 where the source has more than 8 bits."""
    pts: int
    """Presentation time in units of `time_base`: media time, handed to the muxer untouched."""
    time_base: Fraction
    """Seconds per unit of `pts` and `duration`."""
    duration: int = 0
    """How long it is shown, in units of `time_base`; 0 where the source does not say."""
    captured_ns: int | None = None
    """When it arrived, by `arrival_ns`; for latency and gaps, never compared with `pts`. None where
    nobody was waiting for it, as in a file that is transcoded."""

    def __post_init__(self) -> None:
        shape_ok = self.pixels.ndim == 3 and self.pixels.shape[2] == 3
        if not shape_ok or self.pixels.dtype not in (np.uint8, np.uint16):
            raise ValueError(f"not an RGB picture: {self.pixels.shape} {self.pixels.dtype}")

    @property
    def pts_seconds(self) -> float:
        """Presentation time in seconds."""
        return float(self.pts * self.time_base)

    def with_pixels(self, pixels: Pixels) -> Frame:
        """The same moment, another picture."""
        return replace(self, pixels=pixels)
