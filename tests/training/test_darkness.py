from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from core.training.clips import compress_h264
from core.training.darkness import (
    Darkness,
    add_lamps,
    compress,
    darken,
    darken_clip,
    to_linear,
    to_srgb,
)

Picture = NDArray[np.uint8]
CLEAR = Darkness(
    exposure=1.0,
    electrons=1e7,
    read_noise=0.0,
    balance=(1.0, 1.0, 1.0),
    vignette=0.0,
    black=0.0,
    jpeg=None,
)
"""A camera without faults, in daylight."""


def grey(code: int, side: int = 200) -> Picture:
    return np.full((side, side, 3), code, np.uint8)


def generator(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture
def scene() -> Picture:
    return generator(7).integers(0, 256, (60, 80, 3), dtype=np.uint8)


def test_every_code_survives_linear_light() -> None:
    codes = np.arange(256, dtype=np.uint8)
    assert np.array_equal(np.rint(to_srgb(to_linear(codes)) * 255).astype(np.uint8), codes)


def test_linear_light_is_the_standards() -> None:
    light = to_linear(np.array([0, 10, 128, 255], np.uint8))
    np.testing.assert_allclose(light, [0, 10 / 255 / 12.92, 0.2158605, 1], rtol=1e-5)


@pytest.mark.parametrize("exposure", [0.5, 0.1, 0.05])
def test_light_dims_in_linear_values(exposure: float) -> None:
    night = replace(CLEAR, exposure=exposure)
    light = to_linear(darken(grey(200), night, generator())).mean()
    assert light == pytest.approx(exposure * to_linear(grey(200)).mean(), rel=0.03)


@pytest.mark.parametrize("electrons", [500.0, 4_000.0])
@pytest.mark.parametrize("read_noise", [0.0, 6.0])
def test_noise_is_photons_and_the_sensors_own(electrons: float, read_noise: float) -> None:
    """Variance over mean, in linear light, is (1 + read_noise^2 / counted) / electrons."""
    night = replace(CLEAR, exposure=0.3, electrons=electrons, read_noise=read_noise)
    light = to_linear(darken(grey(230), night, generator())).astype(np.float64)
    counted = 0.3 * float(to_linear(grey(230))[0, 0, 0]) * electrons
    expected = (1 + read_noise**2 / counted) / electrons
    assert light.var() / light.mean() == pytest.approx(expected, rel=0.05)


def test_noise_is_independent_from_pixel_to_pixel() -> None:
    night = replace(CLEAR, exposure=0.3, electrons=500)
    light = to_linear(darken(grey(230), night, generator())).astype(np.float64)
    light -= light.mean()
    assert abs((light[:, 1:] * light[:, :-1]).mean()) < 0.03 * light.var()


def test_balance_vignette_and_black_are_seen() -> None:
    balance = darken(grey(200), replace(CLEAR, balance=(0.8, 1.0, 1.1)), generator())
    red, green, blue = to_linear(balance).mean((0, 1)) / to_linear(grey(200)).mean()
    assert (red, green, blue) == pytest.approx((0.8, 1.0, 1.1), rel=0.02)
    shaded = to_linear(darken(grey(200), replace(CLEAR, vignette=0.4), generator()))
    assert shaded[0, 0].mean() / shaded[100, 100].mean() == pytest.approx(0.6, rel=0.05)
    crushed = replace(CLEAR, black=float(to_linear(grey(60))[0, 0, 0]))
    assert darken(grey(58), crushed, generator()).max() <= 5
    assert darken(grey(255), crushed, generator()).min() >= 254


def test_the_same_night_is_the_same_night(scene: Picture) -> None:
    def once(seed: int) -> Picture:
        random = generator(seed)
        return darken(scene, Darkness.draw(random), random)

    assert np.array_equal(once(3), once(3))
    assert not np.array_equal(once(3), once(4))


def test_nights_are_as_dark_as_asked() -> None:
    random = generator()
    nights = [Darkness.draw(random, darkest=0.05) for _ in range(300)]
    assert min(night.exposure for night in nights) >= 0.05
    assert max(night.exposure for night in nights) <= 0.4
    assert all(night.black <= 0.15 * night.exposure for night in nights)


def test_lamps_are_as_bright_in_both_pictures() -> None:
    bright, dark = grey(120, 96), grey(4, 96)
    lit, dim = add_lamps([bright, dark], generator(2))
    core = dim.min(2) == 255
    assert core.any()
    assert np.array_equal(lit[core], dim[core])
    assert (lit >= bright).all()
    assert (dim >= dark).all()
    assert (lit.astype(int) - 120).max() < (dim.astype(int) - 4).max()


def test_jpeg_changes_little_and_none_nothing(scene: Picture) -> None:
    smooth = np.repeat(np.linspace(0, 255, 80, dtype=np.uint8)[None, :, None], 3, 2)
    smooth = np.ascontiguousarray(np.repeat(smooth, 64, 0))
    smooth[..., 2] = 40
    assert compress(scene, None) is scene
    stored = compress(smooth, 90)
    assert not np.array_equal(stored, smooth)
    assert np.abs(stored.astype(int) - smooth).mean() < 3


def test_a_clip_has_one_night_and_fresh_noise() -> None:
    night = replace(CLEAR, exposure=0.3, electrons=500)
    first, second = darken_clip([grey(230), grey(230)], night, generator())
    light = [to_linear(frame).astype(np.float64) for frame in (first, second)]
    assert light[0].mean() == pytest.approx(light[1].mean(), rel=0.01)
    noise = [plane - plane.mean() for plane in light]
    assert abs((noise[0] * noise[1]).mean()) < 0.03 * noise[0].var()


def test_a_clip_of_one_frame_is_that_picture(scene: Picture) -> None:
    night = Darkness.draw(generator())
    (frame,) = darken_clip([scene], night, generator(5))
    assert np.array_equal(frame, darken(scene, night, generator(5)))


def test_film_is_stored_as_h264_and_not_as_jpeg(scene: Picture) -> None:
    night = replace(CLEAR, jpeg=10, h264=30)
    expected = compress_h264([darken(scene, CLEAR, generator())], 30)
    assert np.array_equal(darken(scene, night, generator()), expected[0])


def test_the_share_of_film_is_as_asked() -> None:
    random = generator(2)
    nights = [Darkness.draw(random, filmed=0.3) for _ in range(1000)]
    assert np.mean([night.h264 is not None for night in nights]) == pytest.approx(0.3, abs=0.06)
    assert Darkness.draw(generator()).h264 is None


@pytest.mark.parametrize("size", [(64, 80), (33, 47)])
def test_h264_keeps_size_order_and_colour(size: tuple[int, int]) -> None:
    codes = [(40, 90, 200), (200, 60, 30), (10, 10, 10)]
    clip = [np.full((*size, 3), code, np.uint8) for code in codes]
    stored = compress_h264(clip, 20)
    assert [frame.shape for frame in stored] == [(*size, 3)] * 3
    for frame, code in zip(stored, codes, strict=True):
        assert frame.mean((0, 1)) == pytest.approx(code, abs=3)


def test_h264_loses_more_at_a_higher_rate_factor(scene: Picture) -> None:
    def error(rate_factor: int) -> float:
        return float(np.abs(compress_h264([scene], rate_factor)[0].astype(int) - scene).mean())

    assert error(18) < error(40)
    assert np.array_equal(compress_h264([scene], 30)[0], compress_h264([scene], 30)[0])
