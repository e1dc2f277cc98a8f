"""Trains a network as a recipe says: ``python scripts/train.py assets/recipes/NAME.toml``.

Goes on where an earlier run of the same name stopped, and writes the averaged weights to
``runs/NAME/NAME.safetensors`` at every save.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal, cast

import torch
import typer
from pydantic import BaseModel, ConfigDict

from core.model import checkpoint
from core.model.deepspg import DeepSPG, DeepSPGConfig
from core.model.hrnet import PriorConfig, SemanticPrior
from core.training.tasks import EnhanceTask, PriorTask
from core.training.trainer import Schedule, Task, fit


class Recipe(BaseModel):
    """One TOML file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    architecture: Literal["deepspg", "hrnet-prior"]
    network: DeepSPGConfig | PriorConfig
    prior: str | None = None
    """Weights of the frozen prior: a shipped name or a file."""
    begin_from: str | None = None
    """Weights to start from."""
    schedule: Schedule
    header: dict[str, str] = {}
    """What the weights' header says of data and licence."""


def main(
    recipe: Path,
    data: Annotated[Path, typer.Option(help="The training data")] = Path("../shared/data"),
    runs: Annotated[Path, typer.Option(help="Where runs are kept")] = Path("runs"),
) -> None:
    """Trains one network."""
    plan = Recipe.model_validate(tomllib.loads(recipe.read_text()))
    torch.manual_seed(plan.schedule.seed)
    run = runs / recipe.stem

    def export(network: torch.nn.Module, step: int) -> None:
        said = plan.header | {"steps": str(step), "prior": plan.prior or "none"}
        path = run / f"{recipe.stem}.safetensors"
        checkpoint.save(path, plan.architecture, plan.network, network.state_dict(), **said)

    fit(_task(plan, data), plan.schedule, run, export)


def _task(plan: Recipe, data: Path) -> Task:
    network = checkpoint.ARCHITECTURES[plan.architecture].build(plan.network)
    if plan.begin_from is not None:
        begin = checkpoint.load(checkpoint.find(plan.begin_from), plan.architecture).network
        network.load_state_dict(begin.state_dict())
    if plan.architecture == "hrnet-prior":
        return PriorTask(cast(SemanticPrior, network), data, plan.schedule)
    prior = (
        checkpoint.load(checkpoint.find(plan.prior), "hrnet-prior").network if plan.prior else None
    )
    return EnhanceTask(cast(DeepSPG, network), cast(SemanticPrior, prior), data, plan.schedule)


if __name__ == "__main__":
    typer.run(main)
