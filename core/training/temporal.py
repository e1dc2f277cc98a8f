"""How steady a clip is. Clips are uint8 RGB, (T, H, W, 3), with at least two frames.

A dimmer clip moves less, whatever moves in it: bring clips to one brightness (`match_mean`) before
they are compared.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from core.training.metrics import luma

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]
    Clip = NDArray[np.uint8]
    Mask = NDArray[np.bool_]
    _Pair = tuple[Picture, Picture]

MARGIN_PX = 3
"""So near to a moving object its own soft border is not taken for something left behind."""


def mabd(clip: Clip) -> NDArray[np.float64]:
    """Mean absolute brightness difference of consecutive frames, in levels of 255: (T - 1,).

    Jiang and Zheng, ICCV 2019: of every pixel, then averaged over the frame.
    """
    return np.asarray(np.abs(np.diff(luma(clip), axis=0)).mean((1, 2)))


def mabd_error(clip: Clip, reference: Clip) -> float:
    """How far the clip's differences are from its reference's, root mean square, in levels of 255.

    The papers print its square, MSE(MABD). Noise adds to the differences; a filter that smears what
    moves takes away from them.
    """
    return float(np.sqrt(np.mean((mabd(clip) - mabd(reference)) ** 2)))


def warping_error(clip: Clip, reference: Clip) -> float:
    """What changes along the motion: mean squared error of samples in [0, 1].

    Lai et al., ECCV 2018: every frame is set against the next one, warped back onto it, wherever
    the next one still shows the same. Motion and occlusion are the reference's. Lai et al. leave
    out borders of motion too; here only what is occluded, in every frame alike.
    """
    changes = (_change(pair, motion) for pair, _, motion in _along(clip, reference))
    return _mean_square(changes)


def flicker_error(clip: Clip, reference: Clip) -> float:
    """How far that change along the motion is from the reference's own: mean squared error.

    Least, 0, for the reference itself, whose light changes, and where motion is not followed to the
    pixel: the warping error is less for a clip that has lost detail. Noise and flicker add to this
    one, and what a filter smears does as well.
    """
    excess = (
        _change(pair, motion) - _change(seen, motion)
        for pair, seen, motion in _along(clip, reference)
    )
    return _mean_square(excess)


class Motion(NamedTuple):
    """Where every pixel goes, and whether it is still seen there."""

    flow: NDArray[np.float32]
    """Right and down, in pixels: (H, W, 2)."""
    visible: Mask
    """Also in the next frame: (H, W)."""


def follow(now: Picture, after: Picture) -> Motion:
    """Motion from one frame to the next, by dense inverse search (Kroeger et al., ECCV 2016).

    A pixel is seen in both if the flow there leads back to it: Sundaram et al., ECCV 2010, Eq. 5.
    """
    grey = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (now, after)]
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    there = search.calc(grey[0], grey[1], None)
    back = _fetch(search.calc(grey[1], grey[0], None), there)
    astray = np.square(there + back).sum(2)
    allowed = 0.01 * (np.square(there).sum(2) + np.square(back).sum(2)) + 0.5
    x, y = _targets(there)
    height, width = grey[0].shape
    inside = (abs(x - (width - 1) / 2) < width / 2) & (abs(y - (height - 1) / 2) < height / 2)
    return Motion(there, inside & (astray <= allowed))


def _along(clip: Clip, reference: Clip) -> Iterator[tuple[_Pair, _Pair, Motion]]:
    """Two consecutive frames of both clips, and the motion between them."""
    for pair, seen in zip(pairwise(clip), pairwise(reference), strict=True):
        yield pair, seen, follow(*seen)


def _change(pair: _Pair, motion: Motion) -> NDArray[np.float32]:
    """Of what is seen in both frames, in [-1, 1]: (visible pixels, 3)."""
    now, after = pair
    change = _fetch(after, motion.flow) - now.astype(np.float32)
    return np.asarray(change[motion.visible] / 255, np.float32)


def _mean_square(changes: Iterable[NDArray[np.float32]]) -> float:
    """Of all pairs of frames together."""
    error, count = 0.0, 0
    for change in changes:
        error += float(np.square(change, dtype=np.float64).sum())
        count += change.size
    return error / max(count, 1)


def _fetch(samples: NDArray[np.generic], flow_HW2: NDArray[np.float32]) -> NDArray[np.float32]:
    """What stands where the flow leads, between the pixels too; beyond the picture, its border."""
    x, y = _targets(flow_HW2)
    floats = samples.astype(np.float32)
    found = cv2.remap(floats, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.float32)


def _targets(flow_HW2: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Columns and rows that the flow leads to."""
    y, x = np.mgrid[: flow_HW2.shape[0], : flow_HW2.shape[1]].astype(np.float32)
    return x + flow_HW2[..., 0], y + flow_HW2[..., 1]


def static_deviation(clip: Clip) -> float:
    """How much a scene that stands still moves, as a share of its mean.

    The standard deviation of every sample over time, averaged over the picture, divided by the mean
    of all samples. Frames that lean on those before are alike for a while, so a short clip makes a
    recursive filter look steadier than it is.
    """
    return float(clip.std(0, ddof=1).mean() / max(clip.mean(), 1e-6))


def ghosting(clip: Clip, covered: Mask) -> float:
    """How much of an object is still to be seen where it was one frame ago: 0 nothing, 1 all of it.

    Every pixel is its own measure: what it shows just after the object left, between what it showed
    before the object came and what it showed under it. Sums are divided, not pixels, so that noise
    averages out; a little below 0 is an undershoot.

    Args:
        clip: an object all brighter or all darker than what is behind it, moving one way over a
            still scene, and further in one frame than its soft border is wide.
        covered: where the object is, bool (T, H, W).

    Raises:
        ValueError: the object uncovers nothing that was seen before.
    """
    window = np.ones((2 * MARGIN_PX + 1, 2 * MARGIN_PX + 1), np.uint8)
    near = np.stack([cv2.dilate(mask.astype(np.uint8), window) > 0 for mask in covered])
    before = ~np.logical_or.accumulate(near)
    uncovered = covered[:-1] & ~near[1:] & before.any(0)
    if not uncovered.any():
        raise ValueError("the object uncovers nothing that was seen before it came")
    shade = luma(clip)
    behind = (shade * before).sum(0) / np.maximum(before.sum(0), 1)
    left, full = (shade[1:] - behind)[uncovered], (shade[:-1] - behind)[uncovered]
    return float(left.sum() / full.sum())
