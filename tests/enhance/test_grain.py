"""Noise is told from the frame alone, and texture is not taken for it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.enhance.grain import Grain

GREEN_LEVEL = 60


def noisy(seed: int, sigma: float, level: float = GREEN_LEVEL) -> NDArray[np.uint8]:
    grey = level + np.random.default_rng(seed).normal(0, sigma, (288, 512))
    return np.clip(np.rint(grey), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("sigma", [2.0, 5.0])
def test_the_noise_of_a_flat_frame_is_found(sigma: float) -> None:
    found = Grain()(noisy(1, sigma))
    assert np.sqrt(found[GREEN_LEVEL]) * 255 == pytest.approx(sigma, rel=0.1)


def test_each_brightness_has_its_own() -> None:
    frame = np.concatenate([noisy(1, 1.0, 20), noisy(2, 6.0, 180)])
    found = 255 * np.sqrt(Grain()(frame))
    assert found[20] < 1.6
    assert found[180] > 5


def test_texture_on_half_of_the_frame_is_not_noise() -> None:
    frame = noisy(1, 2.0)
    frame[:144, ::2] += np.uint8(4)
    frame[:144, 1::2] -= np.uint8(4)
    assert np.sqrt(Grain()(frame)[GREEN_LEVEL]) * 255 < 3


def test_sixteen_bits_are_judged_like_eight() -> None:
    deep = noisy(1, 3.0).astype(np.uint16) * np.uint16(257)
    assert np.allclose(Grain()(deep), Grain()(noisy(1, 3.0)), rtol=0.02)


def test_a_frame_alone_does_not_change_the_estimate() -> None:
    grain = Grain()
    before = grain(noisy(1, 2.0))[GREEN_LEVEL]
    assert grain(noisy(2, 12.0))[GREEN_LEVEL] < 8 * before


def test_a_tiny_frame_has_no_noise_to_tell() -> None:
    assert not Grain()(noisy(1, 3.0)[:8, :8]).any()
