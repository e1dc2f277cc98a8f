from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from numpy.typing import NDArray
from typer.testing import CliRunner

from scripts import evaluate_clips
from scripts.dark_clips import Take, stage

WAYS = ("as_clip", "per_frame", "brightness_only")
FIGURES = {
    *("psnr", "ssim", "psnr_gt_mean", "ssim_gt_mean"),
    *("mabd", "mabd_error", "warping_error", "flicker_error", "static_deviation"),
    *("ghosting", "ghosting_faint"),
}


def call(*arguments: object) -> Any:
    """Runs the script inside this process."""
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(evaluate_clips.main)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def said(*arguments: object) -> dict[str, Any]:
    """Its last line."""
    result = call(*arguments, "--json-only")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return found


@pytest.fixture
def folder(make_clip: Callable[..., Path], tmp_path: Path) -> Path:
    """One bright clip and one that does not belong."""

    def day(index: int, width: int, height: int) -> NDArray[np.uint8]:
        y, x = np.mgrid[:height, :width]
        waves = 150 + 60 * np.sin((x - 2 * index) / 9) * np.cos(y / 7)
        return np.repeat(waves[..., None], 3, axis=2).astype(np.uint8)

    make_clip("day_waves.mp4", picture=day)
    make_clip("night.mp4")
    return tmp_path


def test_the_shipped_model_is_measured_in_every_way(folder: Path) -> None:
    found = said("--clips", folder, "--frames", 8, "--device", "cpu")
    assert (found["model"], found["prior"]) == ("deepspg", "hrnet-w18-small")
    assert (found["clips"], found["frames"], found["size"]) == (["day_waves"], 8, "96x64")
    for way in WAYS:
        assert set(found[way]) == FIGURES
    # A network that takes away noise is steadier than a gain, which keeps all of it.
    assert found["as_clip"]["static_deviation"] < found["brightness_only"]["static_deviation"] / 2
    assert found["as_clip"]["warping_error"] < found["brightness_only"]["warping_error"]
    assert found["reference"]["warping_error"] < found["as_clip"]["warping_error"]
    # The prior is kept from frame to frame, or is computed for each.
    assert found["as_clip"] != found["per_frame"]


def test_what_steadiness_does_can_be_told_from_what_the_kept_prior_does(folder: Path) -> None:
    how = ("--clips", folder, "--frames", 8, "--device", "cpu", "--model", "deepspg-lite")
    firm, loose = said(*how), said(*how, "--steady", 0)
    assert firm["per_frame"] == loose["per_frame"]
    assert firm["as_clip"]["static_deviation"] < 0.7 * loose["as_clip"]["static_deviation"]


def test_a_curve_knows_of_no_frame_before(folder: Path) -> None:
    found = said("--clips", folder, "--frames", 8, "--model", "gamma", "--pattern", "d*")
    assert found["as_clip"] == found["per_frame"]
    assert (found["sha256"], found["prior"]) == (None, None)


def test_each_figure_finds_its_fault(folder: Path) -> None:
    scene = stage(folder / "day_waves.mp4", 8, 0)

    def flicker(take: Take) -> NDArray[np.uint8]:
        return np.asarray(take.bright * np.array([1.0, 0.8] * 4)[:, None, None, None], np.uint8)

    def smear(take: Take) -> NDArray[np.uint8]:
        before = take.bright[[0, *range(7)]]
        return np.asarray(0.6 * take.bright + 0.4 * before, np.uint8)

    perfect = evaluate_clips.measure(lambda take: take.bright, scene)
    assert (perfect["mabd_error"], perfect["static_deviation"], perfect["ghosting"]) == (0, 0, 0)
    flickers = evaluate_clips.measure(flicker, scene)
    # Around a mean of 0.9, four frames are a ninth brighter and four are a ninth dimmer.
    assert flickers["static_deviation"] == pytest.approx(np.sqrt(8 / 7) / 9, rel=0.02)
    assert flickers["warping_error"] > 10 * perfect["warping_error"]
    assert flickers["flicker_error"] > perfect["flicker_error"] == 0
    smears = evaluate_clips.measure(smear, scene)
    assert smears["ghosting"] == pytest.approx(0.4, abs=0.02)
    assert smears["ghosting_faint"] == pytest.approx(0.4, abs=0.05)
    assert smears["static_deviation"] == 0
    assert smears["flicker_error"] > 0


def test_what_cannot_be_measured_is_refused(folder: Path) -> None:
    for wrong, word in [
        (("--clips", folder / "none"), "no folder"),
        (("--clips", folder, "--pattern", "dusk*"), "dusk*"),
        (("--clips", folder, "--frames", 11), "not 11"),
        (("--clips", folder, "--frames", 7), "8"),
    ]:
        result = call(*wrong, "--model", "gamma")
        assert result.exit_code == 2, wrong
        assert word in result.output
    result = call("--clips", folder, "--model", "nobody")
    assert result.exit_code == 1
    assert "nobody" in result.output
