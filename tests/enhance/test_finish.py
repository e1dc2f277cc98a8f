"""Strength, lamps, crushed black and the way to whole codes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from core.enhance.finish import (
    BLACK_GAIN,
    GLARE,
    Look,
    dither,
    finish,
    to_linear,
    to_srgb,
)
from tests.fakes import scene


def dark_and_bright() -> tuple[Tensor, Tensor]:
    dark = torch.from_numpy(scene(3)).permute(2, 0, 1)[None].float() / 255 * 0.4
    return dark, (dark * 2.2).clamp(0, 1)


@pytest.mark.parametrize("protect", [0.0, 0.5, 1.0])
def test_strength_zero_is_the_original(protect: float) -> None:
    dark, bright = dark_and_bright()
    assert (finish(dark, bright, Look(0.0, protect)) - dark).abs().max() < 0.5 / 255


def test_strength_one_is_the_network_s_picture() -> None:
    dark, bright = dark_and_bright()
    torch.testing.assert_close(finish(dark, bright, Look(1.0, 1.0)), bright)


@pytest.mark.parametrize("strength", [0.25, 0.5, 0.9])
def test_the_blend_is_a_straight_line_in_light(strength: float) -> None:
    dark, bright = dark_and_bright()
    full = finish(dark, bright, Look(1.0, 1.0))
    expected = (1 - strength) * to_linear(dark) + strength * to_linear(full)
    blend = finish(dark, bright, Look(strength, 1.0))
    torch.testing.assert_close(to_linear(blend), expected, atol=1e-4, rtol=1e-3)
    assert (blend - torch.lerp(dark, full, strength)).abs().max() > 2 / 255


def test_srgb_goes_to_light_and_back() -> None:
    codes = torch.linspace(0, 1, 256)
    torch.testing.assert_close(to_srgb(to_linear(codes)), codes, atol=1e-5, rtol=0)
    assert float(to_linear(torch.tensor(0.5))) == pytest.approx(0.21404, abs=1e-4)


def lamp() -> tuple[Tensor, Tensor, Tensor]:
    """A dim street with a lamp that glows; the network makes all of it white."""
    dark = 0.1 + 0.05 * torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    dark[..., 36:60, 36:60] = 0.4
    dark[..., 44:52, 44:52] = 0.98
    return dark, torch.ones_like(dark), dark[0, 0] == 0.4


def test_a_lamp_s_glow_does_not_grow() -> None:
    dark, white, glow = lamp()
    free, held = (finish(dark, white, Look(1.0, protect)) for protect in (0.0, 1.0))
    assert free[0, 0][glow].min() == 1.0
    assert held[0, 0][glow].max() < 0.9
    lamp_level = held[..., 44:52, 44:52].min()
    assert lamp_level >= 0.98
    assert lamp_level > held[0, 0][glow].max()


def test_far_from_lamps_nothing_is_held_back() -> None:
    dark, white, _ = lamp()
    assert finish(dark, white, Look(1.0, 1.0))[..., :8, :8].min() > 0.999
    assert float(dark[..., :8, :8].max()) < GLARE[0]


def test_protection_keeps_hues() -> None:
    dark, white, glow = lamp()
    tinted = white * torch.tensor([1.0, 0.8, 0.5])[None, :, None, None]
    held = finish(dark, tinted, Look(1.0, 1.0))[0][:, glow]
    torch.testing.assert_close(held[1] / held[0], torch.full_like(held[0], 0.8))


def test_crushed_black_stays_black_and_grey() -> None:
    flat = torch.zeros(1, 3, 64, 64)
    flat[:, 0], flat[:, 2] = 2 / 255, 5 / 255
    black = finish(flat, torch.full_like(flat, 0.5), Look(1.0, 1.0))
    assert black.max() <= BLACK_GAIN * 5 / 255
    torch.testing.assert_close(black[:, 0], black[:, 2])


def test_what_is_merely_dark_is_made_bright() -> None:
    noise = torch.randint(0, 8, (1, 3, 64, 64), generator=torch.Generator().manual_seed(0)) / 255
    assert finish(noise, torch.full_like(noise, 0.5), Look(1.0, 1.0)).min() > 0.49


@pytest.mark.parametrize("size", [(1, 1), (7, 9), (33, 35), (64, 97)])
def test_any_size_will_do(size: tuple[int, int]) -> None:
    dark = torch.rand(1, 3, *size)
    assert finish(dark, dark, Look(0.5, 1.0)).shape == dark.shape


def test_dither_has_sixty_four_even_levels() -> None:
    pattern = dither(64, 64, torch.device("cpu"))
    levels, counts = np.unique(pattern.numpy(), return_counts=True)
    np.testing.assert_allclose(levels, (np.arange(64) + 0.5) / 64)
    assert set(counts) == {64}


@pytest.mark.parametrize("code", [10.0, 10.1, 10.25, 10.5, 10.9])
def test_dither_keeps_the_mean(code: float) -> None:
    rounded = (code + dither(64, 64, torch.device("cpu"))).floor()
    assert float(rounded.mean()) == pytest.approx(code, abs=1 / 128 + 1e-6)
    assert set(rounded.flatten().tolist()) <= {10.0, 11.0}


def test_dither_stands_still_and_covers_any_size() -> None:
    whole, part = (dither(*size, torch.device("cpu")) for size in ((40, 40), (13, 37)))
    assert part.shape == (13, 37)
    np.testing.assert_array_equal(part, whole[:13, :37])
