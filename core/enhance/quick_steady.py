"""Averages over time what stays the same, quickly, before the fast path.

At full size only luma is averaged, as the fast path's detail is all in it; of a large frame, colour
is at half size. The average is brought along where things move, by whole pixels: so it is never
blurred. What shows something new all the same is judged on a picture of a quarter the size, and the
average is kept in integers. Changes are judged against the noise of the new frame and that which is
left in the average.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast

import cv2
import numpy as np

from core.enhance.effect import thrice
from core.enhance.flow import Flow, fetch_whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from core.frame import Pixels

    Plane = NDArray[np.float32]
    Codes = NDArray[np.int16]

Number = TypeVar("Number", np.int16, np.float32)
Picture = TypeVar("Picture", "NDArray[np.int16]", "NDArray[np.float32]")

FRACTION = 7
"""Bits below one level of 255 that the average keeps: with the sign, all that 16 bits hold."""
UNIT = np.float32(1 / (1 << FRACTION))
COLOUR = 384
"""Longer side that colour keeps at least: more, the network does not see on the fast path."""
SEARCH = 480
"""Motion is searched in the first of ever smaller halves whose longer side is no more pixels."""
LEAST_SHARE = 0.1
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
APART = 4096.0
"""More than any two changes differ, in levels."""
ENOUGH = 32
"""Fewer pixels of a brightness do not tell its noise."""


class Averaged(NamedTuple):
    """A frame without most of its noise, or what changed in it."""

    luma: Codes
    """(H, W)"""
    colour: Codes
    """RGB, (h, w, 3): of half the height and width where that leaves `COLOUR`, else of the same."""


class QuickSteady:
    """A recursive filter that lets go where something moves; called with every frame in turn.

    Args:
        firmness: 0 leaves frames as they are, 1 averages as much as is good.
        follows: bring the average along with what moves, which takes most of the time; else it is
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
        self._mean: Averaged | None = None
        self._noise: list[Plane] = []
        self._seen = 0
        self.left: Plane = np.ones((1, 1), np.float32)

    def __call__(self, pixels: Pixels, luma: Pixels) -> Averaged:
        """The frame without most of its noise; holds until the next call.

        Args:
            pixels: RGB.
            luma: of the same frame, in the same depth, (H, W).
        """
        now = Averaged(_codes(luma), _colour(pixels))
        if self._mean is None or self._mean.luma.shape != luma.shape or self._firmness == 0:
            self.forget()
            self._mean, self._seen = now, 1
            return now
        self._seen += 1
        self._mean = mean = self._bring_along(self._mean, now)
        for plane, known in zip(now, mean, strict=True):
            np.subtract(plane, known, out=plane)
        share = self._share(now, mean.colour)
        self.left = share * share + (1 - share) ** 2 * self.left
        steps = (share * 32767).astype(np.int16)
        for known, change in zip(mean, now, strict=True):
            _move(known, change, steps)
        return mean

    def _bring_along(self, mean: Averaged, now: Averaged) -> Averaged:
        """The average, and what noise is left in it, each thing where it is now."""
        if self._flow is None:
            return mean
        small = _small(now.colour)
        flow = self._flow(small, _small(mean.colour))
        if flow is None:
            return mean
        scale = np.float32(1 / small.shape[1])
        self.left = fetch_whole(self.left, flow * (scale * self.left.shape[1]))
        return Averaged(*(fetch_whole(p, flow * (scale * p.shape[1])) for p in mean))

    def _share(self, change: Averaged, mean: Codes) -> Plane:
        """How much of the new frame each pixel takes, at quarter size."""
        half = _half(change.luma)
        size = max(1, half.shape[1] // 2), max(1, half.shape[0] // 2)
        bins = _bins(_largest(_resized(mean, size)))
        expected = 1 + cv2.resize(self.left, size)
        finer = half * UNIT
        energy = _resized(finer * finer, size) / expected
        relative = (_resized(change.colour, size) * UNIT) / thrice(np.sqrt(expected))
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


def deep(codes: Codes) -> Pixels:
    """What is averaged as a picture, in uint16: 257 for each of 255 levels."""
    whole = np.left_shift(codes, 1).view(np.uint16)
    return cast("Pixels", np.add(whole, np.right_shift(codes, 7).view(np.uint16), out=whole))


def _codes(pixels: Pixels) -> Codes:
    """Levels of 255 with their fraction."""
    if pixels.dtype == np.uint16:
        return cast("Codes", cv2.multiply(pixels, (128 / 257,) * 4, dtype=cv2.CV_16S))
    codes = pixels.astype(np.int16)
    return np.left_shift(codes, FRACTION, out=codes)


def _colour(pixels: Pixels) -> Codes:
    codes = _codes(pixels)
    return codes if max(codes.shape) < 2 * COLOUR else _half(codes)


def _move(mean: Codes, change: Codes, steps: Codes) -> None:
    """Adds so many 32767ths of the change to the average."""
    whole = cv2.resize(steps, (mean.shape[1], mean.shape[0]))
    if mean.ndim > whole.ndim:
        whole = cv2.merge([whole] * 3)
    np.add(mean, cv2.multiply(change, whole, dst=change, scale=1 / 32767), out=mean)


def _bins(level: Codes) -> NDArray[np.uint8]:
    return np.asarray(np.sqrt(level * (UNIT * LEVELS**2 / 256)), np.uint8)


def _small(codes: Codes) -> Plane:
    """The picture in which motion is searched, in levels of 255."""
    while max(codes.shape[:2]) > SEARCH:
        codes = _half(codes)
    return np.multiply(codes, UNIT, dtype=np.float32)


def _half(codes: Codes) -> Codes:
    return _resized(codes, (max(1, codes.shape[1] // 2), max(1, codes.shape[0] // 2)))


def _resized(picture: Picture, size: tuple[int, int]) -> Picture:
    return cast("Picture", cv2.resize(picture, size, interpolation=cv2.INTER_AREA))


def _largest(picture: NDArray[Number]) -> NDArray[Number]:
    """Of the three channels; numpy's own `max` over so short an axis takes thirty times as long."""
    return np.maximum(np.maximum(picture[..., 0], picture[..., 1]), picture[..., 2])


def _noise_of(changed: Plane, bins: NDArray[np.uint8]) -> Plane:
    """Standard deviation, for each brightness, of what changes where nothing moves."""
    changes, numbers = changed[::EVERY, ::EVERY].ravel(), bins[::EVERY, ::EVERY].ravel()
    # One sort for all brightnesses, each with its own range of numbers: a quantile for each by
    # itself takes many times as long.
    ranges = numbers * np.float64(APART)
    ordered = np.sort(ranges + changes)
    counts = np.bincount(numbers, minlength=LEVELS)[:LEVELS]
    first = np.cumsum(counts) - counts
    low, high = (
        ordered[np.minimum(first + (share * counts).astype(np.intp), changes.size - 1)]
        for share in MIDDLE
    )
    spread = np.where(counts >= ENOUGH, (high - low) / MIDDLE_WIDTH, NOISE[1])
    return np.clip(spread, *NOISE).astype(np.float32)
