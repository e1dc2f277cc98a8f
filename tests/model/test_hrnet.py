from __future__ import annotations

import pytest
import torch
from torch import Tensor

from core.errors import CheckpointError
from core.model.hrnet import (
    USUAL_MEAN,
    W48_ADE20K,
    PriorConfig,
    SemanticPrior,
    expose,
    load_released,
)

State = dict[str, Tensor]
DECODER = {"head.0": "cbr.0", "head.1": "cbr.1", "head.3": "conv_last"}
OWN = {"head.0": "last_layer.0", "head.1": "last_layer.1", "head.3": "last_layer.3"}


@pytest.fixture(scope="module")
def shipped() -> SemanticPrior:
    torch.manual_seed(1)
    return SemanticPrior(PriorConfig()).eval()


@pytest.fixture(scope="module")
def w48() -> State:
    """The state of HRNet-W48 with a 3x3 head."""
    return _filled(W48_ADE20K)


@pytest.fixture(scope="module")
def w48_wide_head() -> State:
    """The same with the 1x1 head, 720 wide, of HRNet's own release."""
    return _filled(W48_ADE20K.model_copy(update={"head_width": 720, "head_kernel": 1}))


def _filled(config: PriorConfig) -> State:
    """Cheap stand-in for trained weights: each tensor is constant, unlike its neighbour."""
    with torch.device("meta"):
        state = SemanticPrior(config).state_dict()
    return {
        name: torch.full((), number % 7 / 1000 + 0.5).to(tensor.dtype).expand(tensor.shape)
        for number, (name, tensor) in enumerate(state.items())
    }


def _renamed(state: State, table: dict[str, str]) -> State:
    """Head keys as a release names them."""
    found = {}
    for name, tensor in state.items():
        stem, _, leaf = name.rpartition(".")
        found[f"{table[stem]}.{leaf}"] = tensor
    return found


def _split(state: State) -> tuple[State, State]:
    backbone = {
        name.removeprefix("backbone."): tensor
        for name, tensor in state.items()
        if name.startswith("backbone.")
    }
    head = {name: tensor for name, tensor in state.items() if name.startswith("head.")}
    return backbone, head


def scene_parsing_release(state: State) -> tuple[State, State]:
    """The MIT CSAIL layout: one file for the encoder, one for the decoder."""
    encoder, head = _split(state)
    return encoder, _renamed(head, DECODER)


def own_release(state: State) -> State:
    """HRNet's own layout: one file, wrapped in `model.`, the loss beside it, and no counters."""
    backbone, head = _split(state)
    wrapped = {
        f"model.{name}": tensor
        for name, tensor in (backbone | _renamed(head, OWN)).items()
        if not name.endswith("num_batches_tracked")
    }
    return wrapped | {"loss.criterion.weight": torch.ones(150)}


def same(found: SemanticPrior, expected: State) -> bool:
    state = found.state_dict()
    return state.keys() == expected.keys() and all(
        torch.equal(tensor, expected[name])
        for name, tensor in state.items()
        if not name.endswith("num_batches_tracked")
    )


def test_the_scene_parsing_release_is_read(w48: State) -> None:
    prior = load_released(*scene_parsing_release(w48))
    assert prior.config == W48_ADE20K
    assert same(prior, w48)
    assert not prior.training


def test_hrnets_own_release_is_read(w48_wide_head: State) -> None:
    prior = load_released(own_release(w48_wide_head), None)
    assert (prior.config.head_width, prior.config.head_kernel) == (720, 1)
    assert same(prior, w48_wide_head)


def test_a_released_prior_runs(w48: State) -> None:
    prior = load_released(*scene_parsing_release(w48))
    with torch.inference_mode():
        found = prior(torch.rand(1, 3, 32, 32))
        assert [f.shape[1:] for f in found.features] == [(48, 8, 8), (96, 4, 4), (192, 2, 2)]
        assert prior.segment(found).shape == (1, 150, 8, 8)


def test_a_missing_key_is_refused(w48: State) -> None:
    encoder, decoder = scene_parsing_release(w48)
    del encoder["conv1.weight"]
    with pytest.raises(CheckpointError, match=r"Missing key.*backbone\.conv1\.weight"):
        load_released(encoder, decoder)


def test_a_left_over_key_is_refused(w48: State) -> None:
    encoder, decoder = scene_parsing_release(w48)
    with pytest.raises(CheckpointError, match=r"Unexpected key.*backbone\.fc\.weight"):
        load_released(encoder | {"fc.weight": torch.zeros(1)}, decoder)


def test_another_shape_is_refused(w48: State) -> None:
    encoder, decoder = scene_parsing_release(w48)
    encoder["conv1.weight"] = torch.zeros(32, 3, 3, 3)
    with pytest.raises(CheckpointError, match=r"size mismatch for backbone\.conv1\.weight"):
        load_released(encoder, decoder)


def test_an_encoder_alone_is_refused(w48: State) -> None:
    with pytest.raises(CheckpointError, match="give encoder and decoder"):
        load_released(scene_parsing_release(w48)[0], None)


@pytest.mark.parametrize(("height", "width"), [(64, 96), (45, 70)])
@torch.inference_mode()
def test_features_come_at_three_scales(shipped: SemanticPrior, height: int, width: int) -> None:
    found = shipped(torch.rand(1, 3, height, width))
    tall, wide = -(-height // 32) * 32, -(-width // 32) * 32
    assert [feature.shape[1:] for feature in found.features] == [
        (channels, tall // by, wide // by) for channels, by in ((16, 4), (32, 8), (64, 16))
    ]
    assert shipped.segment(found).shape == (1, 32, tall // 4, wide // 4)


def test_a_dark_picture_is_brought_to_a_usual_brightness() -> None:
    torch.manual_seed(1)
    dark = torch.rand(2, 3, 32, 32) * torch.tensor([0.05, 0.3])[:, None, None, None]
    std = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    seen = expose(dark) * std + mean
    torch.testing.assert_close(
        seen.mean((1, 2, 3)), torch.full((2,), USUAL_MEAN), atol=1e-2, rtol=0
    )


def test_black_stays_finite_and_bright_is_not_dimmed() -> None:
    assert expose(torch.zeros(1, 3, 8, 8)).isfinite().all()
    white = expose(torch.ones(1, 3, 8, 8))
    torch.testing.assert_close(white[0, 0, 0, 0], torch.tensor((1 - 0.485) / 0.229))
