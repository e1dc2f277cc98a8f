"""Dark clips whose bright original is known, so that what a model makes of them can be measured.

One camera films them all on one night, with fresh noise in every frame. Its noise knows nothing of
the frame before, and no video codec has smoothed it: real footage differs in both.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import SettingsError
from core.media.source import open_source
from core.training.darkness import Darkness, darken, to_linear, to_srgb

Picture = NDArray[np.uint8]
Clip = NDArray[np.uint8]
Mask = NDArray[np.bool_]

NIGHT = Darkness(
    exposure=1 / 25,
    electrons=6_000,
    read_noise=2.5,
    balance=(1.05, 1.0, 0.95),
    vignette=0.2,
    black=0.0,
    jpeg=None,
)
WIDTH_PX = 480
"""Clips are made no wider than this, which also rids them of most of their own noise."""
SHADE = (0.25, 0.65)
"""Light that the shadow leaves in the upper and in the lower half: one is plain, one faint."""


@dataclass(frozen=True, slots=True)
class Take:
    """A clip by day and by night, (T, H, W, 3)."""

    bright: Clip
    dark: Clip


@dataclass(frozen=True, slots=True)
class Scene:
    """Three takes of one place: as it was filmed, standing still, and with a shadow passing."""

    moving: Take
    still: Take
    shadow: Take
    covered: Mask
    """Where the shadow is: (T, H, W)."""


def stage(path: Path, frames: int, seed: int) -> Scene:
    """Makes a scene of the first frames of a bright clip.

    Raises:
        CoreError: the clip cannot be read, is too short, or has more than 8 bits.
    """
    random = np.random.default_rng(seed)
    moving = first_frames(path, frames)
    still = np.repeat(moving[:1], frames, axis=0)
    shadow, covered = passing_shadow(moving[0], frames)
    filmed, stood, passed = (
        Take(bright, by_night(bright, random)) for bright in (moving, still, shadow)
    )
    return Scene(filmed, stood, passed, covered)


def first_frames(path: Path, count: int) -> Clip:
    """So many frames from the beginning.

    Raises:
        CoreError: the clip cannot be read, is too short, or has more than 8 bits.
    """
    with open_source(path) as source:
        if source.info.bit_depth > 8:
            raise SettingsError(f"{path} has {source.info.bit_depth} bits: take a clip of 8 bits.")
        frames = [_smaller(np.asarray(frame.pixels, np.uint8)) for frame in islice(source, count)]
    if len(frames) < count:
        raise SettingsError(f"{path} has {len(frames)} frames, not {count}: lower --frames.")
    return np.stack(frames)


def _smaller(picture: Picture) -> Picture:
    height, width = picture.shape[:2]
    if width <= WIDTH_PX:
        return picture
    size = (WIDTH_PX, round(height * WIDTH_PX / width))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def by_night(clip: Clip, random: np.random.Generator) -> Clip:
    """The clip filmed in the dark: the same night for all frames, fresh noise in each."""
    return np.stack([darken(picture, NIGHT, random) for picture in clip])


def passing_shadow(picture: Picture, frames: int) -> tuple[Clip, Mask]:
    """A still scene over which an upright shadow moves to the right, and where the shadow is.

    It moves by a quarter of its own width in a frame, so that a pixel lies under it for four.
    """
    height, width = picture.shape[:2]
    step = max(8, width // 60)
    begins = step * np.arange(1, frames + 1)[:, None]
    x = np.arange(width)
    columns = (x >= begins) & (x < begins + 4 * step)
    covered = np.repeat(columns[:, None], height, axis=1)
    left = np.where(np.arange(height) < height // 2, *SHADE)[:, None, None]
    shaded = np.rint(to_srgb((to_linear(picture) * left).astype(np.float32)) * 255)
    return np.where(covered[..., None], shaded, picture).astype(np.uint8), covered
