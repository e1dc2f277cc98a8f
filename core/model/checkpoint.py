"""Weights in files: safetensors whose header says what they are.

Nothing here unpickles. A file names its architecture and configuration in its header, so a
network is built from the file alone and its keys and shapes are then checked strictly.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from pydantic import BaseModel, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from core.errors import CheckpointError
from core.model.deepspg import DeepSPG, DeepSPGConfig
from core.model.hrnet import PriorConfig, SemanticPrior

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

MODELS = Path(__file__).parents[2] / "assets" / "models"
"""Where the weights that come in the box lie."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """How to build a network from its header."""

    config: type[BaseModel]
    build: Callable[..., nn.Module]


ARCHITECTURES = {
    "deepspg": Architecture(DeepSPGConfig, DeepSPG),
    "hrnet-prior": Architecture(PriorConfig, SemanticPrior),
}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A network ready to run, and where it came from."""

    network: nn.Module
    header: dict[str, str]
    """`architecture`, `config` (JSON), `prior`, `data`, `steps`, `licence` and the like."""
    sha256: str
    """Of the file."""


def find(name: str) -> Path:
    """The file of a shipped model, or the path itself if it is one.

    Raises:
        CheckpointError: neither exists.
    """
    path = Path(name)
    if path.suffix:
        if path.is_file():
            return path
        raise CheckpointError(f"There is no weights file {path}: check the path.")
    if (MODELS / f"{name}.safetensors").is_file():
        return MODELS / f"{name}.safetensors"
    shipped = ", ".join(sorted(file.stem for file in MODELS.glob("*.safetensors")))
    raise CheckpointError(f"There is no model {name!r}: choose one of {shipped}, or give a file.")


def load(path: Path, kind: str) -> Checkpoint:
    """Builds and fills the network a file describes, in evaluation mode and frozen.

    Args:
        path: a safetensors file.
        kind: the architecture it has to be.

    Raises:
        CheckpointError: the file is not safetensors, is of another architecture, or its tensors
            do not fit.
    """
    header, state = _read(path)
    found = header.get("architecture", "no LowLux model")
    if found != kind:
        raise CheckpointError(f"{path} holds {found}, where a {kind} model is needed.")
    architecture = ARCHITECTURES[kind]
    try:
        config = architecture.config.model_validate_json(header.get("config", ""))
        with torch.device("meta"):
            network = architecture.build(config)
        expected = network.state_dict()
        filled = {k: v.to(expected[k].dtype) if k in expected else v for k, v in state.items()}
        network.load_state_dict(filled, strict=True, assign=True)
    except (ValidationError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(f"The weights in {path} do not fit their header: {reason}") from error
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Checkpoint(network.eval().requires_grad_(False), header, digest)


def _read(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            names = file.keys()
            return dict(file.metadata() or {}), {name: file.get_tensor(name) for name in names}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path} is not a safetensors file ({error}): pickled checkpoints can run code and "
            "are not opened."
        ) from error


def save(
    path: Path, architecture: str, config: BaseModel, state: dict[str, Tensor], **said: str
) -> None:
    """Writes weights in half precision (one dimension stays in single) with their header."""
    small = {
        name: (tensor.half() if tensor.ndim > 1 else tensor).detach().cpu().contiguous()
        for name, tensor in state.items()
    }
    header = {"architecture": architecture, "config": config.model_dump_json(), **said}
    partial = path.with_suffix(".part")
    save_file(small, partial, metadata=json.loads(json.dumps(header)))
    partial.replace(path)
