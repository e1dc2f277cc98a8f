from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from core.errors import SettingsError
from scripts import results_table
from scripts.results_table import BEGIN, END, tables

MARKED = f"# A title\n\n{BEGIN}\nold\n{END}\n\nThe rest.\n"


def call(*arguments: object) -> Any:
    """Runs the script inside this process."""
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(results_table.main)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def pairs(
    psnr: float | None, prior: str | None = None, split: str | None = "val"
) -> dict[str, Any]:
    """What `scripts.evaluate` says, as far as it is shown."""
    quality = {"psnr": psnr, "ssim": 0.83049, "psnr_gt_mean": 26.704, "ssim_gt_mean": 0.8}
    return {"model": "x", "prior": prior, "pairs": 39, "split": split, **quality}


def clips(psnr: float, frames: int = 24) -> dict[str, Any]:
    """What `scripts.evaluate_clips` says, as far as it is shown."""
    steady = {
        "mabd_error": 0.9,
        "warping_error": 5.14e-4,
        "flicker_error": 2.5e-4,
        "static_deviation": 0.0264,
    }
    way = {**pairs(psnr), **steady, "ghosting": -0.001, "ghosting_faint": 0.3}
    alone = {**way, "psnr": 12.0}
    names = {"clips": ["a", "b"], "frames": frames, "size": "480x270", "prior": "p"}
    return {**names, "as_clip": way, "per_frame": {**way, "ssim": 0.5}, "brightness_only": alone}


@pytest.fixture
def store(tmp_path: Path) -> Any:
    """Stores a result."""
    (tmp_path / "results").mkdir()

    def keep(name: str, said: object) -> Path:
        path = tmp_path / "results" / f"{name}.json"
        path.write_text(json.dumps(said))
        return path.parent

    return keep


def lines(folder: Path) -> list[str]:
    """Rows alone, of all tables."""
    return [line for line in tables(folder).splitlines() if line.startswith("| `")]


def test_rows_are_rounded_and_best_comes_first(store: Any) -> None:
    store("gamma", pairs(13.634))
    store("perfect", pairs(None))
    folder = store("deepspg", pairs(20.318, "hrnet"))
    assert lines(folder) == [
        "| `perfect` | - | inf | 0.830 | 26.70 | 0.800 |",
        "| `deepspg` | hrnet | 20.32 | 0.830 | 26.70 | 0.800 |",
        "| `gamma` | - | 13.63 | 0.830 | 26.70 | 0.800 |",
    ]
    assert tables(folder).startswith("39 pairs of split `val`:\n\n|  | prior | PSNR | SSIM |")


def test_clips_are_shown_in_every_way_and_brightness_alone_once(store: Any) -> None:
    store("better.clips", clips(25))
    found = lines(store("good.clips", clips(22)))
    assert len(found) == 5
    assert found[0].startswith("| `better` | p | 25.00 |")
    assert found[1].startswith("| `better, each frame alone` | p | 25.00 | 0.500 |")
    assert found[-1].startswith("| `brightness alone` | - | 12.00 |")
    assert found[0].endswith("| 0.90 | 0.51 | 0.25 | 2.64 | -0.1 | 30.0 |")


def test_what_was_not_measured_alike_has_a_table_of_its_own(store: Any) -> None:
    store("a", pairs(20))
    store("b", pairs(20, split=None))
    store("c.clips", clips(20))
    text = tables(store("d.clips", clips(20, frames=8)))
    assert [line for line in text.splitlines() if line.endswith(":")] == [
        "39 pairs of split `val`:",
        "39 pairs:",
        "2 clips of 24 frames, 480x270, darkened:",
        "2 clips of 8 frames, 480x270, darkened:",
    ]


def test_what_is_written_is_what_is_checked(store: Any, tmp_path: Path) -> None:
    folder = store("deepspg", pairs(20))
    readme = tmp_path / "README.md"
    readme.write_text(MARKED)
    stale = call("--results", folder, "--check", readme)
    assert stale.exit_code == 1
    assert "--write" in stale.output
    assert call("--results", folder, "--write", readme).exit_code == 0
    assert call("--results", folder, "--check", readme).exit_code == 0
    text = readme.read_text()
    assert text.startswith(f"# A title\n\n{BEGIN}\n\n39 pairs")
    assert text.endswith(f"|\n\n{END}\n\nThe rest.\n")
    readme.write_text(text.replace("20.00", "21.00"))
    assert call("--results", folder, "--check", readme).exit_code == 1


def test_rows_are_printed_without_a_file(store: Any) -> None:
    folder = store("deepspg", pairs(20))
    assert call("--results", folder).stdout == tables(folder) + "\n"


def test_a_readme_without_marks_is_refused(store: Any, tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"{BEGIN} and no end")
    result = call("--results", store("deepspg", pairs(20)), "--write", readme)
    assert result.exit_code == 2
    assert END in result.output
    assert readme.read_text() == f"{BEGIN} and no end"


@pytest.mark.parametrize("said", ["", "[1]", '{"psnr": 20}'])
def test_what_no_run_printed_is_named(store: Any, said: str) -> None:
    folder = store("odd", {})
    (folder / "odd.json").write_text(said)
    with pytest.raises(SettingsError, match=r"odd\.json is not what a run prints"):
        tables(folder)


def test_no_result_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no result"):
        tables(tmp_path)
