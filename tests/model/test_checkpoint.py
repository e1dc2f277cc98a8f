from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from core.errors import CheckpointError
from core.model import checkpoint
from core.model.deepspg import DeepSPG, DeepSPGConfig

CONFIG = DeepSPGConfig(widths=(8, 8, 8, 8), depths=(1, 1, 1, 1), prior_channels=None)


@pytest.fixture
def network() -> DeepSPG:
    torch.manual_seed(1)
    made = DeepSPG(CONFIG).eval()
    torch.nn.init.normal_(made.head_1.weight)
    return made


@pytest.fixture
def weights(network: DeepSPG, tmp_path: Path) -> Path:
    path = tmp_path / "small.safetensors"
    checkpoint.save(path, "deepspg", CONFIG, network.state_dict(), licence="none", steps="7")
    return path


def rewrite(path: Path, change: Callable[[dict[str, Tensor], dict[str, str]], None]) -> None:
    """Saves the file again after `change` has been at its tensors and header."""
    header = dict(checkpoint.load(path, "deepspg").header)
    state = load_file(path)
    change(state, header)
    save_file(state, path, metadata=header)


@torch.inference_mode()
def test_weights_come_back_as_they_went_in(network: DeepSPG, weights: Path) -> None:
    loaded = checkpoint.load(weights, "deepspg")
    image = torch.rand(1, 3, 40, 56)
    torch.testing.assert_close(
        loaded.network(image).images[0], network(image).images[0], atol=2e-2, rtol=1e-2
    )
    for name, tensor in loaded.network.state_dict().items():
        stored = network.state_dict()[name]
        assert torch.equal(tensor, stored.half().float() if stored.ndim > 1 else stored), name


def test_a_loaded_network_is_ready_and_says_what_it_is(weights: Path) -> None:
    loaded = checkpoint.load(weights, "deepspg")
    assert not loaded.network.training
    assert not any(parameter.requires_grad for parameter in loaded.network.parameters())
    assert {p.dtype for p in loaded.network.parameters()} == {torch.float32}
    assert loaded.header["steps"] == "7"
    assert loaded.header["licence"] == "none"
    assert loaded.sha256 == hashlib.sha256(weights.read_bytes()).hexdigest()


def test_saving_leaves_nothing_beside_the_file(weights: Path) -> None:
    assert [path.name for path in weights.parent.iterdir()] == [weights.name]


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, crater: Path) -> None:
        self.crater = crater

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.crater,)


@pytest.mark.parametrize("name", ["model.pt", "model.safetensors"])
def test_a_pickle_is_refused_and_its_code_not_run(tmp_path: Path, name: str) -> None:
    crater, path = tmp_path / "crater", tmp_path / name
    path.write_bytes(pickle.dumps({"weights": Bomb(crater)}))
    with pytest.raises(CheckpointError, match=r"not a safetensors file .* can run code"):
        checkpoint.load(path, "deepspg")
    assert not crater.exists()
    pickle.loads(path.read_bytes())
    assert crater.exists(), "the bomb is a dud, so this test proves nothing"


def test_a_cut_off_file_is_refused(weights: Path) -> None:
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="not a safetensors file"):
        checkpoint.load(weights, "deepspg")


def _drop(state: dict[str, Tensor], header: dict[str, str]) -> None:
    del state["fold.weight"]


def _add(state: dict[str, Tensor], header: dict[str, str]) -> None:
    state["surprise"] = torch.zeros(1)


def _reshape(state: dict[str, Tensor], header: dict[str, str]) -> None:
    state["fold.weight"] = state["fold.weight"][:4].contiguous()


def _bad_config(state: dict[str, Tensor], header: dict[str, str]) -> None:
    header["config"] = '{"widths": "wide"}'


def _no_config(state: dict[str, Tensor], header: dict[str, str]) -> None:
    del header["config"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_drop, "Missing key.*fold.weight"),
        (_add, "Unexpected key.*surprise"),
        (_reshape, "size mismatch for fold.weight"),
        (_bad_config, "widths"),
        (_no_config, "Invalid JSON"),
    ],
)
def test_weights_that_do_not_fit_are_refused(
    weights: Path, change: Callable[[dict[str, Tensor], dict[str, str]], None], says: str
) -> None:
    rewrite(weights, change)
    with pytest.raises(CheckpointError, match=f"do not fit their header: .*{says}"):
        checkpoint.load(weights, "deepspg")


@pytest.mark.parametrize("metadata", [None, {"architecture": "unet"}])
def test_a_file_that_names_no_network_of_ours_is_refused(
    tmp_path: Path, metadata: dict[str, str] | None
) -> None:
    path = tmp_path / "foreign.safetensors"
    save_file({"weight": torch.zeros(2)}, path, metadata=metadata)
    with pytest.raises(CheckpointError, match="where a deepspg model is needed"):
        checkpoint.load(path, "deepspg")


def test_a_name_is_found_among_those_shipped(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "MODELS", weights.parent)
    assert checkpoint.find("small") == weights
    assert checkpoint.find(str(weights)) == weights
    with pytest.raises(CheckpointError, match="no model 'smal': choose one of small"):
        checkpoint.find("smal")


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no weights file"):
        checkpoint.find(str(tmp_path / "none.safetensors"))
