"""Motion is found in noise, and noise alone is none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from core.enhance.flow import SIDE, Flow, fetch

Plane = NDArray[np.float32]


def texture(height: int = 96, width: int = 160) -> Plane:
    """Dim blobs a few pixels wide, without noise."""
    blobs = np.random.default_rng(5).normal(0, 1, (height, width))
    soft = cv2.GaussianBlur(blobs, (0, 0), 2)
    return np.repeat(20 + 8 * soft / soft.std(), 3).reshape(height, width, 3).astype(np.float32)


def noisy(picture: Plane, seed: int) -> Plane:
    noise = np.random.default_rng(seed).normal(0, 2, picture.shape)
    return np.clip(np.rint(picture + noise), 0, 255).astype(np.float32)


def test_motion_is_found_in_noise() -> None:
    before = texture()
    now = np.roll(before, (2, 5), (0, 1))
    flow = Flow()(noisy(now, 1), noisy(before, 2))
    assert flow is not None
    assert np.median(flow[16:-16, 16:-16], (0, 1)) == pytest.approx([-5, -2], abs=0.2)


def test_motion_in_a_large_frame_is_in_pixels_of_the_frame() -> None:
    before = cv2.resize(texture(), (2 * SIDE, 2 * SIDE * 96 // 160), interpolation=cv2.INTER_CUBIC)
    flow = Flow()(np.roll(before, 6, 1), before)
    assert flow is not None
    assert flow.shape[1] == SIDE
    assert np.median(flow[16:-16, 16:-16], (0, 1)) == pytest.approx([-6, 0], abs=0.2)


def test_noise_on_texture_is_no_motion() -> None:
    average = np.mean([noisy(texture(), seed) for seed in range(2, 8)], 0)
    flow = Flow()(noisy(texture(), 1), average)
    assert flow is None or (np.abs(flow).max(2) > 0.1).mean() < 0.01


def test_black_stands_still() -> None:
    black = np.zeros((64, 64, 3), np.float32)
    assert Flow()(black, black) is None


def test_a_picture_too_narrow_to_search_stands_still() -> None:
    before = texture()[:20]
    assert Flow()(np.roll(before, 5, 1), before) is None


def test_fetching_brings_a_picture_along() -> None:
    before = texture()
    flow = np.full((24, 40, 2), (-5.0, -2.0), np.float32)
    now = np.roll(before, (2, 5), (0, 1))
    np.testing.assert_allclose(fetch(before, flow)[8:, 8:], now[8:, 8:], atol=1e-3)


def test_beyond_the_picture_is_its_border() -> None:
    before = texture()
    found = fetch(before, np.full((24, 40, 2), (0.0, -1000.0), np.float32))
    np.testing.assert_allclose(found, np.broadcast_to(before[:1], before.shape), atol=1e-3)
