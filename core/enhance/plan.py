"""From what the user wishes and what the machine has to what will be done, and why."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from core.errors import BackendUnavailableError

if TYPE_CHECKING:
    from core.settings import EnhanceSettings


MOST_LANES = 4


@dataclass(frozen=True, slots=True)
class Machine:
    """What there is to compute on."""

    processor: str
    cores: int
    """Processor cores this process may use."""
    fast_bfloat16: bool
    """Whether the processor multiplies bfloat16 itself."""
    gpus: tuple[str, ...]

    @staticmethod
    def probe() -> Machine:
        """This machine."""
        gpus = range(torch.cuda.device_count()) if torch.cuda.is_available() else range(0)
        return Machine(
            processor=platform.machine(),
            cores=len(os.sched_getaffinity(0))
            if hasattr(os, "sched_getaffinity")
            else os.cpu_count() or 1,
            fast_bfloat16=torch.cpu._is_avx512_bf16_supported(),
            gpus=tuple(torch.cuda.get_device_name(gpu) for gpu in gpus),
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be done; the log, `lowlux info` and the summary all print it."""

    device: str
    precision: str
    lanes: int
    """Frames that are enhanced at a time."""
    threads: int
    """Processor threads for each of them."""
    prior_every: int
    reasons: tuple[str, ...] = field(default=())
    """One plain sentence for each choice the user did not make."""


def resolve(settings: EnhanceSettings, machine: Machine) -> Plan:
    """Chooses device, precision, lanes and threads.

    Raises:
        BackendUnavailableError: a GPU was asked for by name and there is none.
    """
    if settings.device == "cuda" and not machine.gpus:
        raise BackendUnavailableError(
            "There is no CUDA GPU that PyTorch can use: leave out --device, or check the driver."
        )
    if machine.gpus and settings.device != "cpu":
        reasons = (f"cuda: {machine.gpus[0]} is here", "float16: twice as fast on a GPU")
        return Plan("cuda", "float16", 1, machine.cores, settings.prior_every, reasons)
    return _on_cpu(settings, machine)


def _on_cpu(settings: EnhanceSettings, machine: Machine) -> Plan:
    why = "cpu: asked for" if settings.device == "cpu" else "cpu: no CUDA GPU found"
    if machine.fast_bfloat16:
        precision, reason = "bfloat16", "bfloat16: this processor multiplies it about twice as fast"
    else:
        precision, reason = "float32", "float32: this processor has no fast half precision"
    # Threads on one frame wait for each other after every layer, frames beside each other never do;
    # but each holds its own memory.
    lanes = min(machine.cores, MOST_LANES)
    threads = max(1, machine.cores // lanes)
    split = f"{lanes} frames at a time, {threads} threads each: {machine.cores} cores"
    return Plan("cpu", precision, lanes, threads, settings.prior_every, (why, reason, split))
