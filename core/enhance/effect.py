"""What the network does to a small picture, done to a large one.

The network's answer is remembered as a bilateral grid (Chen et al., SIGGRAPH 2007; Gharbi et al.,
SIGGRAPH 2017): for each place and each brightness there a gain and an offset per channel. It holds
for frames that the network has not seen, so it is sliced with the current frame made small. The
bright small picture that comes of it is carried to full size by a fast guided filter (He and Sun,
2015): around every pixel, brightness is a straight line over the luma of the frame itself, which
keeps the edges where they are and so has no halo.

Floats are in [0, 1]: `dark` and `bright` are small pictures, float32 RGB, (h, w, 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Self, cast

import cv2
import numpy as np

from core.model.reduced import to_16_bits

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from core.frame import Pixels

    Plane = NDArray[np.float32]
    Codes = NDArray[np.int16]

LEVELS = 24
"""Brightnesses that are told apart, at even steps of the square root: so noise, too, is alike
everywhere."""
CELLS = 24
"""Places that are told apart along the longer side."""
EVEN = 1e-5
"""Variance below which a cell and level is one tone, whose gain can only be its ratio; per unit
of the tone."""
WIDE, EVERYWHERE, ANYTHING = 2e-2, 1e-4, 1e-8
"""Weight of a neighbourhood, of the whole picture and of all its brightnesses against a cell's own
pixels: they speak where a cell has none."""
EVERY = 2
"""One row in so many is learned from; its neighbours say the same."""
REACH = 4
"""Cells and levels to which a neighbourhood reaches."""
LEAST_HOLD = 1e-3
"""What a pixel weighs at least, so that a black frame, too, teaches something."""
WINDOW = (3, 3)
"""Small pixels over which brightness is one straight line."""
CAUTION = 1.8
"""Detail of a variance this many times that of the noise is half trusted: texture above that stays,
what noise alone leaves in the small picture goes."""
EQUAL = 1e-3
"""Windows of less variance than this count nearly alike when their lines are averaged."""
MOST_GAIN = 63.0
GAIN_UNIT, UNIT = 512, 64 * 255
"""What stands for 1 in 16 bits, of a gain and of brightness."""
FULL = 128 * 255
"""What stands for 1 in the luma of a frame: 128 for each of 255 levels."""


def sample(pixels: Pixels, shape: tuple[int, ...]) -> Pixels:
    """Single pixels of a picture, uint16, of the shape given: they have all of its noise."""
    found = cv2.resize(pixels, (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST)
    return to_16_bits(found)


@dataclass(frozen=True, slots=True)
class Transfer:
    """From a dark small picture to its bright version; never changed after it is made."""

    sums: Plane
    """What was learned, (LEVELS, rows, columns, 13): the weight, and weighted dark, bright, dark
    squared and dark times bright; all weights together are 1."""
    gain: Plane
    """Of each level, row and column: (LEVELS * rows, columns, 4); the fourth channel makes
    `cv2.remap` quick."""
    offset: Plane
    """Like the gain."""

    @classmethod
    def learn(
        cls,
        dark: Plane,
        bright: Plane,
        holds: Plane,
        known: Self | None = None,
        keep: float = 0.0,
    ) -> Self:
        """What the network did to a picture, beside what it did to those before.

        Args:
            dark: what the network saw.
            bright: what it made of it.
            holds: how much of a picture there is, (h, w); where there is none, nothing is learned.
            known: what it did before; pictures may differ in size but not in shape.
            keep: share of that, in [0, 1].
        """
        rows = slice(None, None, EVERY)
        cells = _cells(dark.shape[0], dark.shape[1]) if known is None else known.sums.shape[1:3]
        sums = _splat(dark[rows], bright[rows], np.maximum(holds, LEAST_HOLD)[rows], cells)
        return cls._of(sums if known is None else sums + np.float32(keep) * (known.sums - sums))

    @classmethod
    def _of(cls, sums: Plane) -> Self:
        known = _with_neighbours(sums)
        mean = known[..., 1:] / known[..., :1]
        dark, bright = mean[..., 0:3], mean[..., 3:6]
        variance = np.maximum(mean[..., 6:9] - dark * dark, 0)
        covariance = np.maximum(mean[..., 9:12] - dark * bright, 0)
        firm = EVEN * np.maximum(dark, 2 / 255)
        ratio = bright / np.maximum(dark, 1e-4)
        gain = (covariance + firm * ratio) / (variance + firm)
        return cls(sums, _texture(gain), _texture(bright - gain * dark))

    def __call__(self, dark: Plane) -> Plane:
        """A bright picture."""
        rows, columns = self.sums.shape[1:3]
        x, y = _places(dark.shape[0], dark.shape[1], rows, columns)
        level = _level(dark)
        below = np.minimum(np.floor(level), LEVELS - 2)
        share, y = level - below, y + below * rows
        four = cast("Plane", cv2.cvtColor(dark, cv2.COLOR_RGB2RGBA))
        low, high = (self._look_up(four, x, place) for place in (y, y + rows))
        bright = cv2.cvtColor(cv2.blendLinear(high, low, share, 1 - share), cv2.COLOR_RGBA2RGB)
        return cast("Plane", np.clip(bright, 0, 1))

    def _look_up(self, dark: Plane, x: Plane, y: Plane) -> Plane:
        gain, offset = (
            cv2.remap(texture, x, y, cv2.INTER_LINEAR) for texture in (self.gain, self.offset)
        )
        return cast("Plane", cv2.add(cv2.multiply(gain, dark, dst=gain), offset, dst=offset))


def apply(luma: Codes, dark: Plane, bright: Plane, noise: Plane, dtype: DTypeLike) -> Pixels:
    """The frame as bright as its small version was made.

    Args:
        luma: of the frame at full size, (H, W), in units of `FULL`.
        dark: the frame made small.
        bright: its bright version.
        noise: variance of the frame's luma that is noise, (h, w).
        dtype: of the result, uint8 or uint16.
    """
    gain, offset = _lines(dark, bright, noise)
    size = (luma.shape[1], luma.shape[0])
    # In integers, which takes half the time that floats do.
    fine_gain = cv2.resize((gain * GAIN_UNIT).astype(np.int16), size)
    fine_offset = cv2.resize((offset * UNIT).astype(np.int16), size)
    codes = cv2.merge([luma] * 3)
    cv2.multiply(codes, fine_gain, dst=codes, scale=UNIT / GAIN_UNIT / FULL)
    cv2.add(codes, fine_offset, dst=codes)
    cv2.max(codes, 0, dst=codes)
    if dtype == np.uint8:
        return cast("Pixels", cv2.convertScaleAbs(codes, alpha=255 / UNIT))
    return cast("Pixels", cv2.multiply(codes, (65535 / UNIT,) * 4, dtype=cv2.CV_16U))


def _lines(dark: Plane, bright: Plane, noise: Plane) -> tuple[Plane, Plane]:
    """Gain and offset of each channel over luma, around each small pixel."""
    luma = cast("Plane", cv2.cvtColor(dark, cv2.COLOR_RGB2GRAY))
    mean, mean_bright = cv2.blur(luma, WINDOW), cv2.blur(bright, WINDOW)
    variance = np.maximum(cv2.blur(luma * luma, WINDOW) - mean * mean, 0)
    means = thrice(cast("Plane", mean))
    covariance = cv2.blur(thrice(luma) * bright, WINDOW) - means * mean_bright
    # The small picture has hardly any noise: this is how far the large one's can be trusted.
    doubt = np.square(CAUTION * noise) / (variance + np.float32(1e-9))
    gain = np.clip(covariance / thrice(variance + doubt + np.float32(1e-7)), -MOST_GAIN, MOST_GAIN)
    offset = mean_bright - gain * means
    # Averaged over windows, or they flicker; by variance, or flat ones soften the edge beside them.
    weight = thrice(variance + CAUTION * noise + np.float32(EQUAL))
    total = cv2.blur(weight, WINDOW)
    return cv2.blur(gain * weight, WINDOW) / total, cv2.blur(offset * weight, WINDOW) / total


def thrice(plane: Plane) -> Plane:
    """The same in three channels; numpy's own way to combine (h, w, 3) with (h, w) is slow."""
    return cast("Plane", cv2.merge([plane] * 3))


def _level(dark: Plane) -> Plane:
    """Where a tone stands in the grid, in [0, LEVELS - 1]."""
    luma = cast("Plane", cv2.cvtColor(dark, cv2.COLOR_RGB2GRAY))
    return cast("Plane", np.sqrt(np.clip(luma, 0, 1)) * np.float32(LEVELS - 1))


def _cells(height: int, width: int) -> tuple[int, ...]:
    """Rows and columns of cells."""
    return tuple(max(1, round(CELLS * n / max(height, width))) for n in (height, width))


def _splat(dark: Plane, bright: Plane, weights: Plane, cells: tuple[int, ...]) -> Plane:
    """Sums over the pixels of each cell and level."""
    (height, width), (rows, columns) = dark.shape[:2], cells
    y = (np.arange(height) * rows // height)[:, None]
    x = (np.arange(width) * columns // width)[None]
    level = _level(dark)
    below = np.minimum(level.astype(np.intp), LEVELS - 2)
    share = level - below
    terms = [np.ones_like(level), *cv2.split(dark), *cv2.split(bright)]
    terms += [*cv2.split(dark * dark), *cv2.split(dark * bright)]
    sums = np.zeros((LEVELS * rows * columns, len(terms)))
    for number, weight in ((below, weights * (1 - share)), (below + 1, weights * share)):
        cell = ((number * rows + y) * columns + x).ravel()
        for column, term in enumerate(terms):
            sums[:, column] += np.bincount(cell, (weight * term).ravel(), len(sums))
    shares: Plane = (sums / weights.sum()).astype(np.float32)
    return shares.reshape(LEVELS, rows, columns, len(terms))


def _with_neighbours(sums: Plane) -> Plane:
    """Sums that no cell lacks: of its own pixels and, much weaker, of those further away."""
    own = _soft(sums, 0, 1, 2)
    wide = own
    for _ in range(REACH):
        wide = _soft(wide, 0, 1, 2)
    everywhere = own.sum((1, 2), keepdims=True)
    for _ in range(REACH):
        everywhere = _soft(everywhere, 0)
    anything = own.sum((0, 1, 2))
    return np.asarray(own + WIDE * wide + EVERYWHERE * everywhere + ANYTHING * anything, np.float32)


def _soft(sums: Plane, *axes: int) -> Plane:
    """Blurred by 1 2 1; beyond the border there is nothing, in sums and weights alike."""
    for axis in axes:
        before = np.moveaxis(sums, axis, 0)
        after = before * np.float32(0.5)
        after[1:] += before[:-1] * np.float32(0.25)
        after[:-1] += before[1:] * np.float32(0.25)
        sums = np.moveaxis(after, 0, axis)
    return sums


def _texture(values: Plane) -> Plane:
    levels, rows, columns, _ = values.shape
    flat = np.zeros((levels * rows, columns, 4), np.float32)
    flat[..., :3] = values.reshape(levels * rows, columns, 3)
    return flat


@lru_cache(maxsize=4)
def _places(height: int, width: int, rows: int, columns: int) -> tuple[Plane, Plane]:
    """Column and row of the grid for each small pixel; no place lies beyond the outer cells."""
    x = (np.arange(width) + 0.5) / width * columns - 0.5
    y = (np.arange(height) + 0.5) / height * rows - 0.5
    grid = np.meshgrid(x.clip(0, columns - 1), y.clip(0, rows - 1))
    return grid[0].astype(np.float32), grid[1].astype(np.float32)
