"""A cut is another scene, and neither noise nor light."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.enhance.scene_cut import SceneCut
from tests.fakes import scene

BLACK = np.zeros((72, 128, 3), np.uint8)


def cuts(*pictures: NDArray[np.uint8] | NDArray[np.uint16]) -> list[bool]:
    is_cut = SceneCut()
    return [is_cut(picture) for picture in pictures]


def noisy(picture: NDArray[np.uint8], seed: int, sigma: float = 12.0) -> NDArray[np.uint8]:
    noise = np.random.default_rng(seed).normal(0, sigma, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def test_the_first_frame_is_no_cut() -> None:
    assert cuts(scene(1)) == [False]


@pytest.mark.parametrize("darker", [1, 4, 16])
def test_fresh_noise_is_no_cut(darker: int) -> None:
    picture = scene(1) // np.uint8(darker)
    assert not any(cuts(*(noisy(picture, seed, 12 / darker) for seed in range(6))))


def test_an_exposure_that_changes_fourfold_is_no_cut() -> None:
    picture = scene(1)
    dark = noisy(picture // np.uint8(4), 2, 3.0)
    assert cuts(noisy(picture, 1), dark, noisy(picture, 3)) == [False, False, False]


def test_a_picture_that_moves_is_no_cut() -> None:
    picture = scene(1)
    assert not any(cuts(*(np.roll(picture, 2 * step, 1) for step in range(8))))


@pytest.mark.parametrize("other", range(2, 10))
def test_another_scene_is_a_cut(other: int) -> None:
    assert cuts(scene(1), scene(other)) == [False, True]


def test_another_scene_is_a_cut_in_the_dark_too() -> None:
    first, second = noisy(scene(1) // np.uint8(8), 1, 2.0), noisy(scene(2) // np.uint8(8), 2, 2.0)
    assert cuts(first, second, second) == [False, True, False]


def test_sixteen_bits_are_judged_like_eight() -> None:
    wide = [scene(seed).astype(np.uint16) * 257 for seed in (1, 1, 2)]
    assert cuts(*wide) == [False, False, True]


def test_black_is_a_scene_of_its_own() -> None:
    assert cuts(BLACK, BLACK, scene(1), BLACK, BLACK, scene(1)) == [
        False, False, True, True, False, True,
    ]  # fmt: skip
