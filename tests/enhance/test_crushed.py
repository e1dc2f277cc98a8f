"""The fast path keeps black what the full one keeps black."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import cv2
import numpy as np
import torch
from torch import Tensor

from core.enhance import finish
from core.enhance.crushed import held, keep_black

if TYPE_CHECKING:
    from core.frame import Pixels


def half_crushed() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Flat black on the left, dim noise on the right."""
    picture = np.full((96, 160, 3), 2, np.uint8)
    picture[:, 80:] = np.random.default_rng(1).integers(6, 14, (96, 80, 3), dtype=np.uint8)
    return picture


def luma(picture: np.ndarray[tuple[int, ...], np.dtype[np.uint8 | np.uint16]]) -> Pixels:
    return cast("Pixels", cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY))


def test_black_is_told_from_what_is_merely_dark() -> None:
    holds = held(luma(half_crushed()), (160, 96))
    assert holds[:, :48].max() == 0
    assert holds[:, 96:].min() == 1


def test_sixteen_bits_are_judged_like_eight() -> None:
    deep = half_crushed().astype(np.uint16) * np.uint16(257)
    assert np.allclose(held(luma(deep), (40, 24)), held(luma(half_crushed()), (40, 24)), atol=1e-4)


def test_it_does_what_the_full_path_does() -> None:
    dark = (half_crushed() / np.float32(255)).astype(np.float32)
    bright = np.full_like(dark, 0.5)

    def tensor(picture: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> Tensor:
        return torch.from_numpy(picture).permute(2, 0, 1)[None]

    wanted = finish.keep_black(tensor(dark), tensor(bright))[0].permute(1, 2, 0).numpy()
    found = keep_black(dark, bright, held(luma(half_crushed()), (160, 96)))
    assert np.abs(found - wanted).max() < 0.01


def test_a_frame_smaller_than_a_block_passes() -> None:
    assert held(np.full((5, 6), 90, np.uint8), (6, 5)).shape == (5, 6)
