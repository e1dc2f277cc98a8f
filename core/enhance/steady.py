"""Averages over time what stands still, so that noise stands still as well.

The average is taken of what the camera saw, before the network: noise is simplest there, and all
that follows becomes steady with it, the network's guess of the exposure included.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.frame import Pixels

    Plane = NDArray[np.float32]

LEAST_SHARE = 0.15
"""Share of the new frame where nothing moves, at full firmness; noise falls to 0.28 of itself at
best."""
MOTION = (1.5, 3.5)
"""A change of so many standard deviations of the noise is surely none, and surely one."""
WINDOWS = ((5, 5), (11, 11))
"""Pixels, at half size, over which a change is averaged before it is judged: the small window sees
small things move, the large one sees faint ones."""
LEVELS = 16
"""Brightnesses for which noise is told apart, at even steps of the square root."""
MIDDLE = (0.375, 0.625)
"""The quarter of all changes that lies in the middle is noise, even where much moves. It is taken
about its median and not about zero: where light fades, everything changes alike."""
MIDDLE_WIDTH = 0.637
"""Of a normal distribution that quarter's width, in standard deviations."""
NOISE = (0.05, 1.7)
"""Least and greatest standard deviation that is taken for noise, of changes averaged over a window;
in levels of 255."""
GROWTH = 1.05
"""Most by which the estimate of the noise grows from a frame to the next: motion passes by."""
ENOUGH = 64
"""Fewer pixels of a brightness do not tell its noise."""
FINER = 257.0
"""Levels of uint16 in one of uint8."""


class Steady:
    """A recursive filter that lets go where something moves; called with every frame in turn.

    Args:
        firmness: 0 leaves frames as they are, 1 averages as much as is good.
    """

    def __init__(self, firmness: float) -> None:
        self._firmness = firmness
        self._mean: Plane | None = None
        self._noise: list[Plane] = []
        self._seen = 0

    def __call__(self, pixels: Pixels) -> Pixels:
        """The frame without most of its noise, in uint16; the first one stays as it is."""
        if self._firmness == 0:
            return pixels
        now = pixels.astype(np.float32)
        if pixels.dtype == np.uint16:
            now /= FINER
        if self._mean is None or self._mean.shape != now.shape:
            self._mean, self._noise, self._seen = now, [], 1
            return pixels
        self._seen += 1
        now -= self._mean
        now *= self._share(now, self._mean)[..., None]
        self._mean += now
        return cast("Pixels", cv2.multiply(self._mean, (FINER,) * 4, dtype=cv2.CV_16U))

    def _share(self, change: Plane, mean: Plane) -> Plane:
        """How much of the new frame each pixel takes, (H, W)."""
        height, width = change.shape[:2]
        half = (max(1, width // 2), max(1, height // 2))
        small = cv2.resize(change, half, interpolation=cv2.INTER_AREA)
        level = cv2.resize(mean, half, interpolation=cv2.INTER_AREA).max(2)
        bins = np.sqrt(level * (LEVELS**2 / 256)).astype(np.uint8)
        changes = [cv2.blur(small, window) for window in WINDOWS]
        noise = [_noise_of(changed[..., 1], bins) for changed in changes]
        if self._noise:
            pairs = zip(noise, self._noise, strict=True)
            noise = [np.minimum(now, before * np.float32(GROWTH)) for now, before in pairs]
        self._noise = noise
        found = [np.abs(c).max(2) / n[bins] for c, n in zip(changes, noise, strict=True)]
        motion = np.maximum(*found)
        rise = np.clip((motion - MOTION[0]) / (MOTION[1] - MOTION[0]), 0, 1)
        still = max(1 / self._seen, 1 - self._firmness * (1 - LEAST_SHARE))
        share = (still + (1 - still) * rise).astype(np.float32)
        return np.asarray(cv2.resize(share, (width, height)), np.float32)


def _noise_of(changed: Plane, bins: NDArray[np.uint8]) -> Plane:
    """Standard deviation, for each brightness, of what changes where nothing moves."""
    found = np.full(LEVELS, NOISE[1], np.float32)
    for number in range(LEVELS):
        changes = changed[bins == number]
        if changes.size >= ENOUGH:
            low, high = np.quantile(changes, MIDDLE)
            found[number] = (high - low) / MIDDLE_WIDTH
    return np.clip(found, *NOISE)
