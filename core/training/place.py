"""Where one process of a training run computes, and beside how many others."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import torch
from torch import distributed

if TYPE_CHECKING:
    from collections.abc import Iterator


_JUDGING = timedelta(hours=12)
"""The others wait so long for the first process, which judges and saves."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where this process trains, and beside how many."""

    device: torch.device
    rank: int = 0
    world: int = 1

    def half(self) -> torch.autocast:
        """Arithmetic in bfloat16 where the device has it; in single precision otherwise."""
        if self.device.type == "cuda":
            able = torch.cuda.is_bf16_supported()
        else:
            able = torch.cpu._is_avx512_bf16_supported()
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=able)


@contextmanager
def join() -> Iterator[Place]:
    """This process's place: alone, or one of those that torchrun started."""
    world, local = (int(os.environ.get(n, d)) for n, d in (("WORLD_SIZE", 1), ("LOCAL_RANK", 0)))
    gpus = torch.cuda.is_available()
    device = torch.device(f"cuda:{local}" if gpus else "cpu")
    if world == 1:
        yield Place(device)
        return
    if gpus:
        torch.cuda.set_device(device)  # else each process's collectives would take the first one
    distributed.init_process_group("nccl" if gpus else "gloo", timeout=_JUDGING)
    try:
        yield Place(device, distributed.get_rank(), world)
    finally:
        distributed.destroy_process_group()
