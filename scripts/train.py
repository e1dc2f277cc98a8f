"""Trains a network as a recipe says: ``python -m scripts.train assets/recipes/NAME.toml``.

Goes on where an earlier run of the same name stopped, and writes the averaged weights to
``runs/NAME/NAME.safetensors`` at every save. ``torchrun --nproc-per-node N -m scripts.train ...``
shares every batch between N processes. ``--set FIELD=VALUE`` sets any field of the recipe.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, cast

import torch
import typer
from filelock import FileLock, Timeout

from core.errors import CoreError, SettingsError
from core.model import checkpoint
from core.model.deepspg import DeepSPG
from core.model.hrnet import SemanticPrior
from core.training.enhance_task import EnhanceTask
from core.training.place import Place, join
from core.training.prior_task import PriorTask
from core.training.recipe import Recipe, read_recipe
from core.training.trainer import Task, fit
from core.training.widening import begin_as


def main(
    recipe: Path,
    data: Annotated[Path, typer.Option(help="The training data")] = Path("../shared/data"),
    runs: Annotated[Path, typer.Option(help="Where runs are kept")] = Path("runs"),
    name: Annotated[str | None, typer.Option(help="Of the run; the recipe's otherwise")] = None,
    wish: Annotated[list[str] | None, typer.Option("--set", help="FIELD=VALUE")] = None,
) -> None:
    """Trains one network."""
    try:
        plan = read_recipe(recipe, wish or [])
        folder = runs / (name or recipe.stem)
        with join() as place, _alone(folder, place):
            if place.rank == 0:
                _claim(folder, plan)
            _train(plan, data, folder, place)
    except CoreError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2 if isinstance(error, SettingsError) else 1) from error


@contextmanager
def _alone(folder: Path, place: Place) -> Iterator[None]:
    """The folder is this run's alone while it goes on."""
    if place.rank != 0:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / "lock", blocking=False):
            yield
    except Timeout as error:
        raise SettingsError(f"{folder} is at work already: wait, or give a --name.") from error


def _claim(folder: Path, plan: Recipe) -> None:
    """Lets a folder be one run's for good: no other recipe goes on in it, and no other weights."""
    note, weights = folder / "recipe.json", folder / "weights.json"
    if not note.is_file():
        _write(note, plan.model_dump_json(indent=1))
    elif _noted(note) != plan:
        raise SettingsError(f"{folder} holds a run of another recipe: give this one a --name.")
    taken = _taken(plan)
    if not weights.is_file():
        _write(weights, json.dumps(taken, indent=1))
    elif (before := json.loads(weights.read_text())) != taken:
        changed = ", ".join(name for name in taken if taken[name] != before.get(name))
        raise SettingsError(f"{folder} began with another {changed}: give this run a --name.")


def _write(path: Path, text: str) -> None:
    """Whole or not at all."""
    partial = path.with_suffix(".part")
    partial.write_text(text)
    partial.replace(path)


def _taken(plan: Recipe) -> dict[str, str]:
    """The weights that a run takes up, by what for: SHA-256 of their files."""
    named = {"prior": plan.prior, "teacher": plan.teacher, "begin_from": plan.begin_from}
    return {
        what: hashlib.sha256(checkpoint.find(name).read_bytes()).hexdigest()
        for what, name in named.items()
        if name is not None
    }


def _noted(note: Path) -> Recipe | None:
    """The recipe of a run; not compared as text: what a recipe can say grows, and runs go on."""
    try:
        return Recipe.model_validate_json(note.read_text())
    except ValueError:
        return None


def _train(plan: Recipe, data: Path, folder: Path, place: Place) -> None:
    torch.manual_seed(plan.schedule.seed)
    task = _task(plan, data, place)
    if place.rank == 0:
        for term, said in task.said.items():
            typer.echo(f"{term}: {said}", err=True)

    taken = {f"{what}_sha256": digest for what, digest in _taken(plan).items()}

    def export(network: torch.nn.Module, step: int) -> None:
        header = plan.header | task.said | taken
        header |= {"steps": str(step), "prior": plan.prior or "none"}
        if plan.architecture == "deepspg":
            header["objective"] = str(plan.objective)
        path = folder / f"{folder.name}.safetensors"
        checkpoint.save(path, plan.architecture, plan.network, network.state_dict(), **header)

    fit(task, plan.schedule, folder, export, place)


def _task(plan: Recipe, data: Path, place: Place) -> Task:
    network = checkpoint.ARCHITECTURES[plan.architecture].build(plan.network)
    if plan.begin_from is not None:
        begin = checkpoint.load(checkpoint.find(plan.begin_from), plan.architecture).network
        begin_as(network, begin)
    network.to(place.device)
    if plan.architecture == "hrnet-prior":
        return PriorTask(cast(SemanticPrior, network), data, plan.schedule.seed)
    return EnhanceTask(cast(DeepSPG, network), plan, data, place.device)


if __name__ == "__main__":
    typer.run(main)
