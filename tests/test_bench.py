from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest
from typer.testing import CliRunner

from core.errors import SettingsError
from core.model import checkpoint
from core.model.deepspg import DeepSPG, DeepSPGConfig
from scripts import bench
from scripts.bench_pipeline import STAGES, read_reel
from scripts.loop_clip import looped

SMALL = DeepSPGConfig(widths=(8, 8, 8, 16), depths=(1, 1, 1, 1), prior_channels=None)


def said(*arguments: object) -> dict[str, Any]:
    """The JSON object a subcommand prints, alone on standard output."""
    command = [*(str(argument) for argument in arguments), "--json"]
    result = CliRunner().invoke(bench.app, command, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Tiny weights that need no prior."""
    path = tmp_path / "tiny.safetensors"
    checkpoint.save(path, "deepspg", SMALL, DeepSPG(SMALL).state_dict(), prior="none")
    return path


def test_both_sizes_keep_to_the_papers_budget() -> None:
    found = said("complexity")
    for name in ("deepspg", "deepspg-large"):
        row = found[name]
        assert round(row["parameters"] / 1e6, 2) <= row["paper_parameters_m"]
        assert 1e9 < row["multiply_adds_256x256"] <= row["paper_multiply_adds_g"] * 1e9
        assert 0.5 < row["multiply_adds_1280x720"] / (row["multiply_adds_640x360"] * 4) < 1.5
    prior = found["hrnet-w18-small"]
    # It looks at no more than 512 pixels, whatever the size of the frame.
    assert prior["multiply_adds_1280x720"] == prior["multiply_adds_640x360"]


def test_the_table_is_there_without_json() -> None:
    result = CliRunner().invoke(bench.app, ["complexity"])
    assert "deepspg-large" in result.stdout


def test_the_stages_and_the_whole_see_the_same_frames(
    make_clip: Callable[..., Path], model: Path
) -> None:
    clip = make_clip(audio=("eng",))
    found = said(
        "pipeline", clip, "--frames", 4, "--repeats", 1, "--model", model, "--device", "cpu"
    )
    assert (found["frames"], found["size"], found["device"]) == (4, "96x64", "cpu")
    assert all(found[f"{name}_fps"] > 0 for name in STAGES)
    shares = [found[f"{name}_share"] for name in ("decode", "network", "encode")]
    assert sum(shares) == pytest.approx(1, abs=0.001)
    slowest = found[f"{found['slowest']}_fps"]
    assert slowest == min(found[f"{name}_fps"] for name in ("decode", "network", "encode"))
    assert found["whole_over_slowest"] == pytest.approx(found["whole_fps"] / slowest, rel=0.01)


def test_a_clip_shorter_than_asked_for_is_taken_whole(plain_clip: Path) -> None:
    reel = read_reel(plain_clip, 60)
    assert (len(reel.frames), reel.trim.end) == (10, None)


@pytest.mark.parametrize("frames", [None, 6])
@pytest.mark.parametrize("begin", [0, 40])
def test_a_looped_clip_is_that_many_times_as_long(
    make_clip: Callable[..., Path], tmp_path: Path, frames: int | None, begin: int
) -> None:
    audio = ("eng",) if begin == 0 else ()
    clip = make_clip(times=range(begin, begin + 10), audio=audio)
    long = looped(clip, tmp_path / "looped.mp4", 3, frames)
    with av.open(str(long)) as film:
        times = [frame.time or 0.0 for frame in film.decode(video=0)]
    assert len(times) == 3 * (frames or 10)
    assert times == sorted(set(times))
    assert times[-1] >= (3 * (frames or 10) - 1) / 25 - 0.001


def test_peak_memory_of_both_is_told(plain_clip: Path, model: Path) -> None:
    found = said("memory", plain_clip, "--loops", 2, "--frames", 4, "--model", model)
    assert found["loops"] == 2
    assert found["once_mib"] > 50
    assert found["ratio"] == pytest.approx(found["looped_mib"] / found["once_mib"], abs=0.001)


def test_startup_is_told(plain_clip: Path, model: Path) -> None:
    found = said("startup", plain_clip, "--repeats", 1, "--model", model)
    assert 0 < found["best_seconds"] == found["median_seconds"]


def test_a_clip_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="no clip"):
        bench._existing(Path("none.mp4"))
    monkeypatch.setattr("sys.argv", ["bench", "pipeline", "none.mp4"])
    with pytest.raises(SystemExit) as stopped:
        bench.main()
    assert stopped.value.code == 2
