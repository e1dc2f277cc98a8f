from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import SettingsError
from core.training.recipe import read_recipe

RECIPES = sorted((Path(__file__).parents[2] / "assets" / "recipes").glob("*.toml"))
SMALL = """
architecture = "deepspg"
[network]
widths = [4, 4, 4, 4]
[[data]]
kind = "pairs-csv"
path = "lol_v1"
[schedule]
stages = [{ steps = 4, batch = 2, crop = 32 }, { steps = 6, batch = 1, crop = 64 }]
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return path


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_in_the_box_is_understood(path: Path) -> None:
    assert read_recipe(path).schedule.steps > 0


def test_a_run_is_as_long_as_its_stages(small: Path) -> None:
    assert read_recipe(small).schedule.steps == 10


def test_a_wish_reaches_any_field(small: Path) -> None:
    wishes = [
        "schedule.rate=1e-4",
        "schedule.stages.1.crop=96",
        "objective.structure=0",
        "data.0.weight=2",
    ]
    recipe = read_recipe(small, wishes)
    assert recipe.schedule.rate == 1e-4
    assert [stage.crop for stage in recipe.schedule.stages] == [32, 96]
    assert recipe.objective.structure == 0
    assert recipe.data[0].weight == 2


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ("schedule.rat=1e-4", "schedule.rat"),
        ("schedule.rate", "NAME=VALUE"),
        ("schedule.stages.7.crop=96", "index"),
        ("objective.semantic=0.1", "need a prior"),
        ("data=[]", "needs data"),
    ],
)
def test_what_is_not_understood_is_named(small: Path, wish: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        read_recipe(small, [wish])
    assert str(small) in str(caught.value)


def test_a_missing_recipe_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.toml"):
        read_recipe(tmp_path / "nowhere.toml")
