"""Trains every row of the ablation tables: ``python -m scripts.ablations --seed 1``.

``assets/ablations.toml`` says what each row sets in ``ablation.toml``; all have the same
budget. A row's figures on unseen scenes go to ``assets/results/ablations/ROW.SEED.json``; a row
that has them is not trained again, so several of these can work through one table.
"""

from __future__ import annotations

import json
import re
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from typing import Annotated

import torch
import typer

from core.errors import CoreError, SettingsError
from core.model import checkpoint
from core.model.hrnet import PriorConfig, SemanticPrior
from core.settings import EnhanceSettings
from scripts import evaluate, train
from scripts.pairs import listed

ASSETS = Path(__file__).parents[1] / "assets"
BASE = ASSETS / "recipes" / "ablation.toml"
STORED = ASSETS / "results" / "ablations"
UNTRAINED = "untrained-prior.safetensors"
"""A prior that has learnt nothing, in the folder of runs; a row calls it ``{untrained}``."""

FIGURES = {
    "ssim": ("SSIM", ".3f"),
    "psnr_gt_mean": ("PSNR, reference's mean", ".2f"),
    "ssim_gt_mean": ("SSIM, reference's mean", ".3f"),
}
"""Beside PSNR: heading and form."""


def read_rows() -> dict[str, dict[str, list[str]]]:
    """Table, row, and what the row sets."""
    rows: dict[str, dict[str, list[str]]] = tomllib.loads((ASSETS / "ablations.toml").read_text())
    return rows


def tables(stored: Path = STORED) -> Iterator[str]:
    """Every table that has results, in Markdown: means over seeds, and the spread of PSNR."""
    for title, rows in read_rows().items():
        lines = [line for row in rows if (line := _line(row, rows[row], stored))]
        if lines:
            heads = ["", "seeds", "PSNR", "spread", *(head for head, _ in FIGURES.values())]
            top = f"| {' | '.join(heads)} |"
            yield "\n".join([f"Ablation: {title}.", "", top, "|---" * len(heads) + "|", *lines])


def _line(row: str, wishes: list[str], stored: Path) -> str | None:
    name = _name(_first_names()[tuple(wishes)])
    found = [json.loads(path.read_text()) for path in sorted(stored.glob(f"{name}.*.json"))]
    if not found:
        return None
    psnr = [result["psnr"] for result in found]
    others = [
        format(mean(result[name] for result in found), form) for name, (_, form) in FIGURES.items()
    ]
    spread = f"{max(psnr) - min(psnr):.2f}" if len(psnr) > 1 else "-"
    cells = [row, str(len(found)), f"{mean(psnr):.2f}", spread, *others]
    return f"| {' | '.join(cells)} |"


def _name(row: str) -> str:
    """What a row is called as a file."""
    return re.sub("[^a-z]+", "-", row)


def _first_names() -> dict[tuple[str, ...], str]:
    """What is set, and the first row that sets it: the same in two tables is one run."""
    found: dict[tuple[str, ...], str] = {}
    for table in read_rows().values():
        for name, wishes in table.items():
            found.setdefault(tuple(wishes), name)
    return found


def _train(row: str, wishes: list[str], seed: int, data: Path, runs: Path) -> dict[str, object]:
    """A row's figures."""
    started, name = time.monotonic(), f"ablation-{_name(row)}.{seed}"
    told = [wish.format(untrained=runs / UNTRAINED) for wish in wishes]
    train.main(BASE, data, runs, name, [*told, f"schedule.seed={seed}"])
    seconds = time.monotonic() - started
    weights = str(runs / name / f"{name}.safetensors")
    pairs = listed(data / "lol_v1" / "pairs.csv", "val")
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
    for folder in (STORED, runs):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        if not (runs / UNTRAINED).is_file():
            _make_untrained(runs / UNTRAINED)
        for wishes, row in _first_names().items():
            result = STORED / f"{_name(row)}.{seed}.json"
            if not result.exists():
                said = _train(row, list(wishes), seed, data, runs)
                result.write_text(json.dumps(said) + "\n")
    except CoreError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2 if isinstance(error, SettingsError) else 1) from error


if __name__ == "__main__":
    typer.run(main)
