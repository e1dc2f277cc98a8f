"""Where things were in the picture before, found in spite of noise, and that picture brought along.

Flows are (h, w, 2), to the right and down, in pixels of the whole frame; h and w are the size at
which motion is searched, which is smaller than the frame.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar, cast

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Plane = NDArray[np.float32]

Picture = TypeVar("Picture", "NDArray[np.float32]", "NDArray[np.int16]")

SIDE = 640
"""Motion is searched in a picture whose longer side is at most this, in pixels: enough for what is
to be seen in the dark, and noise averages out where several pixels become one."""
LEAST_SIDE = 32
"""The search needs room for its patches: narrower pictures are taken to stand still."""
WORTH = (0.1, 0.25)
"""Motion that explains so small a part of the change, squared, is found in noise, and so large a
one is surely there. What creeps lags behind until it is worth fetching, which spares it the
fetching; where the picture is plain, noise may pass for motion, but there is nothing to blur."""
WINDOW = 9
"""Pixels of the search over which that part is measured."""
QUICK_STRIDE = 6
"""Pixels from one patch of the quick search to the next; the patches have 8."""
BRIGHT = 3.0
"""So many standard deviations above the mean, brightness is cut off: lamps would leave the dark no
levels."""


class Flow:
    """Finds where things were, by dense inverse search (Kroeger et al., ECCV 2016).

    Args:
        quick: search with fewer patches and without smoothing, in a third of the time.
    """

    def __init__(self, *, quick: bool = False) -> None:
        presets = cv2.DISOPTICAL_FLOW_PRESET_FAST, cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST
        self._search = cv2.DISOpticalFlow.create(presets[quick])
        self._search.setFinestScale(1)  # presets stop at a quarter, which misses thin things
        if quick:
            self._search.setPatchStride(QUICK_STRIDE)

    def __call__(self, now: Plane, before: Plane) -> Plane | None:
        """For each pixel of `now`, how far away it is in `before`; none if all stands still.

        Args:
            now: float RGB in levels of 255, (H, W, 3).
            before: as large as `now`, and where nothing moved as bright.
        """
        height, width = now.shape[:2]
        scale = min(1.0, SIDE / max(height, width))
        size = (round(width * scale), round(height * scale))
        if min(size) < LEAST_SIDE:
            return None
        seen, known = _searchable(now, before, size)
        levels = seen.astype(np.uint8), known.astype(np.uint8)
        flow = cast("Plane", self._search.calc(levels[0], levels[1], None))
        worth = _worth(seen, known, flow)
        if not worth.any():
            return None
        worth /= np.float32(scale)
        return cast("Plane", cv2.multiply(flow, cv2.merge([worth, worth])))


def _worth(seen: Plane, known: Plane, flow: Plane) -> Plane:
    """How surely the flow is more than noise: (h, w) in [0, 1]."""
    left, whole = (
        cv2.blur(np.square(cv2.subtract(seen, picture)), (WINDOW, WINDOW))
        for picture in (fetch(known, flow), known)
    )
    explained = (whole - left) / np.maximum(whole, 1)  # a change below one level is no evidence
    sure = np.clip((explained - WORTH[0]) / (WORTH[1] - WORTH[0]), 0, 1)
    return np.asarray(sure, np.float32)


def fetch(picture: Picture, flow: Plane) -> Picture:
    """What stands where the flow leads, between the pixels too; beyond the picture, its border.

    Cubic, as the same picture is fetched frame after frame, and linear would blur it each time.

    Args:
        picture: (H, W) or (H, W, C).
        flow: of the size of the picture or smaller, in pixels of the picture.
    """
    height, width = picture.shape[:2]
    along = cv2.resize(flow, (width, height))
    cv2.add(along, _places(height, width).astype(np.float32), dst=along)
    return _picked(picture, along, cv2.INTER_CUBIC)


def fetch_whole(picture: Picture, flow: Plane) -> Picture:
    """Like `fetch`, by whole pixels: in a third of the time, and never blurred at all."""
    height, width = picture.shape[:2]
    steps = np.rint(flow).astype(np.int16)
    along = cv2.resize(steps, (width, height))
    cv2.add(along, _places(height, width), dst=along)
    return _picked(picture, along, cv2.INTER_NEAREST)


def _picked(picture: Picture, places: NDArray[np.generic], how: int) -> Picture:
    found = cv2.remap(picture, places, None, how, borderMode=cv2.BORDER_REPLICATE)
    return cast("Picture", found)


@lru_cache(maxsize=4)
def _places(height: int, width: int) -> NDArray[np.int16]:
    """Column and row of each pixel; not to be written to."""
    grid = np.meshgrid(np.arange(width, dtype=np.int16), np.arange(height, dtype=np.int16))
    return cast("NDArray[np.int16]", np.dstack(grid))


def _searchable(now: Plane, before: Plane, size: tuple[int, int]) -> tuple[Plane, Plane]:
    """Both pictures in grey levels of 255, as large as the search wants them.

    The root lifts dark texture, and brings noise of all levels nearer to one strength.
    """
    seen, known = (_root(cv2.resize(p, size, interpolation=cv2.INTER_AREA)) for p in (now, before))
    mean, spread = cv2.meanStdDev(known)
    gain = np.float32(255 / max(float((mean + BRIGHT * spread).item()), 1e-3))
    return np.minimum(seen * gain, np.float32(255)), np.minimum(known * gain, np.float32(255))


def _root(picture: Plane) -> Plane:
    """The square root of its brightness: (H, W)."""
    return cast("Plane", cv2.sqrt(cv2.max(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), 0)))
