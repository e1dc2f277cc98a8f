from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.training.recipe import read_recipe
from scripts import ablations


def keep(folder: Path, name: str, psnr: float) -> None:
    """Stores a row's figures as the script does."""
    figures = {"psnr": psnr, "ssim": 0.8, "psnr_gt_mean": 26.0, "ssim_gt_mean": 0.85}
    (folder / f"{name}.json").write_text(json.dumps(figures))


def test_a_row_shows_its_mean_and_spread_in_every_table_it_is_in(tmp_path: Path) -> None:
    keep(tmp_path, "prior-coarse-to-fine.1", 20.0)
    keep(tmp_path, "prior-coarse-to-fine.2", 20.5)
    prior, objective = ablations.tables(tmp_path)
    cells = "| 2 | 20.25 | 0.50 | 0.800 | 26.00 | 0.850 |"
    assert prior.splitlines()[-1] == f"| prior, coarse to fine {cells}"
    assert objective.splitlines()[-1] == f"| pixel, edge, structure {cells}"


def test_there_is_no_table_without_results(tmp_path: Path) -> None:
    assert not list(ablations.tables(tmp_path))


@pytest.mark.parametrize("table", ablations.read_rows())
def test_every_row_is_a_recipe_of_the_same_budget(table: str) -> None:
    rows = ablations.read_rows()[table].values()
    plans = [read_recipe(ablations.BASE, wishes) for wishes in rows]
    assert len({plan.model_dump_json() for plan in plans}) == len(plans)
    assert len({plan.schedule for plan in plans}) == 1
