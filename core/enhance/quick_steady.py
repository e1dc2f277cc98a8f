"""Averages over time what stays the same, quickly, before the fast path.

The average is brought along where things move, by whole pixels: so it is never blurred. What shows
something new all the same is judged on a picture of a quarter the size, and the average is kept in
integers. Changes are judged against the noise of the new frame and that which is left in the
average.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

import cv2
import numpy as np

from core.enhance.flow import Flow, fetch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from core.frame import Pixels

    Plane = NDArray[np.float32]
    Codes = NDArray[np.int16]

NEAREST = cv2.INTER_NEAREST
Number = TypeVar("Number", np.int16, np.float32)

FRACTION = 7
"""Bits below one level of 255 that the average keeps: with the sign, all that 16 bits hold."""
UNIT = np.float32(1 / (1 << FRACTION))
SEARCH = 480
"""Motion is searched in the first of ever smaller halves whose longer side is no more pixels."""
LEAST_SHARE = 0.15
"""Share of the new frame where nothing moves, at full firmness."""
MOTION = (1.5, 3.5)
"""A change of so many standard deviations of the noise is surely none, and surely one."""
WINDOWS = ((3, 3), (5, 5))
"""Pixels, at quarter size, over which a change is averaged: the small window sees small things
move, the large one sees faint ones."""
RESTLESS = 1.5
"""Texture that moves changes every way, and in the mean not at all; so how much all changes in the
smallest window exceed what noise would make of them is held against `MOTION` as well, with this
weight."""
LEVELS = 16
"""Brightnesses for which noise is told apart, at even steps of the square root."""
MIDDLE = (0.375, 0.625)
"""The quarter of all changes that lies in the middle is noise, even where much moves."""
MIDDLE_WIDTH = 0.637
"""Of a normal distribution that quarter's width, in standard deviations."""
NOISE = (0.03, 3.0)
"""Least and greatest standard deviation that is taken for noise, in levels of 255."""
GROWTH = 1.05
"""Most by which the estimate of the noise grows from a frame to the next: motion passes by."""
EVERY = 3
"""One in so many rows, and columns, of the quarter-size picture is asked about noise."""
ENOUGH = 32
"""Fewer pixels of a brightness do not tell its noise."""


class QuickSteady:
    """A recursive filter that lets go where something moves; called with every frame in turn.

    Args:
        firmness: 0 leaves frames as they are, 1 averages as much as is good.
        follows: bring the average along with what moves, which takes half of the time; else it is
            let go there.

    Attributes:
        left: share of the noise's variance that is left, (h, w) at quarter size, in (0, 1].
    """

    def __init__(self, firmness: float, *, follows: bool = True) -> None:
        self._firmness = firmness
        self._flow = Flow(quick=True) if follows else None
        self.forget()

    def forget(self) -> None:
        """The next frame begins a new scene."""
        self._mean: Codes | None = None
        self._noise: list[Plane] = []
        self._seen = 0
        self.left: Plane = np.ones((1, 1), np.float32)

    def __call__(self, pixels: Pixels) -> Pixels:
        """The frame without most of its noise, in uint16."""
        now = _codes(pixels)
        if self._mean is None or self._mean.shape != now.shape or self._firmness == 0:
            self.forget()
            self._mean, self._seen = now, 1
            return _deep(now)
        self._seen += 1
        self._mean = self._bring_along(self._mean, now)
        change = np.subtract(now, self._mean, out=now)
        share = self._share(change, self._mean)
        self.left = share * share + (1 - share) ** 2 * self.left
        size = (change.shape[1], change.shape[0])
        whole = cv2.resize((share * 32767).astype(np.int16), size)
        step = cv2.multiply(change, cv2.merge([whole] * 3), scale=1 / 32767)
        np.add(self._mean, step, out=self._mean)
        return _deep(self._mean)

    def _bring_along(self, mean: Codes, now: Codes) -> Codes:
        """The average, and what noise is left in it, each thing where it is now."""
        if self._flow is None:
            return mean
        small = _small(now)
        flow = self._flow(small, _small(mean))
        if flow is None:
            return mean
        width = small.shape[1]
        self.left = fetch(self.left, flow * np.float32(self.left.shape[1] / width), NEAREST)
        return fetch(mean, flow * np.float32(mean.shape[1] / width), NEAREST)

    def _share(self, change: Codes, mean: Codes) -> Plane:
        """How much of the new frame each pixel takes, at quarter size."""
        half = _half(change)
        bins = _bins(_largest(_half(_half(mean))))
        size = (bins.shape[1], bins.shape[0])
        expected = 1 + cv2.resize(self.left, size)
        finer = half[..., 1] * UNIT
        energy = cv2.resize(finer * finer, size, interpolation=cv2.INTER_AREA) / expected
        relative = (_half(half) * UNIT) / np.sqrt(expected)[..., None]
        changes = [cv2.blur(relative, window) for window in WINDOWS]
        single = finer[: 2 * size[1] : 2, : 2 * size[0] : 2] / np.sqrt(expected)
        noise = self._noise_now([*(changed[..., 1] for changed in changes), single], bins)
        found = [_largest(np.abs(c)) / n for c, n in zip(changes, noise[:-1], strict=True)]
        ratio = cv2.blur(energy / np.square(noise[-1]), WINDOWS[0])
        motion = np.maximum(np.maximum(*found), RESTLESS * (ratio - 1))
        rise = np.clip((motion - MOTION[0]) / (MOTION[1] - MOTION[0]), 0, 1)
        still = max(1 / self._seen, 1 - self._firmness * (1 - LEAST_SHARE))
        return cast("Plane", (still + (1 - still) * rise).astype(np.float32))

    def _noise_now(self, changes: Sequence[Plane], bins: NDArray[np.uint8]) -> list[Plane]:
        """Standard deviation of each kind of change where nothing moves, at each pixel."""
        noise = [_noise_of(changed, bins) for changed in changes]
        if self._noise:
            pairs = zip(noise, self._noise, strict=True)
            noise = [np.minimum(now, before * np.float32(GROWTH)) for now, before in pairs]
        self._noise = noise
        return [curve[bins] for curve in noise]


def _codes(pixels: Pixels) -> Codes:
    """Levels of 255 with their fraction."""
    if pixels.dtype == np.uint8:
        return cast("Codes", np.left_shift(pixels, FRACTION, dtype=np.int16))
    return cast("Codes", cv2.multiply(pixels, (128 / 257,) * 4, dtype=cv2.CV_16S))


def _deep(codes: Codes) -> Pixels:
    """Levels of 65535: 257 for each of 255."""
    whole = np.left_shift(codes, 1).view(np.uint16)
    return cast("Pixels", np.add(whole, np.right_shift(codes, 7).view(np.uint16), out=whole))


def _bins(level: Codes) -> NDArray[np.uint8]:
    return np.asarray(np.sqrt(level * (UNIT * LEVELS**2 / 256)), np.uint8)


def _small(codes: Codes) -> Plane:
    """The picture in which motion is searched, in levels of 255."""
    while max(codes.shape[:2]) > SEARCH:
        codes = _half(codes)
    return np.multiply(codes, UNIT, dtype=np.float32)


def _half(codes: Codes) -> Codes:
    height, width = codes.shape[:2]
    size = (max(1, width // 2), max(1, height // 2))
    return cast("Codes", cv2.resize(codes, size, interpolation=cv2.INTER_AREA))


def _largest(picture: NDArray[Number]) -> NDArray[Number]:
    """Of the three channels; numpy's own `max` over so short an axis takes thirty times as long."""
    return np.maximum(np.maximum(picture[..., 0], picture[..., 1]), picture[..., 2])


def _noise_of(changed: Plane, bins: NDArray[np.uint8]) -> Plane:
    """Standard deviation, for each brightness, of what changes where nothing moves."""
    changes, numbers = changed[::EVERY, ::EVERY].ravel(), bins[::EVERY, ::EVERY].ravel()
    # Sorted once: a quantile for each brightness by itself takes four times as long.
    changes = changes[np.lexsort((changes, numbers))]
    counts = np.bincount(numbers, minlength=LEVELS)[:LEVELS]
    first = np.cumsum(counts) - counts
    low, high = (
        changes[np.minimum(first + (share * counts).astype(np.intp), changes.size - 1)]
        for share in MIDDLE
    )
    spread = np.where(counts >= ENOUGH, (high - low) / MIDDLE_WIDTH, NOISE[1])
    return np.clip(spread, *NOISE).astype(np.float32)
