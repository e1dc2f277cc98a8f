"""Imports timm where torch and torchvision were built apart.

The package index's torchvision is a CUDA build. Beside a CPU-only torch its compiled operators
cannot load, and importing it, as timm does, dies on `operator torchvision::nms does not exist`.
None of those operators is used here; declaring the two that are looked up by name is enough.
Where the builds match, this is a plain import.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from types import ModuleType

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_kept_alive: list[torch.library.Library] = []


def import_timm() -> ModuleType:
    """timm, whatever torchvision is installed beside torch."""
    try:
        return importlib.import_module("timm")
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
    for name in list(sys.modules):
        if name.partition(".")[0] in ("timm", "torchvision"):
            del sys.modules[name]
    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for schema in _SCHEMAS:
        library.define(schema)  # type: ignore[no-untyped-call]
    _kept_alive.append(library)
    return importlib.import_module("timm")
