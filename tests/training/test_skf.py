from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from core.training.skf import (
    BINS,
    SLOPE,
    SMALLEST,
    SemanticAdversary,
    histogram_loss,
    soft_histograms,
)

SIDE = 64
BAND = SIDE // 4


def flat_bands(colour: float) -> Tensor:
    """Four bands of a grey each, more or less coloured, with a little texture."""
    shades = torch.rand(2, 1, 4) * 0.6 + 0.2 + colour * torch.randn(2, 3, 4)
    flat = shades.repeat_interleave(BAND, 2)[..., None]
    return flat + 0.005 * torch.randn(2, 3, SIDE, SIDE)


def band_classes() -> Tensor:
    rows = torch.arange(4).repeat_interleave(BAND)
    return rows[None, :, None].expand(2, SIDE, SIDE).contiguous()


@pytest.fixture
def picture() -> Tensor:
    torch.manual_seed(1)
    return flat_bands(0.02)


@pytest.fixture
def bands() -> Tensor:
    """The class map of its four bands."""
    return band_classes()


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def shifted(picture: Tensor, by: float, band: int, channel: int = 1) -> Tensor:
    image = picture.clone()
    image[:, channel, band * BAND : (band + 1) * BAND] += by
    return image


def test_equal_pictures_cost_nothing(picture: Tensor, bands: Tensor) -> None:
    assert histogram_loss(picture, picture, bands) == 0


def test_a_colour_shift_costs_more_the_wider_it_is(picture: Tensor, bands: Tensor) -> None:
    costs = [histogram_loss(shifted(picture, by, 2), picture, bands) for by in (0.002, 0.01, 0.04)]
    assert 0 < costs[0] < costs[1] < costs[2]
    # Far apart, all of one band's pixels in one of three channels are elsewhere.
    torch.testing.assert_close(costs[2], torch.tensor(2 / 4 / 3), rtol=0.02, atol=0)


def test_only_the_shifted_segment_and_channel_are_pushed(picture: Tensor, bands: Tensor) -> None:
    image = shifted(picture, 0.01, 2).requires_grad_()
    (slope,) = torch.autograd.grad(histogram_loss(image, picture, bands), image)
    inside = slope[:, 1, 2 * BAND : 3 * BAND].clone()
    slope[:, 1, 2 * BAND : 3 * BAND] = 0
    assert slope.abs().max() == 0
    assert inside.mean() > 0


def test_the_gradient_leads_back(picture: Tensor, bands: Tensor) -> None:
    image = shifted(picture, 0.01, 0, channel=2).requires_grad_()
    start = float(histogram_loss(image, picture, bands).detach())
    descent = torch.optim.Adam([image], lr=5e-4)
    for _ in range(30):
        descent.zero_grad()
        histogram_loss(image, picture, bands).backward()  # type: ignore[no-untyped-call]
        descent.step()
    assert histogram_loss(image, picture, bands) < 0.5 * start
    left = (image - picture).detach()[:, 2, :BAND].mean()
    assert abs(left) < 0.003


def test_the_same_class_is_another_segment_in_another_picture(bands: Tensor) -> None:
    target = torch.full((2, 3, SIDE, SIDE), 0.2)
    target[1] = 0.7
    assert histogram_loss(target.flip(0), target, bands) > 1.9


def test_a_segment_of_few_pixels_is_left_out(picture: Tensor, bands: Tensor) -> None:
    bands[:, :10, :10] = 7
    image = picture.clone()
    image[:, :, :10, :10] = 1
    assert histogram_loss(image, picture, bands) == 0
    bands[:, :16, :16] = 7
    image[:, :, :16, :16] = 1
    assert histogram_loss(image, picture, bands) > 0.05


def test_nothing_but_crumbs_is_no_division_by_zero(picture: Tensor) -> None:
    crumbs = torch.arange(SIDE**2).div(SMALLEST // 2, rounding_mode="floor")
    image = (picture + 0.1).requires_grad_()
    cost = histogram_loss(image, picture, crumbs.view(1, SIDE, SIDE).expand(2, SIDE, SIDE))
    (slope,) = torch.autograd.grad(cost, image)
    assert cost == 0
    assert slope.abs().max() == 0


def test_bins_are_the_difference_of_sigmoids() -> None:
    torch.manual_seed(1)
    image = torch.rand(1, 3, 16, 16) * 0.8 + 0.1
    image.requires_grad_()
    halves = torch.arange(16)[None, :, None].expand(1, 16, 16) // 8
    found = soft_histograms(image, halves, torch.tensor([128, 128]))
    edges = torch.linspace(0, 1, BINS + 1)
    beyond = torch.sigmoid(SLOPE * (image[0, :, :8].flatten(1)[..., None] - edges)).mean(1)
    expected = beyond[:, :-1] - beyond[:, 1:]
    torch.testing.assert_close(found[0], expected, rtol=0, atol=1e-4)
    weights = torch.randn(3, BINS)
    (slope,) = torch.autograd.grad((found[0] * weights).sum(), image)
    (wanted,) = torch.autograd.grad((expected * weights).sum(), image)
    assert (slope - wanted).abs().mean() < 0.06 * wanted.abs().mean()


def test_no_pixel_falls_off_the_ends() -> None:
    image = torch.tensor([0.0, 1.0, -0.2, 1.3]).view(1, 1, 2, 2).expand(1, 3, 2, 2)
    found = soft_histograms(image, torch.zeros(1, 2, 2).long(), torch.tensor([4]))
    torch.testing.assert_close(found.sum(2), torch.ones(1, 3))
    torch.testing.assert_close(found[..., : BINS // 8].sum(2), torch.full((1, 3), 0.5))


def test_memory_does_not_grow_with_bins() -> None:
    image, kept = torch.rand(1, 3, 352, 352, requires_grad=True), []

    def keep(tensor: Tensor) -> Tensor:
        kept.append(tensor.numel() * tensor.element_size())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        histogram_loss(image, torch.rand(1, 3, 352, 352), torch.zeros(1, 352, 352).long())
    assert sum(kept) < 12 * image.numel() * image.element_size()


def greenish(picture: Tensor) -> Tensor:
    return picture + torch.tensor([-0.1, 0.2, -0.1])[:, None, None]


@pytest.fixture(scope="module")
def taught() -> SemanticAdversary:
    """Discriminators that have learnt that a green cast is fake."""
    torch.manual_seed(3)
    adversary = SemanticAdversary(5)
    optimizer = torch.optim.Adam(adversary.parameters(), lr=3e-4)
    for _ in range(40):
        real, classes = flat_bands(0.02), band_classes()
        optimizer.zero_grad()
        adversary.discriminator_loss(greenish(real), real, classes).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return adversary


def test_discriminators_are_small() -> None:
    adversary = SemanticAdversary(150)
    for part in (adversary.overall, adversary.local):
        assert 0.1e6 < sum(weight.numel() for weight in part.parameters()) < 0.5e6


@torch.no_grad()
def test_discriminators_learn_to_tell(
    taught: SemanticAdversary, picture: Tensor, bands: Tensor
) -> None:
    torch.manual_seed(4)
    before = SemanticAdversary(5).discriminator_loss(greenish(picture), picture, bands)
    assert taught.discriminator_loss(greenish(picture), picture, bands) < 0.2 * before
    assert taught.generator_loss(greenish(picture), bands) > 5 * taught.generator_loss(
        picture, bands
    )


def test_the_enhancer_learns_and_the_discriminators_do_not(
    taught: SemanticAdversary, picture: Tensor, bands: Tensor
) -> None:
    taught.zero_grad()
    fake = greenish(picture).requires_grad_()
    start = taught.generator_loss(fake, bands)
    start.backward()  # type: ignore[no-untyped-call]
    assert all(weight.grad is None for weight in taught.parameters())
    assert all(weight.requires_grad for weight in taught.parameters())
    assert fake.grad is not None
    assert fake.grad.abs().amax((1, 2, 3)).min() > 0
    step = 2e-2 * fake.grad / fake.grad.abs().mean()
    assert taught.generator_loss(fake.detach() - step, bands) < 0.9 * start.detach()


@pytest.mark.parametrize("half", [False, True])
def test_the_discriminators_learn_and_the_enhancer_does_not(
    picture: Tensor, bands: Tensor, half: bool
) -> None:
    torch.manual_seed(4)
    adversary, fake = SemanticAdversary(4), greenish(picture).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        adversary.generator_loss(picture, bands)  # whose weights must not be kept for the next line
        cost = adversary.discriminator_loss(fake, picture, bands)
    cost.backward()  # type: ignore[no-untyped-call]
    assert fake.grad is None
    for name, weight in adversary.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.abs().max() > 0, name


@pytest.mark.parametrize("band", range(4))
def test_the_worst_segment_is_chosen(
    taught: SemanticAdversary, picture: Tensor, bands: Tensor, band: int
) -> None:
    image = torch.where(bands[:, None] == band, greenish(picture), picture)
    assert torch.equal(taught.worst_segment(image, bands)[:, 0], (bands == band).float())


def test_the_local_discriminator_sees_a_segment_alone(
    taught: SemanticAdversary, picture: Tensor, bands: Tensor
) -> None:
    seen: list[Tensor] = []
    hook = taught.local.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    taught.generator_loss(picture, bands)
    hook.remove()
    assert seen
    for image_B4HW in seen:
        colours, segment = image_B4HW[:, :3], image_B4HW[:, 3:]
        assert segment.sum((1, 2, 3)).tolist() == [BAND * SIDE] * 2
        assert torch.equal(colours, picture * segment)


def test_the_global_discriminator_sees_the_classes(
    taught: SemanticAdversary, picture: Tensor, bands: Tensor
) -> None:
    renamed = (bands + 1) % 4  # the same segments by other names
    with torch.no_grad():
        assert taught.generator_loss(picture, bands) != taught.generator_loss(picture, renamed)


def test_a_segment_of_few_pixels_is_not_the_worst(
    taught: SemanticAdversary, picture: Tensor, bands: Tensor
) -> None:
    bands[bands > 1] = 1
    bands[:, -10:, -10:] = 2
    image = torch.where(bands[:, None] == 2, greenish(picture), picture)
    assert taught.worst_segment(image, bands)[:, 0, -10:, -10:].max() == 0
    crumbs = torch.arange(SIDE**2).remainder(5).view(1, SIDE, SIDE)[:, :20, :20]
    assert taught.worst_segment(image[:1, :, :20, :20], crumbs).sum() == 80


def test_each_picture_has_its_own_worst(
    taught: SemanticAdversary, picture: Tensor, bands: Tensor
) -> None:
    wanted = torch.stack([bands[0] == 0, bands[1] == 3])
    image = torch.where(wanted[:, None], greenish(picture), picture)
    assert torch.equal(taught.worst_segment(image, bands)[:, 0], wanted.float())
