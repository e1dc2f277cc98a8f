from __future__ import annotations

import importlib.util
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import typer
from numpy.typing import NDArray
from typer.testing import CliRunner

from core.enhance.enhancer import Enhancer, open_backend
from core.frame import Frame
from core.model import checkpoint
from core.model.deepspg import DeepSPG, DeepSPGConfig
from core.settings import EnhanceSettings
from core.training.metrics import scores
from scripts import evaluate

Picture = NDArray[np.uint8]
SMALL = DeepSPGConfig(widths=(8, 8, 8, 16), depths=(1, 1, 1, 1), prior_channels=None)


def picture(seed: int, height: int = 40, width: int = 48) -> Picture:
    """A smooth picture unlike that of another seed."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height)), np.uint8)


def write(path: Path, pixels: Picture) -> Path:
    """Without loss, making the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.ascontiguousarray(pixels[..., ::-1]))
    return path


def call(*arguments: object) -> Any:
    """Runs the script inside this process."""
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(evaluate.main)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def said(*arguments: object) -> dict[str, Any]:
    """Its last line."""
    result = call(*arguments, "--json-only")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pairs with one stem each, whose suffixes differ."""
    for number in (1, 2):
        bright = picture(number)
        write(tmp_path / "high" / f"{number}.bmp", bright)
        write(tmp_path / "low" / f"{number}.png", bright // 8)
    return tmp_path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Tiny weights that need no prior."""
    path = tmp_path / "tiny.safetensors"
    checkpoint.save(path, "deepspg", SMALL, DeepSPG(SMALL).state_dict(), prior="none")
    return path


def table(folder: Path, *rows: str) -> Path:
    """A pairs.csv."""
    path = folder / "pairs.csv"
    path.write_text("\n".join(["id,low,high,scene,split", *rows]) + "\n")
    return path


def test_equal_pictures_score_best(tmp_path: Path) -> None:
    flat = np.full((32, 32, 3), 255, np.uint8)
    write(tmp_path / "low" / "a.png", flat)
    write(tmp_path / "high" / "a.png", flat)
    found = said("--low", tmp_path / "low", "--high", tmp_path / "high", "--model", "gamma")
    assert found["psnr"] is None
    assert found["psnr_gt_mean"] is None
    assert found["ssim"] == found["ssim_gt_mean"] == 1.0
    assert found["sha256"] is None


def test_stems_are_matched_and_scored_as_the_metrics_do(folder: Path) -> None:
    found = said("--low", folder / "low", "--high", folder / "high", "--model", "gamma")
    direct = [scores(evaluate.gamma(picture(n) // 8), picture(n)) for n in (1, 2)]
    for name in direct[0]:
        assert found[name] == pytest.approx(np.mean([row[name] for row in direct]), abs=1e-4)
    assert (found["pairs"], found["split"]) == (2, None)


def test_the_model_runs_as_the_product_runs_it(folder: Path, model: Path) -> None:
    found = said("--low", folder / "low", "--high", folder / "high", "--model", model)
    loaded = checkpoint.load(model, "deepspg")
    with ThreadPoolExecutor(1) as pool:
        direct = []
        for number in (1, 2):
            backend = open_backend(loaded, "cpu", "float32")
            enhancer = Enhancer(backend, pool, EnhanceSettings(device="cpu"))
            bright = enhancer(Frame(picture(number) // 8, 0, Fraction(1))).pixels
            direct.append(scores(np.asarray(bright, np.uint8), picture(number))["psnr"])
    # A GPU, where there is one, may round a sample to the other side.
    assert found["psnr"] == pytest.approx(np.mean(direct), abs=0.01)
    assert found["sha256"] == loaded.sha256
    assert found["precision"] == "float32"
    assert found["seconds_per_image"] >= 0


def test_only_the_rows_of_the_split_count(folder: Path) -> None:
    pairs = table(folder, "1,low/1.png,high/1.bmp,0,train", "2,low/2.png,high/2.bmp,1,val")
    found = said("--pairs", pairs, "--split", "val", "--model", "gamma")
    direct = scores(evaluate.gamma(picture(2) // 8), picture(2))
    assert (found["pairs"], found["split"]) == (1, "val")
    assert found["psnr"] == pytest.approx(direct["psnr"], abs=1e-4)


def test_a_data_set_is_measured_as_the_toolboxes_unpack_it(tmp_path: Path) -> None:
    half = tmp_path / "Real_captured" / "Test"
    for number in (1, 2):
        write(half / "Low" / f"low0000{number}.png", picture(number) // 4)
        write(half / "Normal" / f"normal0000{number}.png", picture(number))
    told = ("--kind", "lol-v2-real", "--pairs", tmp_path, "--model", "gamma")
    found = said(*told, "--split", "test")
    assert (found["pairs"], found["split"]) == (2, "test")
    expected = [
        scores(evaluate.gamma(picture(number) // 4), picture(number))["psnr"] for number in (1, 2)
    ]
    assert found["psnr"] == pytest.approx(np.mean(expected), abs=1e-4)
    result = call(*told, "--split", "val")
    assert result.exit_code == 2
    assert "train or test" in result.stderr


LIBRARY = """
class Metric:
    def __init__(self, name):
        if name == "lpips":
            raise OSError("no network")
    def __call__(self, *pictures):
        (picture,) = pictures
        return picture.mean()
create_metric = Metric
"""


def test_what_needs_others_weights_is_told_or_left_out(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = ("--low", folder / "low", "--high", folder / "high", "--model", "gamma", "--perceptual")
    if importlib.util.find_spec("pyiqa") is None:
        result = call(*told)
        assert "niqe is left out: pyiqa is not installed" in result.stderr
        assert "niqe" not in json.loads(result.stdout.splitlines()[-1])
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "pyiqa.py").write_text(LIBRARY)
    monkeypatch.syspath_prepend(str(tmp_path / "library"))
    result = call(*told)
    monkeypatch.delitem(sys.modules, "pyiqa")
    found = json.loads(result.stdout.splitlines()[-1])
    assert 0 < found["niqe"] < 1
    assert "lpips" not in found
    assert "lpips is left out: its weights cannot be had (no network)" in result.stderr


def test_what_cannot_be_compared_is_refused(folder: Path) -> None:
    low, high = folder / "low", folder / "high"
    empty = folder / "empty"
    empty.mkdir()
    odd = write(folder / "odd" / "1.png", picture(1, 44, 48)).parent
    write(odd / "2.png", picture(2))
    alone = write(folder / "alone" / "1.png", picture(1)).parent
    short = write(folder / "short" / "1.png", picture(1, 31, 48)).parent
    pairs = table(folder, "1,low/1.png,high/1.bmp,0,train")
    for wrong, word in [
        (("--low", folder / "none", "--high", high), "no folder"),
        (("--low", empty, "--high", high), "no pair"),
        (("--low", low, "--high", alone), "no pair"),
        (("--low", low, "--high", odd), "one size"),
        (("--low", short, "--high", short), "the least"),
        (("--pairs", folder / "none.csv"), "no table"),
        (("--pairs", pairs), "no pair"),
        (("--pairs", pairs, "--low", low), "either"),
        ((), "either"),
    ]:
        result = call(*wrong, "--model", "gamma")
        assert result.exit_code == 2, wrong
        assert word in result.output


def test_a_table_without_its_columns_is_refused(folder: Path) -> None:
    (folder / "pairs.csv").write_text("low,high\nlow/1.png,high/1.bmp\n")
    result = call("--pairs", folder / "pairs.csv", "--model", "gamma")
    assert result.exit_code == 2
    assert "id, scene, split" in result.output


def test_a_model_that_is_not_there_is_named(folder: Path) -> None:
    result = call("--low", folder / "low", "--high", folder / "high", "--model", "nobody")
    assert result.exit_code == 1
    assert "nobody" in result.output
