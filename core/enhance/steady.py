"""Averages over time what stays the same, so that noise stands still.

The average is taken of what the camera saw, before the network: noise is simplest there, and all
that follows becomes steady with it, the network's guess of the exposure included. It is brought
along where things move, so that what moves is not blurred; where a pixel shows something new all
the same, the average is let go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from core.enhance.flow import Flow, fetch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.frame import Pixels

    Plane = NDArray[np.float32]

LEAST_SHARE = 0.28
"""Share of the new frame where nothing moves, at full firmness; noise falls to 0.4 of itself at
best. Less would leave less noise, but the network smooths faint texture away: what is left of the
noise stands in for it, or else what moves would change less than it does by day."""
LEAST_MOVING = 0.5
"""The same where the average was brought along: each time that blurs it a little, and the new frame
sharpens it again."""
MOVES = 0.5
"""From so many pixels on, the average counts as brought along."""
TEXTURE = (1.5, 2.2)
"""Where changes of single pixels, squared, are so many times what noise alone makes them, there is
surely nothing new, and surely something. It tells fine texture that was not fetched well."""
FAINT = (3.0, 6.0)
"""The same for changes averaged over a wide window, of which noise makes little: it tells faint
shadows."""
WINDOWS = (3, 7)
"""Pixels, at half size, over which squared changes and changes are averaged."""
LEVELS = 16
"""Brightnesses for which noise is told apart, at even steps of the square root."""
MIDDLE = (0.375, 0.625)
"""The quarter of all changes that lies in the middle is noise, even where much moves. It is taken
about its median and not about zero: where light fades, everything changes alike."""
MIDDLE_WIDTH = 0.637
"""Of a normal distribution that quarter's width, in standard deviations."""
LEAST_NOISE = 0.05
"""Least standard deviation that is taken for noise, in levels of 255."""
MOST_NOISE = (4.0, 1.7)
"""The greatest, at half size: of changes of single pixels, and of those averaged over the wide
window. More is motion, even if all the picture moves."""
GROWTH = 1.05
"""Most by which the estimate of the noise grows from a frame to the next: motion passes by."""
ENOUGH = 64
"""Fewer pixels of a brightness do not tell its noise."""
SAMPLES = 320
"""The noise is told from about so many pixels of a row, which is plenty."""
FINER = 257.0
"""Levels of uint16 in one of uint8."""


class Steady:
    """A recursive filter along the motion; called with every frame in turn.

    Args:
        firmness: 0 leaves frames as they are, 1 averages as much as is good.
    """

    def __init__(self, firmness: float) -> None:
        self._firmness = firmness
        self._flow = Flow()
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
        flow = self._flow(now, self._mean)
        mean = self._mean if flow is None else fetch(self._mean, flow)
        share = self._share(now, mean, flow)
        self._mean = cast("Plane", cv2.blendLinear(now, mean, share, 1 - share))
        return cast("Pixels", cv2.multiply(self._mean, (FINER,) * 4, dtype=cv2.CV_16U))

    def _share(self, now: Plane, mean: Plane, flow: Plane | None) -> Plane:
        """How much of the new frame each pixel takes, (H, W)."""
        height, width = now.shape[:2]
        half = (max(1, width // 2), max(1, height // 2))
        seen, known = (cv2.resize(p, half, interpolation=cv2.INTER_AREA) for p in (now, mean))
        least = self._least(flow, half)
        share = least + (1 - least) * self._news(seen - known, _levels(known))
        return np.asarray(cv2.resize(share, (width, height)), np.float32)

    def _least(self, flow: Plane | None, size: tuple[int, int]) -> Plane:
        """The share where nothing is new: (h, w)."""
        least = np.full(size[::-1], LEAST_SHARE, np.float32)
        if flow is not None:
            across, down = cv2.split(cv2.resize(flow, size))
            # cv2.magnitude gives other last bits from call to call, and a batch must repeat.
            moved = np.sqrt(across * across + down * down) / MOVES
            least += np.minimum(moved, 1) * (LEAST_MOVING - LEAST_SHARE)
        return np.maximum(1 - self._firmness * (1 - least), 1 / self._seen)

    def _news(self, change: Plane, levels: NDArray[np.uint8]) -> Plane:
        """How surely each pixel shows something that the average does not: (h, w) in [0, 1]."""
        wide = cv2.blur(change, (WINDOWS[1],) * 2)
        changes = zip((change, wide), MOST_NOISE, strict=True)
        noise = [_noise_of(changed, levels, most) for changed, most in changes]
        if self._noise:
            pairs = zip(noise, self._noise, strict=True)
            noise = [np.minimum(now, before * np.float32(GROWTH)) for now, before in pairs]
        self._noise = noise
        texture = cv2.blur(_energy(change), (WINDOWS[0],) * 2) / cv2.LUT(levels, noise[0])
        faint = _energy(wide) / cv2.LUT(levels, noise[1])
        return np.maximum(_rise(texture, TEXTURE), _rise(faint, FAINT))


def _energy(change: Plane) -> Plane:
    """Squares, averaged over the channels: (h, w)."""
    channels = np.full((1, change.shape[2]), 1 / change.shape[2], np.float32)
    return cast("Plane", cv2.transform(cv2.multiply(change, change), channels))


def _rise(values: Plane, edges: tuple[float, float]) -> Plane:
    """From 0 at the first edge to 1 at the second."""
    return np.asarray(np.clip((values - edges[0]) / (edges[1] - edges[0]), 0, 1), np.float32)


def _levels(mean: Plane) -> NDArray[np.uint8]:
    """Which of the brightnesses each pixel has: (h, w)."""
    grey = cv2.cvtColor(mean, cv2.COLOR_RGB2GRAY)
    return np.asarray(np.sqrt(np.clip(grey, 0, 255) * (LEVELS**2 / 256)), np.uint8)


def _noise_of(change: Plane, levels: NDArray[np.uint8], most: float) -> Plane:
    """What squared changes are on average where nothing is new, for each brightness: (256,).

    Only the first `LEVELS` are in use; the length is that of a look-up table.
    """
    step = 1 + change.shape[1] // SAMPLES
    change, levels = change[::step, ::step], levels[::step, ::step]
    found = np.full(256, most**2, np.float32)
    for number in range(LEVELS):
        changes = change[levels == number]
        if len(changes) >= ENOUGH:
            low, high = np.quantile(changes, MIDDLE, axis=0)
            spread = np.clip((high - low) / MIDDLE_WIDTH, LEAST_NOISE, most)
            found[number] = np.square(spread).mean()
    return found
