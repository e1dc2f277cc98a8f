from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from core.model import checkpoint
from core.model.deepspg import CONFIGS, DeepSPG, DeepSPGConfig
from core.model.retinex import MAX_LOG_GAIN, Decomposition

SMALL = DeepSPGConfig(widths=(8, 8, 8, 16), depths=(1, 1, 1, 1), prior_channels=(4, 6, 8))


def network(config: DeepSPGConfig = SMALL) -> DeepSPG:
    """Random weights, also where training begins at zero."""
    torch.manual_seed(3)
    made = DeepSPG(config).eval()
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return made


def prior(height: int, width: int, channels: tuple[int, int, int] = (4, 6, 8)) -> list[Tensor]:
    """Random prior features at 1/4, 1/8 and 1/16."""
    torch.manual_seed(4)
    sizes = zip(channels, (4, 8, 16), strict=True)
    return [torch.randn(1, c, -(-height // by), -(-width // by)) for c, by in sizes]


def run(made: DeepSPG, image_B3HW: Tensor) -> Tensor:
    """The finest picture, with the prior."""
    height, width = image_B3HW.shape[2:]
    features_4, features_8, features_16 = prior(height, width)
    image: Tensor = made(image_B3HW, made.queries((features_4, features_8, features_16))).images[0]
    return image


@pytest.mark.parametrize(("height", "width"), [(32, 32), (33, 47), (100, 75)])
@torch.inference_mode()
def test_any_size_comes_back_as_it_went_in(height: int, width: int) -> None:
    found = network()(torch.rand(2, 3, height, width))
    assert [image.shape for image in found.images] == [(2, 3, height, width)]
    assert found.light_B1HW.shape == (2, 1, height, width)
    assert found.reflectance_B3HW.shape == (2, 3, height, width)


@torch.inference_mode()
def test_training_also_gives_the_coarse_pictures() -> None:
    found = network().train()(torch.rand(1, 3, 64, 96))
    assert [image.shape[2:] for image in found.images] == [(64, 96), (32, 48), (16, 24)]


@torch.inference_mode()
def test_padding_does_not_reach_into_the_picture() -> None:
    made, image = network(), torch.rand(1, 3, 64, 70)
    padded = torch.cat([image, image[..., -1:].expand(-1, -1, -1, 10)], 3)
    torch.testing.assert_close(made(image).images[0], made(padded).images[0][..., :70])


@pytest.mark.parametrize("level", [0.0, 0.01, 1.0])
@torch.inference_mode()
def test_light_times_reflectance_is_the_image(level: float) -> None:
    torch.manual_seed(5)
    image = torch.rand(1, 3, 64, 48) * level
    light, reflectance = Decomposition()(image)
    torch.testing.assert_close(light * reflectance, image)  # Eq. 6
    assert light.max() <= 1
    assert light.min() >= torch.tensor(-MAX_LOG_GAIN).exp()


@torch.inference_mode()
def test_light_is_found_by_the_decomposition_that_the_network_holds() -> None:
    made, image = network(), torch.rand(1, 3, 48, 64)
    found = made(image)
    torch.testing.assert_close(found.light_B1HW * found.reflectance_B3HW, image)


@torch.inference_mode()
def test_queries_hold_for_later_frames() -> None:
    made, (first, later) = network(), torch.rand(2, 1, 3, 64, 80)
    features_4, features_8, features_16 = prior(64, 80)
    queries = made.queries((features_4, features_8, features_16))
    made(first, queries)
    assert torch.equal(made(later, queries).images[0], run(made, later))


@torch.inference_mode()
def test_the_prior_matters() -> None:
    made, image = network(), torch.rand(1, 3, 64, 80)
    assert not torch.allclose(run(made, image), made(image).images[0])


@torch.inference_mode()
def test_the_prior_may_come_from_a_smaller_picture() -> None:
    made, image = network(), torch.rand(1, 3, 64, 80)
    features_4, features_8, features_16 = prior(32, 40)
    found = made(image, made.queries((features_4, features_8, features_16)))
    assert found.images[0].shape == image.shape


@torch.inference_mode()
def test_a_roof_stains_no_sky() -> None:
    torch.manual_seed(7)
    dusk = torch.full((1, 3, 480, 640), 0.24)
    dusk[..., 200:, 250:390] = 0.07
    noisy = (dusk + 0.01 * torch.randn_like(dusk)).clamp(0, 1)
    found = checkpoint.load(checkpoint.find("deepspg"), "deepspg").network(noisy).images[0]
    just_above_the_roof = found[..., 170:196, 260:380].mean((2, 3))
    beside = torch.cat([found[..., 170:196, 60:180], found[..., 170:196, 460:580]], 3).mean((2, 3))
    torch.testing.assert_close(just_above_the_roof, beside, atol=1.5 / 255, rtol=0)


@pytest.mark.parametrize(
    ("config", "parameters", "multiply_adds"),
    [(CONFIGS["deepspg"], 0.55e6, 6.91e9), (CONFIGS["deepspg-large"], 2.13e6, 26.03e9)],
    ids=["deepspg", "large"],
)
def test_budget(config: DeepSPGConfig, parameters: float, multiply_adds: float) -> None:
    with torch.device("meta"):
        made = DeepSPG(config).eval()
        features = [
            torch.rand(1, c, 256 // by, 256 // by) for c, by in ((16, 4), (32, 8), (64, 16))
        ]
        queries = made.queries((features[0], features[1], features[2]))
        with FlopCounterMode(display=False) as counter:
            made(torch.rand(1, 3, 256, 256), queries)
    assert sum(p.numel() for p in made.parameters()) <= parameters
    assert 1e9 < counter.get_total_flops() / 2 <= multiply_adds
