"""Noise stands still; what moves does not trail, texture neither."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from core.enhance.quick_steady import COLOUR, LEAST_SHARE, Averaged, QuickSteady, deep

Picture = NDArray[np.uint8]
SHAPE = (192, 256, 3)


def scene(number: int, bar: int | None = None, level: float = 20) -> Picture:
    """A dim wall with fresh noise, and on it a brighter bar."""
    wall = np.full(SHAPE, level)
    if bar is not None:
        wall[:, bar : bar + 32] += 30
    return noisy(wall, number)


def noisy(picture: NDArray[np.float64], number: int) -> Picture:
    noise = np.random.default_rng(number).normal(0, 2, SHAPE)
    return np.clip(np.rint(picture + noise), 0, 255).astype(np.uint8)


def filtered(
    frames: list[Picture], firmness: float = 1.0, *, follows: bool = True
) -> NDArray[np.float64]:
    """Every frame after the filter, in levels of 255."""
    return np.stack([deep(averaged.colour) / 257 for averaged in run(frames, firmness, follows)])


def run(
    frames: Sequence[Picture | NDArray[np.uint16]], firmness: float = 1.0, follows: bool = True
) -> list[Averaged]:
    """Every frame after the filter."""
    steady = QuickSteady(firmness, follows=follows)
    return [Averaged(*map(np.copy, steady(frame, grey(frame)))) for frame in frames]


def grey(frame: Picture | NDArray[np.uint16]) -> Picture:
    """Its luma."""
    return cast("Picture", cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY))


def test_noise_of_what_stands_still_halves() -> None:
    frames = [scene(number) for number in range(30)]
    left = np.std(filtered(frames)[15:] - 20) / np.std(np.stack(frames)[15:] - 20.0)
    at_best = np.sqrt(LEAST_SHARE / (2 - LEAST_SHARE))
    assert at_best < left < 0.55


def test_it_knows_how_much_noise_is_left() -> None:
    steady = QuickSteady(1.0)
    frames = [scene(number) for number in range(20)]
    found = [deep(steady(frame, grey(frame)).colour) / 257 - 20 for frame in frames][-1]
    assert steady.left.mean() == pytest.approx(np.var(found) / 4, rel=0.35)


def test_half_as_firm_averages_less() -> None:
    frames = [scene(number) for number in range(20)]
    spread = [np.std(filtered(frames, firmness)[10:]) for firmness in (1.0, 0.5, 0.0)]
    assert spread[0] < 0.8 * spread[1] < 0.9 * spread[2]


def test_brightness_stays() -> None:
    frames = [scene(number) for number in range(20)]
    assert filtered(frames).mean() == pytest.approx(np.stack(frames).mean(), abs=0.05)


def test_what_moves_leaves_no_trail() -> None:
    still = [scene(number) for number in range(8)]
    moving = [scene(10 + number, bar=16 * number) for number in range(8)]
    last = filtered(still + moving)[-1].mean(2)
    assert last[:, 116:140].mean() == pytest.approx(50, abs=1.5), "the bar is there at once"
    assert last[:, 88:108].mean() == pytest.approx(20, abs=1.5), "and gone from where it was"


def test_texture_that_moves_is_not_averaged_away() -> None:
    texture = np.random.default_rng(99).normal(30, 6, (96, 128, 1)).repeat(2, 0).repeat(2, 1)
    wall = np.full((96, 256, 3), 30.0)
    frames = [
        noisy(np.concatenate([np.roll(texture, 8 * n, 1)[:96].repeat(3, 2), wall]), n)
        for n in range(10)
    ]
    last = np.roll(texture, 72, 1)[:96, :, 0]
    assert (filtered(frames)[-1][:96, :, 1] * last).mean() - 30**2 > 0.7 * last.var()


def test_noise_of_what_passes_by_falls_as_well() -> None:
    pattern = cv2.GaussianBlur(np.random.default_rng(7).normal(0, 90, (192, 256)), (0, 0), 4)
    passing = [np.roll(pattern, 3 * n, 1)[..., None] + np.full(SHAPE, 40.0) for n in range(16)]
    frames = [noisy(picture, n) for n, picture in enumerate(passing)]
    inner = (slice(32, -32), slice(64, -64))
    noise = np.std((frames[-1] - passing[-1])[inner])
    left = [
        np.std((filtered(frames, follows=follows)[-1] - passing[-1])[inner])
        for follows in (True, False)
    ]
    assert left[0] < 0.65 * noise < 0.8 * left[1]


def test_a_cut_is_followed_at_once() -> None:
    frames = [scene(number) for number in range(10)] + [scene(10, level=90)]
    assert filtered(frames)[-1].mean() == pytest.approx(90, abs=0.5)


def test_light_that_fades_is_followed() -> None:
    fading = [scene(number, level=20 + 2 * number) for number in range(30)]
    assert filtered(fading)[-1].mean() == pytest.approx(78, abs=2.0)


def test_firmness_zero_only_deepens() -> None:
    frames = [scene(number) for number in range(3)]
    assert np.array_equal(filtered(frames, 0.0), np.stack(frames))


def test_the_first_frame_and_one_of_another_size_stay_as_they_are() -> None:
    small, large = scene(1)[:64], scene(2)
    for frame, found in zip((small, large), run([small, large]), strict=True):
        assert np.array_equal(deep(found.colour), frame.astype(np.uint16) * 257)
        assert np.array_equal(deep(found.luma), grey(frame).astype(np.uint16) * 257)


def test_luma_is_averaged_like_colour() -> None:
    found = run([scene(number, bar=16 * number) for number in range(8)])[-1]
    luma = cv2.cvtColor(deep(found.colour), cv2.COLOR_RGB2GRAY) / 257
    assert np.abs(deep(found.luma) / 257 - luma).max() <= 0.6, "but for the rounding of luma"


def test_of_a_large_frame_colour_is_at_half_size() -> None:
    frames = [np.tile(scene(number), (2, 3, 1)) for number in range(6)]
    found = run(frames, follows=False)[-1]
    height, width = found.luma.shape
    assert (height, width) == (384, 768) == (384, 2 * COLOUR)
    assert found.colour.shape == (height // 2, width // 2, 3)
    halved = cv2.resize(deep(found.luma), (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    luma = cv2.cvtColor(deep(found.colour), cv2.COLOR_RGB2GRAY)
    assert np.abs(halved / 257 - luma / 257).max() <= 0.6


def test_sixteen_bits_are_filtered_like_eight() -> None:
    eight = [scene(number) for number in range(5)]
    sixteen = [frame.astype(np.uint16) * np.uint16(257) for frame in eight]
    found, like = (run(frames, follows=False)[-1].colour / 128 for frames in (sixteen, eight))
    assert np.abs(found - like).mean() < 0.03, "but for the rounding of luma"
