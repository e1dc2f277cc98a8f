"""Trains every row of the ablation tables: ``python -m scripts.ablations --seed 1``.

``assets/recipes/ablations.toml`` says what each row sets in ``ablation.toml``; all have the same
budget. A row's figures on unseen scenes go to ``assets/results/ablations/ROW.SEED.json``; a row
that has them is not trained again, so several of these can work through one table.
"""

from __future__ import annotations

import json
import re
import time
import tomllib
from pathlib import Path
from typing import Annotated

import torch
import typer

from core.errors import CoreError, SettingsError
from core.model import checkpoint
from core.model.hrnet import PriorConfig, SemanticPrior
from core.settings import EnhanceSettings
from scripts import evaluate, train

RECIPES = Path(__file__).parents[1] / "assets" / "recipes"
STORED = Path(__file__).parents[1] / "assets" / "results" / "ablations"
UNTRAINED = "untrained-prior.safetensors"
"""A prior that has learnt nothing, which a row names as ``runs/untrained-prior.safetensors``."""


def read_rows() -> dict[str, dict[str, list[str]]]:
    """Table, row, and what the row sets."""
    rows: dict[str, dict[str, list[str]]] = tomllib.loads((RECIPES / "ablations.toml").read_text())
    return rows


def stored_name(row: str, seed: int) -> str:
    """What a row is called as a file, without its suffix."""
    return f"{re.sub('[^a-z]+', '-', row)}.{seed}"


def _rows_to_train() -> dict[str, list[str]]:
    """Rows under their first name: the same wishes in two tables are one run."""
    found: dict[str, list[str]] = {}
    for table in read_rows().values():
        found |= {name: wishes for name, wishes in table.items() if wishes not in found.values()}
    return found


def _train(row: str, wishes: list[str], seed: int, data: Path, runs: Path) -> dict[str, object]:
    """A row's figures."""
    started, name = time.monotonic(), f"ablation-{stored_name(row, seed)}"
    train.main(RECIPES / "ablation.toml", data, runs, name, [*wishes, f"schedule.seed={seed}"])
    seconds = time.monotonic() - started
    weights = str(runs / name / f"{name}.safetensors")
    pairs = evaluate.listed(data / "lol_v1" / "pairs.csv", "val")
    settings = EnhanceSettings(model=weights)
    figures = evaluate.evaluate(pairs, weights, "val", settings, bar=False)
    return {**figures, "model": row, "seed": seed, "train_seconds": round(seconds)}


def _make_untrained(path: Path) -> None:
    """Writes a prior of the shipped size whose weights are as they are drawn."""
    torch.manual_seed(0)
    config = PriorConfig()
    checkpoint.save(path, "hrnet-prior", config, SemanticPrior(config).state_dict())


def main(
    seed: Annotated[int, typer.Option(help="Of weights and of the order of crops")] = 1,
    data: Annotated[Path, typer.Option(help="The training data")] = Path("../shared/data"),
    runs: Annotated[Path, typer.Option(help="Where runs are kept")] = Path("runs"),
) -> None:
    """Trains and measures what is not measured yet."""
    STORED.mkdir(parents=True, exist_ok=True)
    try:
        if not (runs / UNTRAINED).is_file():
            _make_untrained(runs / UNTRAINED)
        for row, wishes in _rows_to_train().items():
            result = STORED / f"{stored_name(row, seed)}.json"
            if not result.exists():
                result.write_text(json.dumps(_train(row, wishes, seed, data, runs)) + "\n")
    except CoreError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2 if isinstance(error, SettingsError) else 1) from error


if __name__ == "__main__":
    typer.run(main)
