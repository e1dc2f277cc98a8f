from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from core.training.metrics import match_mean, psnr, scores, ssim

Picture = NDArray[np.uint8]


@pytest.fixture
def pair() -> tuple[Picture, Picture]:
    random = np.random.default_rng(1)
    y, x = np.mgrid[:24, :31]
    waves = np.stack([128 + 90 * np.sin(x / k + y / 5) for k in (2, 3, 4)], 2)
    noisy = waves * 0.8 + random.normal(0, 12, waves.shape)
    return _bytes(noisy), _bytes(waves)


def _bytes(values: NDArray[np.floating[Any]]) -> Picture:
    picture: Picture = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return picture


def slow_ssim(image: Picture, reference: Picture) -> float:
    """Wang et al. 2004, equation 13, window by window."""
    offset = np.arange(11) - 5
    window = np.exp(-(offset[:, None] ** 2 + offset[None] ** 2) / (2 * 1.5**2))[..., None]
    window /= window.sum()
    found = []
    for y in range(image.shape[0] - 10):
        for x in range(image.shape[1] - 10):
            a, b = (p[y : y + 11, x : x + 11].astype(np.float64) for p in (image, reference))
            mean_a, mean_b = (window * a).sum((0, 1)), (window * b).sum((0, 1))
            var_a = (window * (a - mean_a) ** 2).sum((0, 1))
            var_b = (window * (b - mean_b) ** 2).sum((0, 1))
            both = (window * (a - mean_a) * (b - mean_b)).sum((0, 1))
            top = (2 * mean_a * mean_b + 2.55**2) * (2 * both + 7.65**2)
            found.append(top / ((mean_a**2 + mean_b**2 + 2.55**2) * (var_a + var_b + 7.65**2)))
    return float(np.mean(found))


def test_psnr_counts_all_channels_together(pair: tuple[Picture, Picture]) -> None:
    image, reference = pair
    error = np.mean((image.astype(np.float64) - reference) ** 2)
    assert psnr(image, reference) == pytest.approx(10 * math.log10(255**2 / error), abs=1e-4)


def test_ssim_is_wangs(pair: tuple[Picture, Picture]) -> None:
    assert ssim(*pair) == pytest.approx(slow_ssim(*pair), abs=1e-4)


def test_equal_pictures_score_best(pair: tuple[Picture, Picture]) -> None:
    assert psnr(pair[0], pair[0]) == math.inf
    assert ssim(pair[0], pair[0]) == pytest.approx(1, abs=1e-6)


def test_gt_mean_forgives_exposure_and_nothing_else(pair: tuple[Picture, Picture]) -> None:
    reference = _bytes(pair[1] * 0.7)
    dimmed = _bytes(reference * 0.5)
    found = scores(dimmed, reference)
    assert found["psnr"] < 15
    assert found["psnr_gt_mean"] > 40
    assert found["ssim_gt_mean"] > 0.99
    assert found["psnr"] == psnr(dimmed, reference)
    assert psnr(match_mean(pair[0], reference), reference) < 30


def test_gt_mean_of_black_is_black() -> None:
    black = np.zeros((16, 16, 3), np.uint8)
    assert not match_mean(black, black).any()
