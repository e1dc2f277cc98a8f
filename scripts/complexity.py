"""Counts what a network is made of and what it has to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from core.enhance.backends.on_torch import PRIOR_SIDE
from core.model.deepspg import DeepSPG, DeepSPGConfig
from core.model.hrnet import PriorConfig, SemanticPrior

SIZES = ((256, 256), (640, 360), (1280, 720))
"""Widths and heights whose multiply-adds are counted; the paper's is the first."""


def count_network(config: DeepSPGConfig) -> dict[str, Any]:
    """Of DeepSPG, with its queries: what it does of the prior, once for many frames."""
    with torch.device("meta"):
        network = DeepSPG(config).eval()

        def work(width: int, height: int) -> None:
            four, eight, sixteen = config.prior_channels or (1, 1, 1)
            features = [
                torch.empty(1, channels, -(-height // scale), -(-width // scale))
                for channels, scale in ((four, 4), (eight, 8), (sixteen, 16))
            ]
            queries = network.queries((features[0], features[1], features[2]))
            network(torch.empty(1, 3, height, width), queries)

        return _counted(network, work)


def count_prior(config: PriorConfig) -> dict[str, Any]:
    """Of a refresh; the picture is made smaller first, and the segmentation head is not run."""
    with torch.device("meta"):
        prior = SemanticPrior(config).eval()

        def work(width: int, height: int) -> None:
            scale = min(1.0, PRIOR_SIDE / max(width, height))
            prior(torch.empty(1, 3, round(height * scale), round(width * scale)))

        return _counted(prior, work)


@torch.inference_mode()
def _counted(network: torch.nn.Module, work: Callable[[int, int], None]) -> dict[str, Any]:
    said: dict[str, Any] = {"parameters": sum(p.numel() for p in network.parameters())}
    for size in SIZES:
        with FlopCounterMode(display=False) as counter:
            work(*size)
        # It counts a multiplication and an addition as two.
        said[f"multiply_adds_{size_name(size)}"] = counter.get_total_flops() // 2
    return said


def size_name(size: tuple[int, int]) -> str:
    """As it is printed: 640x360."""
    return f"{size[0]}x{size[1]}"
