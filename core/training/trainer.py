"""The loop that every network here is trained by.

A run is a folder. `state.pt` is what it goes on from, written beside and renamed, so a run that is
cut off loses the steps since the last save and nothing else; `diary` tells what else is there.
Under torchrun, processes share each batch, on one GPU each where there are GPUs.
"""

from __future__ import annotations

import math
import time
from itertools import accumulate
from statistics import fmean
from typing import TYPE_CHECKING, Any, Protocol, cast

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, Dataset, Subset

from core.errors import SettingsError
from core.training.diary import Diary
from core.training.place import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from core.training.recipe import Schedule

MOST_GRADIENT = 1.0
"""Norm to which gradients are clipped."""


class Task(Protocol):
    """What is trained, on what, and how it is judged."""

    @property
    def network(self) -> nn.Module:
        """What is trained."""
        ...

    @property
    def rival(self) -> nn.Module | None:
        """What is trained against it, if anything; at the full rate until the end."""
        ...

    @property
    def said(self) -> dict[str, str]:
        """What the weights' header should say of how they were made."""
        ...

    def crops(self, side: int) -> Dataset[Any]:
        """What it is trained on; crop number `i` must not depend on what was drawn before."""
        ...

    def losses(self, batch: list[Tensor], progress: float) -> dict[str, Tensor]:
        """Named terms; their sum is minimised. Progress is the share of the run that is over."""
        ...

    def rival_loss(self) -> Tensor | None:
        """What the rival minimises, of the batch that `losses` saw last; none without a rival."""
        ...

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Figures on data that was not trained on."""
        ...

    def pictures(self, network: nn.Module) -> dict[str, NDArray[np.uint8]]:
        """What a person would look at, by name."""
        ...


class Run:
    """One process's part of a run.

    Args:
        task: what is trained, already on the place's device.
        schedule: how long, how hard and from which seed.
        folder: of this run.
        place: of this process.
    """

    def __init__(self, task: Task, schedule: Schedule, folder: Path, place: Place) -> None:
        if any(stage.batch % place.world for stage in schedule.stages):
            raise SettingsError(f"Every stage's batch must be a multiple of {place.world} devices.")
        self._task, self._schedule, self._place = task, schedule, place
        self._state = folder / "state.pt"
        task.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._learner = _shared(_Losses(task), place)
        self._optimizer = torch.optim.Adam(task.network.parameters(), lr=schedule.rate)
        averaging = get_ema_multi_avg_fn(schedule.ema)  # type: ignore[no-untyped-call]
        self._average = AveragedModel(task.network, multi_avg_fn=averaging, use_buffers=True)
        self._parts: dict[str, Any] = {
            "network": task.network,
            "optimizer": self._optimizer,
            "average": self._average,
        }
        self._rival_optimizer: torch.optim.Optimizer | None = None
        if task.rival is not None:
            self._rival_optimizer = torch.optim.Adam(task.rival.parameters(), lr=schedule.rate)
            self._parts |= {"rival": task.rival, "rival_optimizer": self._rival_optimizer}
        self.step = self._resume()

    def go_on(self, diary: Diary | None, export: Callable[[nn.Module, int], None]) -> None:
        """Trains to the end of the schedule; saves, exports the average and writes the diary."""
        started, seen, learnt = time.monotonic(), 0, []
        for batch in self._batches():
            learnt.append(self._learn(batch))
            self.step, seen = self.step + 1, seen + len(batch[0]) * self._place.world
            if self.step % self._schedule.save_every and self.step != self._schedule.steps:
                continue
            if diary is not None:
                speed = seen / (time.monotonic() - started)
                row: dict[str, Any] = {"step": self.step, "crops_per_second": round(speed, 2)}
                network = self._average.module
                row |= _means(learnt) | self._task.validate(network)
                diary.write(row, self._task.pictures(network))
                export(network, self.step)
                self._save()  # last, so that a run cut off before goes back and writes all again
            started, seen, learnt = time.monotonic(), 0, []

    def _learn(self, batch: list[Tensor]) -> dict[str, float]:
        self._task.network.train()
        for group in self._optimizer.param_groups:
            group["lr"] = self._schedule.rate * _cosine(self.step, self._schedule)
        here = [tensor.to(self._place.device, non_blocking=True) for tensor in batch]
        with self._place.half():
            terms = self._learner(here, self.step / self._schedule.steps)
        _descend(torch.stack(list(terms.values())).sum(), self._task.network, self._optimizer)
        self._average.update_parameters(self._task.network)
        said = {name: float(term.detach()) for name, term in terms.items()}
        with self._place.half():
            loss = self._task.rival_loss()
        if loss is not None:
            rival = cast("nn.Module", self._task.rival)
            optimizer = cast("torch.optim.Optimizer", self._rival_optimizer)
            _descend(loss, rival, optimizer, self._place.world)
            said["rival"] = float(loss.detach())
        return said

    def _batches(self) -> Iterator[list[Tensor]]:
        """From this step on: this process's share of each batch."""
        stages = self._schedule.stages
        ends = list(accumulate(stage.steps for stage in stages))
        crops = 0
        for stage, end in zip(stages, ends, strict=True):
            done = max(0, stage.steps - max(0, end - self.step))
            first, last = crops + done * stage.batch, crops + stage.steps * stage.batch
            crops = last
            mine = range(first + self._place.rank, last, self._place.world)
            if mine:
                yield from DataLoader(
                    Subset(self._task.crops(stage.crop), mine),
                    stage.batch // self._place.world,
                    num_workers=self._schedule.workers,
                    pin_memory=self._place.device.type == "cuda",
                    generator=torch.Generator(),  # else it would draw from the one that is saved
                )

    def _save(self) -> None:
        partial = self._state.with_suffix(".part")
        state: dict[str, Any] = {name: part.state_dict() for name, part in self._parts.items()}
        state |= {"step": self.step, "random": torch.get_rng_state()}
        torch.save(state, partial)
        partial.replace(self._state)

    def _resume(self) -> int:
        if not self._state.is_file():
            return 0
        state = torch.load(self._state, weights_only=True, map_location="cpu")
        for name, part in self._parts.items():
            part.load_state_dict(state[name])
        torch.set_rng_state(state["random"])
        return int(state["step"])


def fit(
    task: Task,
    schedule: Schedule,
    folder: Path,
    export: Callable[[nn.Module, int], None],
    place: Place | None = None,
) -> None:
    """Trains to the end of the schedule, going on from where the run's folder stands.

    Args:
        task: what is trained.
        schedule: how long, how hard and from which seed.
        folder: of this run.
        export: called with the averaged network and the step at every save, by the first process.
        place: of this process; alone on the CPU unless given.
    """
    place = place or Place(torch.device("cpu"))
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(schedule.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(schedule.seed)
    run = Run(task, schedule, folder, place)
    if place.rank != 0:
        run.go_on(None, export)
        return
    diary = Diary(folder, run.step)
    try:
        run.go_on(diary, export)
    finally:
        diary.close()


def _means(learnt: list[dict[str, float]]) -> dict[str, float]:
    """Of each term over many steps, all of which have the same ones."""
    return {name: round(fmean(terms[name] for terms in learnt), 5) for name in learnt[0]}


class _Losses(nn.Module):
    """The task as a module, so that its gradients can be shared as they come."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.network = task.network
        self._task = task

    def forward(self, batch: list[Tensor], progress: float) -> dict[str, Tensor]:
        return self._task.losses(batch, progress)


def _shared(losses: _Losses, place: Place) -> nn.Module:
    if place.world == 1:
        return losses
    # Not every run supervises every head.
    return DistributedDataParallel(losses, find_unused_parameters=True)


def _descend(
    loss: Tensor, network: nn.Module, optimizer: torch.optim.Optimizer, world: int = 1
) -> None:
    """One step down; the gradients of `world` processes are averaged first."""
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    if world > 1:
        for parameter in network.parameters():
            if parameter.grad is not None:
                distributed.all_reduce(parameter.grad)
                parameter.grad /= world
    torch.nn.utils.clip_grad_norm_(network.parameters(), MOST_GRADIENT)
    optimizer.step()


def _cosine(step: int, schedule: Schedule) -> float:
    warm = min(1.0, (step + 1) / schedule.warm_up)
    return warm * (0.5 * (1 + math.cos(math.pi * step / schedule.steps)) * 0.98 + 0.02)
