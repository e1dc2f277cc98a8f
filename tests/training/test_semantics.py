from __future__ import annotations

import copy
from typing import cast

import pytest
import torch
from torch import Tensor, nn

from core.model import checkpoint
from core.model.clip_text import TextPrior
from core.model.hrnet import PriorConfig, SemanticPrior
from core.training.semantics import class_map, multimodal_loss, semantic_loss

STUFF, CLASSES = 11, 32
VOC_BACKGROUND, AEROPLANE, LAST_THING = 11, 12, 31


@pytest.fixture(scope="module")
def prior() -> SemanticPrior:
    return cast(
        SemanticPrior,
        checkpoint.load(checkpoint.find("hrnet-w18-small"), "hrnet-prior").network,
    )


@pytest.fixture(scope="module")
def ade20k() -> SemanticPrior:
    """A small prior with ADE20K's classes."""
    torch.manual_seed(1)
    return SemanticPrior(PriorConfig(classes=150)).eval().requires_grad_(False)


@pytest.fixture
def pictures() -> tuple[Tensor, Tensor]:
    """What came out, and what should have."""
    torch.manual_seed(1)
    reference = nn.functional.interpolate(torch.rand(2, 3, 6, 6), size=64, mode="bicubic")
    reference = reference.clamp(0, 1)
    return (0.6 * reference + 0.1 * torch.rand(2, 3, 64, 64)).clamp(0, 1), reference


def louder(prior: SemanticPrior, classes: slice, by: float) -> SemanticPrior:
    """A prior that believes in some classes more than it should."""
    changed = copy.deepcopy(prior)
    cast(Tensor, changed.head[3].bias)[classes] += by
    return changed


def test_equal_pictures_mean_the_same(
    prior: SemanticPrior, pictures: tuple[Tensor, Tensor]
) -> None:
    assert abs(semantic_loss(prior, pictures[1], pictures[1])) < 1e-6


def test_the_divergence_is_the_papers(
    prior: SemanticPrior, pictures: tuple[Tensor, Tensor]
) -> None:
    unlike = 1 - pictures[1], pictures[1]
    compared, reference = (prior.segment(prior(picture)) for picture in unlike)
    expected = torch.zeros(())
    for group in (slice(STUFF), slice(STUFF, CLASSES)):
        x_seg, x_hat = compared[:, group].softmax(1), reference[:, group].softmax(1)
        expected = expected + (x_seg * (x_seg / x_hat).log()).sum(1).mean()
    found = semantic_loss(prior, *unlike)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-5)
    assert abs(found - semantic_loss(prior, *reversed(unlike))) > 5e-3 * found


def test_the_gradient_reaches_the_compared_picture_alone(
    prior: SemanticPrior, pictures: tuple[Tensor, Tensor]
) -> None:
    compared, reference = (picture.requires_grad_() for picture in pictures)
    semantic_loss(prior, compared, reference).backward()  # type: ignore[no-untyped-call]
    assert compared.grad is not None
    assert compared.grad.abs().amax((1, 2, 3)).min() > 0
    assert reference.grad is None
    assert all(weight.grad is None for weight in prior.parameters())


def test_a_step_down_makes_the_meanings_agree(
    prior: SemanticPrior, pictures: tuple[Tensor, Tensor]
) -> None:
    compared, reference = pictures[0].requires_grad_(), pictures[1]
    start = semantic_loss(prior, compared, reference)
    (slope,) = torch.autograd.grad(start, compared)
    after = semantic_loss(prior, compared - 1e-3 * slope / slope.abs().mean(), reference)
    assert after < 0.9 * start


def test_our_two_groups_are_never_compared(
    prior: SemanticPrior, pictures: tuple[Tensor, Tensor]
) -> None:
    found = semantic_loss(louder(prior, slice(STUFF, CLASSES), 3.0), *pictures)
    torch.testing.assert_close(found, semantic_loss(prior, *pictures))
    within = semantic_loss(louder(prior, slice(STUFF, STUFF + 5), 3.0), *pictures)
    assert abs(within - found) > 0.01 * found


def test_ade20ks_classes_are_all_compared(
    ade20k: SemanticPrior, pictures: tuple[Tensor, Tensor]
) -> None:
    found = semantic_loss(ade20k, *pictures)
    assert found > 0
    cut = semantic_loss(louder(ade20k, slice(STUFF, 150), 3.0), *pictures)
    assert abs(cut - found) > 0.01 * found


def test_padding_has_no_say(prior: SemanticPrior, pictures: tuple[Tensor, Tensor]) -> None:
    compared, reference = (picture[:, :, :34, :42] for picture in pictures)
    maps = [prior.segment(prior(picture))[:, :STUFF, :9, :11] for picture in (compared, reference)]
    things = [prior.segment(prior(p))[:, STUFF:, :9, :11] for p in (compared, reference)]
    expected = torch.zeros(())
    for x_seg, x_hat in (maps, things):
        expected = (
            expected
            + torch.distributions.kl_divergence(
                torch.distributions.Categorical(logits=x_seg.movedim(1, -1)),
                torch.distributions.Categorical(logits=x_hat.movedim(1, -1)),
            ).mean()
        )
    torch.testing.assert_close(
        semantic_loss(prior, compared, reference), expected, rtol=1e-3, atol=1e-5
    )


def test_every_pixel_has_a_class(prior: SemanticPrior, ade20k: SemanticPrior) -> None:
    torch.manual_seed(1)
    image = torch.rand(2, 3, 45, 70)
    for network in (prior, ade20k):
        classes = class_map(network, image)
        assert classes.shape == (2, 45, 70)
        assert classes.dtype == torch.int64
        assert 0 <= classes.min() <= classes.max() < network.config.classes


def test_the_map_lies_where_the_picture_is(ade20k: SemanticPrior) -> None:
    image = torch.zeros(1, 3, 64, 64)
    image[..., 32:] = 0.8
    image[:, 2, :, 32:] = 0.1
    logits = ade20k.segment(ade20k(image)).argmax(1)
    classes = class_map(ade20k, image)
    assert torch.equal(classes[:, ::4, ::4], logits)
    assert torch.equal(classes[:, 3::4, 3::4], logits)


def test_things_count_before_the_place(
    prior: SemanticPrior, pictures: tuple[Tensor, Tensor]
) -> None:
    image = pictures[1]
    nothing = class_map(louder(prior, slice(VOC_BACKGROUND, VOC_BACKGROUND + 1), 1e3), image)
    assert nothing.max() < STUFF
    for thing in (AEROPLANE, LAST_THING):
        everywhere = class_map(louder(prior, slice(thing, thing + 1), 1e3), image)
        assert everywhere.min() == everywhere.max() == thing


class Brightness(nn.Module):
    """An image encoder of two dimensions: a constant, and how bright the picture is."""

    image_size = (8, 8)
    image_mean, image_std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)

    def forward(self, image_B3HW: Tensor) -> Tensor:
        bright_B = image_B3HW.mean((1, 2, 3))
        return torch.stack([torch.ones_like(bright_B), bright_B], 1)


class Encoders(nn.Module):
    """As open_clip keeps them."""

    def __init__(self) -> None:
        super().__init__()
        self.visual = Brightness()


def test_the_multimodal_loss_is_the_papers() -> None:
    text = TextPrior(Encoders(), torch.tensor([1.0, 0.0]), torch.tensor([1.0, 1.0]))
    grey = torch.full((2, 3, 8, 8), 1.0)
    grey[1] = 0.0
    # White lies at 45 degrees to "dark" and on "bright", black the other way round.
    torch.testing.assert_close(multimodal_loss(text, grey[:1]), torch.tensor(2**-0.5 - 1))
    torch.testing.assert_close(multimodal_loss(text, grey), torch.tensor(0.0), atol=1e-6, rtol=0)
    image = torch.full((1, 3, 8, 8), 0.3, requires_grad=True)
    (slope,) = torch.autograd.grad(multimodal_loss(text, image), image)
    assert slope.max() < 0
