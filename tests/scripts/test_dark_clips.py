from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.errors import SettingsError
from core.training.metrics import luma
from core.training.temporal import ghosting
from scripts.dark_clips import SHADE, first_frames, passing_shadow, stage


def test_a_scene_has_three_takes_by_day_and_by_night(plain_clip: Path) -> None:
    scene = stage(plain_clip, 8, 0)
    for take in (scene.moving, scene.still, scene.shadow):
        assert take.dark.shape == take.bright.shape == (8, 64, 96, 3)
        assert take.dark.mean() < take.bright.mean() / 3
    assert (scene.still.bright == scene.moving.bright[0]).all()
    assert (scene.moving.bright[1] != scene.moving.bright[0]).any()


def test_noise_is_fresh_in_every_frame_and_the_same_in_every_run(plain_clip: Path) -> None:
    one, other = stage(plain_clip, 8, 0), stage(plain_clip, 8, 0)
    assert (one.still.dark == other.still.dark).all()
    assert (one.still.dark[0] != one.still.dark[1]).mean() > 0.2
    assert (one.still.dark != stage(plain_clip, 8, 1).still.dark).any()


def test_frames_are_made_smaller_and_not_larger(make_clip: Callable[..., Path]) -> None:
    assert first_frames(make_clip("wide.mp4", width=960, height=540), 2).shape == (2, 270, 480, 3)
    assert first_frames(make_clip("small.mp4"), 2).shape == (2, 64, 96, 3)


def test_a_clip_that_will_not_do_is_refused(make_clip: Callable[..., Path]) -> None:
    with pytest.raises(SettingsError, match="has 10 frames, not 11"):
        first_frames(make_clip(), 11)
    with pytest.raises(SettingsError, match="10 bits"):
        first_frames(make_clip("ten.mkv", pixel_format="yuv420p10le"), 2)


def test_the_shadow_takes_its_share_of_light_and_leaves_all_of_it() -> None:
    picture = np.full((40, 160, 3), 188, np.uint8)
    clip, covered = passing_shadow(picture, 8)
    # 188 is half of full light.
    under = [luma(clip)[0, row][covered[0, row]].mean() / 255 for row in (0, -1)]
    light = ((np.array(under) + 0.055) / 1.055) ** 2.4
    assert light == pytest.approx(np.array(SHADE) / 2, abs=0.005)
    assert (clip[~covered] == 188).all()
    assert ghosting(clip, covered) == 0
