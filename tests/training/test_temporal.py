from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from core.training.metrics import match_mean
from core.training.temporal import (
    flicker_error,
    follow,
    ghosting,
    mabd,
    mabd_error,
    static_deviation,
    warping_error,
)

Clip = NDArray[np.uint8]


def levels(*values: int) -> Clip:
    """Flat frames of these levels."""
    clip = np.array(values, np.uint8)[:, None, None, None]
    return np.tile(clip, (1, 24, 32, 3))


@pytest.fixture
def texture() -> NDArray[np.uint8]:
    """Something to follow: smooth blobs, wider than the frames taken of it."""
    coarse = np.random.default_rng(3).integers(70, 186, (16, 24, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (192, 96), interpolation=cv2.INTER_CUBIC), np.uint8)


@pytest.fixture
def pan(texture: NDArray[np.uint8]) -> Clip:
    """The camera glides to the right, two pixels a frame."""
    return np.stack([texture[:, 2 * number : 2 * number + 128] for number in range(5)])


def bar(frames: int = 10) -> tuple[Clip, NDArray[np.bool_]]:
    """A bright bar, 32 wide, that moves by eight pixels a frame, and where it is."""
    begins = 8 * np.arange(1, frames + 1)[:, None]
    x = np.arange(160)
    covered = np.repeat(((x >= begins) & (x < begins + 32))[:, None], 20, axis=1)
    clip = np.where(covered[..., None], np.uint8(200), np.uint8(50))
    return np.repeat(clip, 3, axis=3), covered


def test_what_does_not_change_is_steady() -> None:
    clip = levels(90, 90, 90)
    assert not mabd(clip).any()
    assert static_deviation(clip) == 0
    assert warping_error(clip, clip) == flicker_error(clip, clip) == 0


def test_black_is_steady() -> None:
    assert static_deviation(levels(0, 0)) == 0


def test_mabd_is_of_every_pixel_before_it_is_of_the_frame() -> None:
    clip = levels(100, 100, 110)
    # As much up as down: the frame's mean stays, its pixels do not.
    clip[1, :, :16] += 6
    clip[1, :, 16:] -= 6
    assert mabd(clip) == pytest.approx([6, 10])


def test_mabd_error_is_the_root_of_the_papers() -> None:
    found = mabd_error(levels(100, 105, 100, 103), levels(100, 101, 101, 101))
    assert found == pytest.approx(np.sqrt((4**2 + 5**2 + 3**2) / 3))


def test_known_jitter_is_the_known_share() -> None:
    # Two below and two above the mean: the deviation of a sample is the root of 4 * 4 / 3.
    assert static_deviation(levels(98, 102, 98, 102)) == pytest.approx(np.sqrt(16 / 3) / 100)


def test_jitter_and_brightness_scale_together() -> None:
    dim, bright = levels(49, 51), levels(98, 102)
    assert static_deviation(match_mean(dim, bright)) == pytest.approx(static_deviation(bright))
    assert static_deviation(dim) == pytest.approx(static_deviation(bright))


def test_one_gain_for_the_whole_clip_keeps_the_flicker() -> None:
    assert mabd(match_mean(levels(40, 60), levels(100, 100))) == pytest.approx([40])


def test_a_pan_is_followed(pan: Clip) -> None:
    motion = follow(pan[0], pan[1])
    assert np.median(motion.flow[..., 0]) == pytest.approx(-2, abs=0.05)
    assert motion.visible[:, 8:-8].mean() > 0.95
    # What leaves on the left is nowhere in the next frame.
    assert not motion.visible[:, 0].any()


def test_translation_is_no_warping_error_and_flicker_is(pan: Clip) -> None:
    assert warping_error(pan, pan) < 1e-5
    flicker = pan.copy()
    flicker[1::2] += 10
    assert warping_error(flicker, pan) == pytest.approx((10 / 255) ** 2, rel=0.05)


def test_flicker_is_what_the_reference_does_not_do(pan: Clip) -> None:
    lamp = pan.copy()
    lamp[1::2] += 10
    assert flicker_error(lamp, pan) == pytest.approx((10 / 255) ** 2, rel=0.05)
    assert flicker_error(lamp, lamp) == 0
    # A filter that takes the lamp's flicker away is steadier than the scene, and no truer.
    assert warping_error(pan, lamp) < warping_error(lamp, lamp)
    assert flicker_error(pan, lamp) == pytest.approx((10 / 255) ** 2, rel=0.05)


def test_motion_is_the_references_and_not_the_clips(pan: Clip) -> None:
    """A clip that froze is steady by itself, but not along the motion there was."""
    frozen = np.repeat(pan[:1], len(pan), axis=0)
    assert warping_error(frozen, pan) > 100 * warping_error(pan, pan)


def test_what_was_hidden_counts_for_nothing(texture: NDArray[np.uint8]) -> None:
    """A box moves over a still scene; what it hides or shows anew has no partner."""
    ground = np.repeat(texture[None, :, :128], 2, axis=0)
    box = texture[20:60, 140:180]
    ground[0, 30:70, 30:70] = box
    ground[1, 30:70, 38:78] = box
    motion = follow(ground[0], ground[1])
    assert motion.visible[34:66, 71:77].mean() < 0.3
    assert motion.visible[:20].mean() > 0.95


def test_nothing_left_behind_is_no_ghost() -> None:
    clip, covered = bar()
    assert ghosting(clip, covered) == 0


@pytest.mark.parametrize("share", [0.3, 0.8])
def test_a_trail_is_its_share(share: float) -> None:
    clip, covered = bar()
    trailing = clip.astype(np.float64)
    trailing[1:] = (1 - share) * clip[1:] + share * clip[:-1].astype(np.float64)
    assert ghosting(np.rint(trailing).astype(np.uint8), covered) == pytest.approx(share, abs=0.005)


def test_a_dark_object_on_uneven_ground_leaves_its_share_too() -> None:
    clip, covered = bar()
    ground = np.linspace(90, 220, 160)[None, None, :, None]
    shaded = np.where(covered[..., None], ground * 0.5, ground)
    shaded[1:] = 0.7 * shaded[1:] + 0.3 * shaded[:-1]
    trailing = np.broadcast_to(np.rint(shaded), clip.shape).astype(np.uint8)
    assert ghosting(trailing, covered) == pytest.approx(0.3, abs=0.01)


def test_noise_and_soft_borders_are_no_ghost() -> None:
    clip, covered = bar()
    soft = np.stack([cv2.GaussianBlur(frame, (5, 5), 1) for frame in clip])
    noise = np.random.default_rng(5).normal(0, 8, clip.shape)
    noisy = np.clip(np.rint(soft + noise), 0, 255).astype(np.uint8)
    assert abs(ghosting(noisy, covered)) < 0.02


def test_an_object_that_stays_has_no_ghost_to_measure() -> None:
    clip, covered = bar()
    with pytest.raises(ValueError, match="uncovers nothing"):
        ghosting(clip[:1].repeat(5, axis=0), covered[:1].repeat(5, axis=0))
