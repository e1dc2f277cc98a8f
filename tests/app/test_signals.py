"""Stopped in the middle: nothing is left behind, and the input is as it was."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.app.conftest import FAST, program

Start = Callable[[list[str]], "subprocess.Popen[str]"]
PATIENCE_S = 60


def begin(start: Start, clip: Path, output: Path, weights: Path) -> subprocess.Popen[str]:
    """The program, once its output has begun to grow."""
    process = start(program("enhance", clip, "-o", output, "--model", weights, "--json", *FAST))
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["frames"] == 1
    # The encoder looks ahead, so the first packet is written a little after the first frame.
    assert json.loads(process.stdout.readline())["event"] == "progress"
    assert [path.suffix for path in output.parent.iterdir()] == [".part"]
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_job_that_is_interrupted_leaves_nothing(
    start: Start, long_clip: Path, weights: Path, tmp_path: Path, number: signal.Signals
) -> None:
    before = long_clip.read_bytes()
    process = begin(start, long_clip, tmp_path / "bright.mp4", weights)
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert list(tmp_path.iterdir()) == []
    assert long_clip.read_bytes() == before
    assert "summary" not in out
    assert len(err.splitlines()) == 1
    assert "Interrupted" in err


def test_who_presses_again_is_told_the_same(
    start: Start, long_clip: Path, weights: Path, tmp_path: Path
) -> None:
    process = begin(start, long_clip, tmp_path / "bright.mp4", weights)
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    assert "Interrupted" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, err) == (130, "")


def test_a_job_that_is_killed_leaves_no_output(
    start: Start, long_clip: Path, weights: Path, tmp_path: Path
) -> None:
    before = long_clip.read_bytes()
    output = tmp_path / "bright.mp4"
    process = begin(start, long_clip, output, weights)
    process.kill()
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == -signal.SIGKILL
    assert not output.exists()
    assert long_clip.read_bytes() == before
