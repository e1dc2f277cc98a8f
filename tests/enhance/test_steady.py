"""Noise stands still; what moves does not trail, and keeps its texture."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from core.enhance import flow
from core.enhance.steady import LEAST_SHARE, Steady

Picture = NDArray[np.uint8]


def scene(number: int, bar: int | None = None, level: float = 20) -> Picture:
    """A dim wall with fresh noise, and on it a brighter bar."""
    wall = np.full((96, 128, 3), level)
    if bar is not None:
        wall[:, bar : bar + 16] += 30
    noise = np.random.default_rng(number).normal(0, 2, wall.shape)
    return np.clip(np.rint(wall + noise), 0, 255).astype(np.uint8)


def filtered(frames: list[Picture], firmness: float = 1.0) -> NDArray[np.float64]:
    """Every frame after the filter, in levels of 255."""
    steady = Steady(firmness)
    found = [steady(frame) for frame in frames]
    return np.stack([f / (257.0 if f.dtype == np.uint16 else 1.0) for f in found])


def test_noise_of_what_stands_still_halves() -> None:
    frames = [scene(number) for number in range(40)]
    left = np.std(filtered(frames)[20:] - 20) / np.std(np.stack(frames)[20:] - 20.0)
    at_best = np.sqrt(LEAST_SHARE / (2 - LEAST_SHARE))
    assert at_best < left < 0.52


def test_half_as_firm_averages_less() -> None:
    frames = [scene(number) for number in range(30)]
    spread = [np.std(filtered(frames, firmness)[20:]) for firmness in (1.0, 0.5, 0.0)]
    assert spread == sorted(spread)
    assert spread[0] < 0.8 * spread[1] < 0.9 * spread[2]


def test_brightness_stays() -> None:
    frames = [scene(number) for number in range(20)]
    assert filtered(frames).mean() == pytest.approx(np.stack(frames).mean(), abs=0.05)


def test_what_moves_leaves_no_trail() -> None:
    still = [scene(number) for number in range(10)]
    moving = [scene(10 + number, bar=8 * number) for number in range(10)]
    last = filtered(still + moving)[-1].mean(2)
    assert last[:, 76:84].mean() == pytest.approx(50, abs=1.5), "the bar is there at once"
    assert last[:, 44:56].mean() == pytest.approx(20, abs=1.5), "and gone from where it was"


def creeping(shift: float, seed: int | None = None) -> NDArray[np.float64]:
    """A dim texture that has moved to the right by so many pixels; with a seed, noisy."""
    blobs = np.random.default_rng(5).normal(0, 1, (96, 160))
    soft = cv2.GaussianBlur(blobs, (0, 0), 1.5)
    waves = np.exp(-2j * np.pi * np.fft.fftfreq(160) * shift)  # moves by any part of a pixel
    moved = np.fft.ifft(np.fft.fft(soft / soft.std(), axis=1) * waves, axis=1).real
    picture = np.repeat((20 + 6 * moved)[..., None], 3, 2)
    if seed is None:
        return picture
    return np.rint(picture + np.random.default_rng(seed).normal(0, 2, picture.shape)).clip(0, 255)


@pytest.mark.parametrize("step", [0.3, 1.7])
def test_texture_that_moves_gets_nearer_to_the_truth(
    step: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = [creeping(step * number, number).astype(np.uint8) for number in range(16)]

    def error(found: NDArray[np.float64]) -> float:
        return float(np.square(found - creeping(step * 15))[:, 40:].mean())

    followed = error(filtered(frames)[-1])
    monkeypatch.setattr(flow, "LEAST_SIDE", 10_000)
    not_followed = error(filtered(frames)[-1])
    assert followed < 0.65 * error(frames[-1].astype(float))
    assert followed < 0.8 * not_followed


def test_the_same_frames_give_the_same_pixels() -> None:
    frames = [creeping(0.7 * number, number).astype(np.uint8) for number in range(6)]
    assert np.array_equal(filtered(frames), filtered(frames))


def test_a_cut_is_followed_at_once() -> None:
    frames = [scene(number) for number in range(10)] + [scene(10, level=90)]
    assert filtered(frames)[-1].mean() == pytest.approx(90, abs=0.5)


def test_light_that_fades_is_followed() -> None:
    fading = [scene(number, level=20 + 2 * number) for number in range(30)]
    assert filtered(fading)[-1].mean() == pytest.approx(78, abs=2.0)


def test_firmness_zero_changes_nothing() -> None:
    frames = [scene(number) for number in range(3)]
    steady = Steady(0.0)
    assert all(steady(frame) is frame for frame in frames)


def test_the_first_frame_and_one_of_another_size_stay_as_they_are() -> None:
    steady = Steady(1.0)
    small, large = scene(1)[:64], scene(2)
    assert steady(small) is small
    assert steady(large) is large


def test_sixteen_bits_are_filtered_like_eight() -> None:
    eight = [scene(number) for number in range(5)]
    steady = Steady(1.0)
    found = [steady(frame.astype(np.uint16) * 257) for frame in eight][-1]
    assert found.dtype == np.uint16
    assert np.abs(found / 257 - filtered(eight)[-1]).max() < 0.01
