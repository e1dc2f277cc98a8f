"""A model and what it is run on, for live pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from core.enhance.backends import on_openvino
from core.enhance.backends.on_openvino import OpenVinoBackend
from core.enhance.enhancer import open_backend
from core.enhance.live_plan import SMALL_MODEL, choose_runtime, pick_model
from core.enhance.plan import resolve
from core.errors import CheckpointError
from core.model import checkpoint

if TYPE_CHECKING:
    from pathlib import Path

    from core.enhance.backends import Backend
    from core.enhance.live_plan import Runtime
    from core.enhance.plan import Machine
    from core.model.checkpoint import Checkpoint
    from core.model.deepspg import DeepSPG
    from core.settings import LiveSettings


@dataclass(frozen=True, slots=True)
class Network:
    """A model on what it is run on."""

    model: str
    backend: Backend
    runtime: Runtime
    notes: tuple[str, ...] = ()
    """What could not be used, one sentence each."""


def open_network(settings: LiveSettings, machine: Machine) -> Network:
    """The model for these settings on the fastest there is.

    Raises:
        BackendUnavailableError: a GPU was asked for by name and there is none.
        BackendError: the GPU has no memory for it.
        CheckpointError: there is no such model.
    """
    planned = resolve(settings.enhance, machine)
    has_small = (checkpoint.MODELS / f"{SMALL_MODEL}.safetensors").is_file()
    model = pick_model(settings, planned.device, has_small=has_small)
    weights = checkpoint.find(model)
    loaded = checkpoint.load(weights, "deepspg")
    export, notes = _usable_export(weights, loaded.sha256)
    if settings.plan == "full":  # asked for by who wants the best there is
        export = None
    runtime = choose_runtime(
        planned,
        machine,
        openvino=on_openvino.is_installed(),
        eight_bits=export is not None,
    )
    return Network(model, _open_backend(loaded, runtime, export), runtime, notes)


def _usable_export(weights: Path, sha256: str) -> tuple[Path | None, tuple[str, ...]]:
    """The 8-bit export, or why there is none though its file is there."""
    if not on_openvino.is_installed():
        return None, ()
    try:
        return on_openvino.find_export(weights, sha256), ()
    except CheckpointError as error:
        return None, (str(error),)


def _open_backend(loaded: Checkpoint, runtime: Runtime, export: Path | None) -> Backend:
    if runtime.name == "torch":
        return open_backend(loaded, runtime.device, runtime.precision)
    around = open_backend(loaded, "cpu", "float32")
    network = cast("DeepSPG", loaded.network)
    return OpenVinoBackend(around, network, runtime.precision, runtime.threads, export)
