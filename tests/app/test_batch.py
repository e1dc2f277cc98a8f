"""`lowlux batch`: what is told, and the exit codes."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from app.cli import run
from core.media.source import open_source
from tests.app.conftest import FAST, Done, Lowlux


@pytest.fixture
def batch(lowlux: Lowlux, weights: Path) -> Lowlux:
    """``batch(folder, "-o", output)`` with the quick model, in JSON."""
    return lambda *arguments: lowlux("batch", *arguments, "--json", "--model", weights, *FAST)


def events(done: Done, name: str) -> list[dict[str, object]]:
    return [line for line in done.lines if line["event"] == name]


def test_good_and_bad_clips(batch: Lowlux, make_clip: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    good = make_clip("in/deep/good [1].mkv", audio=("eng",))
    (tmp_path / "in" / "empty.mp4").touch()
    (tmp_path / "in" / "cut.mp4").write_bytes(make_clip().read_bytes()[:900])
    output = tmp_path / "out" / "deep" / good.name

    done = batch(tmp_path / "in", "-o", tmp_path / "out")
    assert done.code == 1
    assert [film["output"] for film in done.summary["films"]] == [str(output)]
    reasons = {Path(out["source"]).name: out for out in done.summary["left_out"]}
    assert reasons.keys() == {"empty.mp4", "cut.mp4"}
    assert all(out["failed"] for out in reasons.values())
    with open_source(output) as source:
        assert len(list(source)) == 10
    log = (tmp_path / "out" / "lowlux-batch.log").read_text()
    assert "good [1].mkv: 10 frames" in log
    assert "is empty" in log

    again = batch(good, "-o", tmp_path / "out" / "deep")
    assert again.code == 0
    assert "exists already" in again.summary["left_out"][0]["reason"]
    assert not again.summary["films"]


def test_a_dry_run_writes_nothing(
    batch: Lowlux, lowlux: Lowlux, plain_clip: Path, weights: Path, tmp_path: Path
) -> None:
    done = batch(plain_clip, "-o", tmp_path / "out", "--dry-run")
    assert done.code == 0
    row, plan = done.lines
    assert (row["frames"], row["streams"]) == (10, ["video h264"])
    assert row["seconds"] >= 0
    assert 0 < row["size"] < 1_000_000
    assert not row["at_most"]
    assert plan["free"] > 0
    assert not (tmp_path / "out").exists()
    words = lowlux("batch", plain_clip, "-o", tmp_path / "out", "--dry-run", "--model", weights)
    assert "clip.mp4: 96x64, video h264; 10 frames, about" in words.out


def test_a_dry_run_does_not_look_for_bright_parts_and_says_so(
    batch: Lowlux, lowlux: Lowlux, plain_clip: Path, weights: Path, tmp_path: Path
) -> None:
    wish = (plain_clip, "-o", tmp_path / "out", "--dry-run", "--only-dark")
    for line in batch(*wish).lines:
        assert line["at_most"]
        assert line["size"] >= plain_clip.stat().st_size
    words = lowlux("batch", *wish, "--model", weights).out
    assert "10 frames, at most about" in words
    assert "Together at most about" in words


def test_inputs_from_a_list_and_from_a_pipe(
    batch: Lowlux, make_clip: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = make_clip("one.mp4"), make_clip("two.mp4")
    names = tmp_path / "list.txt"
    names.write_text(f"# both\n{one}\n", encoding="utf-8-sig")  # as some editors write it
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{two}\n"))
    done = batch("-", "--list", names, "-o", tmp_path / "out", "--dry-run")
    assert [Path(str(row["source"])) for row in events(done, "row")] == [two, one]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["x.mp4", "-o", "out", "--for", "cinema"], "--for cinema is none of archive, share, edit"),
        (["-o", "out"], "at least one video or folder"),
        (["nothing.mp4", "-o", "out"], "nothing.mp4 does not exist"),
        (["x.mp4", "-o", "out", "--workers", "0"], "--workers 0"),
        (["x.mp4", "-o", "out", "--crf", "99"], "--crf 99"),
        (["x.mp4", "-o", "out", "--list", "gone.txt"], "gone.txt cannot be read"),
        ([], "output"),
    ],
)
def test_wrong_usage(
    lowlux: Lowlux,
    arguments: list[str],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = lowlux("batch", *arguments)
    assert done.code == 2
    assert sentence in done.err


def test_help_explains_the_presets(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["batch", "--help"]) == 0
    words = " ".join(capfd.readouterr().out.replace("│", " ").split())
    for choice in ("archive: H.265 at CRF 17", "share: H.264 at CRF 21", "edit: ProRes 422 HQ"):
        assert choice in words


def test_hardware_that_is_not_here_is_replaced_and_said(
    batch: Lowlux, plain_clip: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / plain_clip.name).touch()
    done = batch(plain_clip, "-o", tmp_path / "out", "--codec", "h264_qsv")
    notes = [str(event["note"]) for event in events(done, "note")]
    assert any("exists already" in note for note in notes)
    sentence = "h264_qsv needs hardware that is not here, so libx264 is used"
    assert sentence in notes
    tried = batch(plain_clip, "-o", tmp_path / "more", "--codec", "h264_qsv", "--dry-run")
    assert sentence in tried.lines[-1]["notes"]
