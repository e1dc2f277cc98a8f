from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, cross_entropy, interpolate

from core.model.deepspg import Enhanced
from core.training.losses import (
    CHARBONNIER,
    IGNORE,
    edge_loss,
    enhancement_losses,
    pixel_loss,
    scale_weights,
    segmentation_loss,
    square,
)

ALL = (1.0, 1.0, 1.0)


@pytest.fixture
def picture() -> Tensor:
    torch.manual_seed(1)
    return torch.rand(2, 3, 32, 48)


def enhanced(picture: Tensor) -> Enhanced:
    """What a network that made no mistake would have found."""
    scales = [picture, avg_pool2d(picture, 2), avg_pool2d(picture, 4)]
    return Enhanced(scales, torch.ones(2, 1, 32, 48), picture)


def test_equal_pictures_cost_next_to_nothing(picture: Tensor) -> None:
    terms = enhancement_losses(enhanced(picture), picture, ALL)
    assert terms.keys() == {"light", "pixel", "edge", "structure"}
    assert terms["light"] <= 1.01 * CHARBONNIER
    assert terms["pixel"] <= 3.03 * CHARBONNIER
    assert terms["edge"] <= 6.06 * CHARBONNIER


def test_a_wrong_coarse_picture_costs(picture: Tensor) -> None:
    found = enhanced(picture)
    found.images[2] = found.images[2] + 0.1
    assert enhancement_losses(found, picture, ALL)["pixel"] == pytest.approx(0.1, abs=0.01)


def test_only_pictures_with_a_weight_count(picture: Tensor) -> None:
    found = enhanced(picture)
    found.images[2] = found.images[2] + 0.1
    assert enhancement_losses(found, picture, (1, 1, 0))["pixel"] <= 2.02 * CHARBONNIER
    assert enhancement_losses(found, picture, (1, 1, 0.1))["pixel"] == pytest.approx(0.01, abs=4e-3)


def test_a_staged_run_begins_with_the_coarse_pictures() -> None:
    first, second, third = (scale_weights("staged", progress) for progress in (0.0, 0.15, 0.5))
    assert max(first[:2]) < first[2]
    assert second[0] < second[1] == second[2]
    assert third == scale_weights("all", 0.0)
    assert scale_weights("finest", 0.0) == (1, 0, 0)


def test_a_wrong_light_costs(picture: Tensor) -> None:
    found = enhanced(picture)._replace(reflectance_B3HW=picture + 0.2)
    assert enhancement_losses(found, picture, ALL)["light"] == pytest.approx(0.2, abs=0.01)


def test_pixel_loss_is_the_mean_error(picture: Tensor) -> None:
    assert pixel_loss(picture + 0.25, picture) == pytest.approx(0.25, rel=1e-3)


def test_the_papers_square_can_be_had(picture: Tensor) -> None:
    off = picture + 0.25
    assert pixel_loss(off, picture, square) == pytest.approx(0.0625, rel=1e-3)
    assert enhancement_losses(enhanced(off), picture, (1, 0, 0), square)["pixel"] == pytest.approx(
        0.0625, rel=1e-3
    )


def test_an_edge_out_of_place_costs_more_than_its_pixels() -> None:
    sharp = torch.zeros(1, 3, 32, 32)
    sharp[..., 16:] = 0.5
    offset = sharp + 0.5 / 32
    moved = sharp.roll(1, 3)
    moved[..., 0] = 0
    assert pixel_loss(moved, sharp) == pytest.approx(float(pixel_loss(offset, sharp)), rel=0.1)
    assert edge_loss(offset, sharp) <= 2.01 * CHARBONNIER
    assert edge_loss(moved, sharp) > 10 * edge_loss(offset, sharp)


def test_edges_are_seen_in_both_directions() -> None:
    flat, step = torch.zeros(1, 3, 32, 32), torch.zeros(1, 3, 32, 32)
    step[:, :, 16:] = 1
    across = edge_loss(step, flat)
    torch.testing.assert_close(across, edge_loss(step.transpose(2, 3), flat))
    assert across > 0.03


def test_another_data_sets_classes_do_not_count() -> None:
    torch.manual_seed(1)
    logits, labels = torch.randn(1, 6, 8, 8, requires_grad=True), torch.zeros(1, 32, 32).long()
    known = torch.tensor([[True, True, True, False, False, False]])
    cost = segmentation_loss(logits, labels, known)
    wide = interpolate(logits[:, :3], size=(32, 32), mode="bilinear")
    torch.testing.assert_close(cost, cross_entropy(wide, labels))
    louder = logits.detach().clone()
    louder[:, 3:] += 50
    torch.testing.assert_close(segmentation_loss(louder, labels, known), cost.detach())
    (slope,) = torch.autograd.grad(cost, logits)
    assert slope[:, 3:].abs().max() == 0
    assert slope[:, :3].abs().min() > 0


def test_ignored_pixels_teach_nothing() -> None:
    torch.manual_seed(1)
    logits, labels = torch.randn(1, 4, 32, 32), torch.zeros(1, 32, 32).long()
    known = torch.ones(1, 4, dtype=torch.bool)
    labels[:, 8:] = IGNORE
    cost = segmentation_loss(logits, labels, known)
    logits[:, :, 8:] = 9
    torch.testing.assert_close(segmentation_loss(logits, labels, known), cost)
    torch.testing.assert_close(cost, cross_entropy(logits[:, :, :8], labels[:, :8]))
