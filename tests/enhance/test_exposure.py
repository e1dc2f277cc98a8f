from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from core.enhance.backends.on_torch import TorchBackend
from core.enhance.exposure import exposed, small_picture
from core.enhance.finish import Look
from tests.enhance.test_on_torch import backend, backend_with_prior, night
from tests.fakes import tiny_network

if TYPE_CHECKING:
    pass


@pytest.mark.parametrize(
    ("picture", "small"),
    [
        ((720, 1280), (108, 192)),
        ((1280, 720), (192, 108)),
        ((384, 216), None),
        ((100, 2000), None),
    ],
)
def test_only_what_is_large_has_a_small_picture(
    picture: tuple[int, int], small: tuple[int, int] | None
) -> None:
    found = small_picture(np.zeros((*picture, 3), np.uint8))
    assert (found.shape[:2] if found is not None else None) == small


def test_the_picture_becomes_as_bright_as_the_small_one() -> None:
    bright, small = torch.full((1, 3, 40, 60), 0.4), torch.full((1, 3, 8, 12), 0.5)
    assert exposed(bright, [small]).mean() == pytest.approx(0.5)
    assert exposed(bright, [4 * small]).mean() == pytest.approx(0.8), "never more than twice"
    assert exposed(0 * bright, [small]).mean() == 0
    assert exposed(bright, [small, 0.5 * small]).mean() == pytest.approx(0.5 / 2**0.5)


def test_the_small_picture_keeps_the_mean_and_is_given_its_contrast_back() -> None:
    steps = (30000 + 20000 * (np.indices((400, 600)).sum(0) // 12 % 2)).astype(np.uint16)
    small = small_picture(np.dstack([steps] * 3))
    assert small is not None
    assert small.mean() == pytest.approx(steps.mean(), rel=0.01)
    assert small.std() > steps.std()


@pytest.mark.parametrize("opened", [backend, backend_with_prior])
def test_a_backend_exposes_a_large_picture_as_the_small_one(
    opened: Callable[[], TorchBackend],
) -> None:
    ours, dark, look = opened(), night(300, 400, np.uint16), Look(protect_highlights=0)
    small = small_picture(dark)
    assert small is not None
    large, wanted = (ours.enhance(seen, ours.queries(seen), look) for seen in (dark, small))
    assert large.shape == dark.shape
    assert large.mean() == pytest.approx(wanted.mean(), rel=0.005)


class Timid(nn.Module):
    """Makes pictures half as bright as another network does."""

    def __init__(self, bold: nn.Module) -> None:
        super().__init__()
        self.bold = bold

    def forward(self, image_B3HW: Tensor, queries: None) -> SimpleNamespace:
        return SimpleNamespace(images=[self.bold(image_B3HW, queries).images[0] / 2])


def test_a_judges_guess_counts_as_much() -> None:
    dark, look = night(300, 400, np.uint16) // 2, Look(protect_highlights=0)
    judged = tiny_network()
    judged.judge = cast("Any", Timid(tiny_network()))
    alone, together = (
        TorchBackend(network, None, "cpu", "float32").enhance(dark, None, look).mean()
        for network in (tiny_network(), judged)
    )
    assert together == pytest.approx(0.5**0.5 * alone, rel=0.02)
