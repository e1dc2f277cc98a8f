"""A wide network begins as the narrow one it grew from."""

from __future__ import annotations

import pytest
import torch

from core.errors import SettingsError
from core.model.deepspg import DeepSPG, DeepSPGConfig
from core.training.widening import begin_as

NARROW = DeepSPGConfig(widths=(4, 6, 6, 8), depths=(1, 1, 1, 1), prior_channels=(3, 4, 5))


def learnt() -> DeepSPG:
    """Small, and with every weight at work."""
    torch.manual_seed(1)
    network = DeepSPG(NARROW)
    for weights in network.parameters():
        torch.nn.init.normal_(weights, std=0.2)
    return network.eval()


@torch.no_grad()
def made(network: DeepSPG) -> torch.Tensor:
    """Of a picture and a prior that are always the same."""
    random = torch.Generator().manual_seed(2)
    picture = torch.rand(1, 3, 64, 64, generator=random)
    prior = [
        torch.rand(1, s, side, side, generator=random)
        for s, side in zip((3, 4, 5), (16, 8, 4), strict=True)
    ]
    queries = network.queries((prior[0], prior[1], prior[2]))
    image: torch.Tensor = network.eval()(picture, queries).images[0]
    return image


def test_twice_as_wide_makes_the_same_picture() -> None:
    narrow = learnt()
    wide = DeepSPG(NARROW.model_copy(update={"widths": (8, 12, 12, 16)}))
    begin_as(wide, narrow, noise=0.0)
    torch.testing.assert_close(made(wide), made(narrow), atol=1e-3, rtol=1e-3)


def test_uneven_copies_make_a_similar_picture() -> None:
    narrow = learnt()
    wide = DeepSPG(NARROW.model_copy(update={"widths": (8, 12, 12, 14)}))
    untaught = (made(wide) - made(narrow)).abs().mean()
    begin_as(wide, narrow, noise=0.0)
    assert (made(wide) - made(narrow)).abs().mean() < 0.2 * untaught


def test_copies_of_a_channel_part_ways() -> None:
    wide = DeepSPG(NARROW.model_copy(update={"widths": (8, 12, 12, 16)}))
    begin_as(wide, learnt())
    one, other = wide.fold.weight[0], wide.fold.weight[1]
    assert 0 < (one - other).abs().mean() < 0.1 * one.abs().mean()


def test_the_same_width_begins_as_it_was() -> None:
    narrow, same = learnt(), DeepSPG(NARROW)
    begin_as(same, narrow)
    assert torch.equal(made(same), made(narrow))


@pytest.mark.parametrize("other", [{"widths": (2, 6, 6, 8)}, {"depths": (2, 1, 1, 1)}])
def test_what_cannot_be_begun_from_is_said(other: dict[str, object]) -> None:
    with pytest.raises(SettingsError):
        begin_as(DeepSPG(NARROW.model_copy(update=other)), learnt())
