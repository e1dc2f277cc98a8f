"""The loop that every network here is trained by.

A run is a folder: `state.pt` to go on from, `log.jsonl` to look back on. State is written beside
and renamed, so a run that is cut off loses the steps since the last save and nothing else.
"""

from __future__ import annotations

import json
import math
import time
from typing import TYPE_CHECKING, Any, Protocol

import torch
from pydantic import BaseModel, ConfigDict
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, Subset

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import Tensor, nn
    from torch.utils.data import Dataset


class Schedule(BaseModel):
    """How long and how hard to train."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int
    batch: int = 8
    crop: int = 128
    """Side of a training crop, in pixels."""
    rate: float = 3e-4
    """Learning rate at the top of the cosine."""
    warm_up: int = 100
    ema: float = 0.995
    """Decay of the averaged weights: they look back about 1 / (1 - ema) steps."""
    seed: int = 1
    save_every: int = 250
    threads: int = 1
    workers: int = 0
    """Processes that prepare crops; 0 prepares them in the training process."""


class Task(Protocol):
    """What is trained, on what, and how it is judged."""

    @property
    def network(self) -> nn.Module:
        """What is trained."""
        ...

    @property
    def crops(self) -> Dataset[Any]:
        """What it is trained on; must not depend on what was drawn before."""
        ...

    def losses(self, batch: list[Tensor]) -> dict[str, Tensor]:
        """Named terms; their sum is minimised."""
        ...

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Figures on data that was not trained on."""
        ...


def fit(
    task: Task, schedule: Schedule, run: Path, export: Callable[[nn.Module, int], None]
) -> None:
    """Trains to the end of the schedule, going on from where the run's folder stands.

    Args:
        task: what is trained.
        schedule: how long, how hard and from which seed.
        run: the folder of this run.
        export: called with the averaged network and the step at every save.
    """
    run.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(schedule.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(schedule.seed)
    network = task.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.Adam(network.parameters(), lr=schedule.rate)
    averaging = get_ema_multi_avg_fn(schedule.ema)  # type: ignore[no-untyped-call]
    average = AveragedModel(network, multi_avg_fn=averaging, use_buffers=True)
    parts = {"network": network, "optimizer": optimizer, "average": average}
    step = _resume(run / "state.pt", parts)
    started, seen = time.monotonic(), step
    for batch in _batches(task, schedule, step):
        for group in optimizer.param_groups:
            group["lr"] = schedule.rate * _cosine(step, schedule)
        terms = _step(task, batch, optimizer)
        average.update_parameters(network)
        step += 1
        if step % schedule.save_every == 0 or step == schedule.steps:
            speed = (step - seen) * schedule.batch / (time.monotonic() - started)
            figures = task.validate(average.module)
            _save(run / "state.pt", parts, step)
            row = {"step": step, "crops_per_second": round(speed, 2)}
            _log(run / "log.jsonl", row | terms | figures)
            export(average.module, step)
            started, seen = time.monotonic(), step


def _step(task: Task, batch: list[Tensor], optimizer: torch.optim.Optimizer) -> dict[str, float]:
    task.network.train()
    half = torch.cpu._is_avx512_bf16_supported()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
        terms = task.losses(batch)
    loss = torch.stack(list(terms.values())).sum()
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(task.network.parameters(), 1.0)
    optimizer.step()
    return {name: round(float(term.detach()), 5) for name, term in terms.items()}


def _batches(task: Task, schedule: Schedule, step: int) -> DataLoader[Any]:
    first, last = step * schedule.batch, schedule.steps * schedule.batch
    return DataLoader(
        Subset(task.crops, range(first, last)), schedule.batch, num_workers=schedule.workers
    )


def _cosine(step: int, schedule: Schedule) -> float:
    warm = min(1.0, (step + 1) / schedule.warm_up)
    return warm * (0.5 * (1 + math.cos(math.pi * step / schedule.steps)) * 0.98 + 0.02)


def _save(path: Path, parts: dict[str, Any], step: int) -> None:
    partial = path.with_suffix(".part")
    state: dict[str, Any] = {name: part.state_dict() for name, part in parts.items()}
    torch.save(state | {"step": step}, partial)
    partial.replace(path)


def _resume(path: Path, parts: dict[str, Any]) -> int:
    if not path.is_file():
        return 0
    state = torch.load(path, weights_only=True)
    for name, part in parts.items():
        part.load_state_dict(state[name])
    return int(state["step"])


def _log(path: Path, row: dict[str, Any]) -> None:
    with path.open("a") as file:
        file.write(json.dumps(row) + "\n")
