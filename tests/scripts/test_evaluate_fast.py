from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import typer
from numpy.typing import NDArray
from typer.testing import CliRunner

from scripts import evaluate_fast
from scripts.evaluate_fast import halo
from tests.fakes import scene, write_tiny_model

Picture = NDArray[np.uint8]


def call(*arguments: object) -> Any:
    """Runs the script inside this process."""
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(evaluate_fast.main)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """A table of one pair."""
    bright = scene(1, 96, 128)
    for name, picture in (("low", bright // np.uint8(8)), ("high", bright)):
        cv2.imwrite(str(tmp_path / f"{name}.png"), picture)
    table = tmp_path / "pairs.csv"
    table.write_text("id,low,high,scene,split\n1,low.png,high.png,1,val\n")
    return table


@pytest.fixture
def clips(make_clip: Callable[..., Path], tmp_path: Path) -> Path:
    """A folder with one bright clip."""
    make_clip("day_one.mp4", picture=lambda index, width, height: scene(2, height, width))
    return tmp_path


def test_both_ways_are_measured_on_pictures_and_clips(
    pairs: Path, clips: Path, tmp_path: Path
) -> None:
    tiny = write_tiny_model(tmp_path / "tiny.safetensors")
    both = ("--model", tiny, "--fast-model", tiny)
    result = call("--pairs", pairs, "--clips", clips, "--frames", 8, "--side", 64, *both)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout.splitlines()[-1])
    assert (found["side"], found["cadence"], found["pairs"]["count"]) == (64, 2, 1)
    assert found["clips"]["names"] == ["day_one"]
    for part in ("pairs", "clips"):
        full, fast = found[part]["full"], found[part]["fast"]
        assert {"psnr", "ssim", "halo"} <= set(full) == set(fast)
        assert found[part]["lower_db"] == pytest.approx(full["psnr"] - fast["psnr"], abs=0.02)
    assert set(found["clips"]["reference"]) < set(found["clips"]["fast"])


def step() -> Picture:
    picture = np.full((120, 200, 3), 60, np.uint8)
    picture[:, 100:] = 160
    return picture


def test_a_halo_is_found_and_a_wrong_exposure_is_none() -> None:
    glow = cv2.GaussianBlur(step().astype(np.float32), (0, 0), 5) - step()
    assert halo(step(), step()) == 0
    assert halo((step() * 0.8).astype(np.uint8), step()) < 0.5
    found = [halo(np.clip(step() + k * glow, 0, 255).astype(np.uint8), step()) for k in (0.3, -0.6)]
    assert 1 < found[0] < found[1]


def test_a_picture_without_edges_has_no_halo() -> None:
    assert halo(np.full((90, 90, 3), 80, np.uint8), np.full((90, 90, 3), 90, np.uint8)) == 0


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [((), 2, "--pairs"), (("--clips", "/nowhere"), 2, "--clips")],
)
def test_what_cannot_be_measured_is_refused(
    arguments: tuple[str, ...], code: int, word: str
) -> None:
    result = call(*arguments)
    assert result.exit_code == code
    assert word in result.output
