from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np
import pytest
import torch

from core.enhance.backends.on_torch import TorchBackend
from core.enhance.exposure import exposed, reduced, small_size
from core.enhance.finish import Look
from tests.enhance.test_on_torch import backend, backend_with_prior, night

if TYPE_CHECKING:
    from core.frame import Pixels


@pytest.mark.parametrize(
    ("picture", "small"),
    [
        ((720, 1280), (108, 192)),
        ((1280, 720), (192, 108)),
        ((192, 108), None),
        ((100, 2000), None),
    ],
)
def test_only_what_is_large_has_a_small_picture(
    picture: tuple[int, int], small: tuple[int, int] | None
) -> None:
    assert small_size(*picture) == small


def test_the_picture_becomes_as_bright_as_the_small_one() -> None:
    bright, small = torch.full((1, 3, 40, 60), 0.4), torch.full((1, 3, 8, 12), 0.5)
    assert exposed(bright, small).mean() == pytest.approx(0.5)
    assert exposed(bright, 4 * small).mean() == pytest.approx(0.8), "never more than twice"
    assert exposed(0 * bright, small).mean() == 0


def test_the_small_picture_is_an_average_of_the_large() -> None:
    image = torch.rand(1, 3, 40, 60)
    assert reduced(image, (20, 30))[0, 0, 0, 0] == pytest.approx(float(image[0, 0, :2, :2].mean()))


@pytest.mark.parametrize("opened", [backend, backend_with_prior])
def test_a_backend_exposes_a_large_picture_as_the_small_one(
    opened: Callable[[], TorchBackend],
) -> None:
    ours, dark, look = opened(), night(240, 320, np.uint16), Look(protect_highlights=0)
    small = cast("Pixels", cv2.resize(dark, (192, 144), interpolation=cv2.INTER_AREA))
    large, wanted = (ours.enhance(seen, ours.queries(seen), look) for seen in (dark, small))
    assert large.shape == dark.shape
    assert large.mean() == pytest.approx(wanted.mean(), rel=0.005)
