"""`lowlux verify`: what is told, and the exit codes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from core.run.manifest import manifest_path
from tests.app.conftest import Lowlux
from tests.run.test_verify import Film, flip, make_film


@pytest.fixture
def film(make_clip: Callable[..., Path], tmp_path: Path) -> Film:
    clip = make_clip("night [1].mp4", width=64, height=48, audio=("eng",))
    return make_film(clip, tmp_path / "bright [1].mp4")


def test_a_line_for_each_check(lowlux: Lowlux, film: Film) -> None:
    done = lowlux("verify", film.output)
    assert done.code == 0
    name, *lines = done.out.splitlines()
    assert name == str(film.output)
    assert [line.split()[:2] for line in lines] == [
        ["passed", check]
        for check in ("manifest", "output", "source", "times", "sound", "pictures")
    ]
    assert "5 frames enhanced again, 5 the same to the bit" in lines[-1]
    assert done.err == ""


def test_a_failed_check_is_named(lowlux: Lowlux, film: Film) -> None:
    flip(film.source)
    done = lowlux("verify", film.output, "--frames", "1")
    assert done.code == 1
    assert f"  FAILED  source    {film.source} was changed" in done.out


def test_programs_are_told_in_json(lowlux: Lowlux, film: Film) -> None:
    output, manifest = film.output, manifest_path(film.output)
    done = lowlux("verify", output, manifest, "--json", "--frames", "all")
    assert done.code == 0
    (line,) = done.lines
    assert (line["event"], line["passed"], line["output"]) == ("verdict", True, str(output))
    assert "10 frames enhanced again" in line["checks"][-1]["detail"]
    flip(manifest)
    done = lowlux("verify", output, "--json")
    assert (done.code, done.lines[0]["passed"]) == (1, False)
    assert [check["name"] for check in done.lines[0]["checks"]] == ["manifest"]


def test_one_bad_output_among_good_ones(lowlux: Lowlux, film: Film) -> None:
    bad = film.output.with_name("bad.mp4")
    bad.write_bytes(film.output.read_bytes())
    done = lowlux("verify", bad, film.output, "--json")
    assert done.code == 1
    assert [line["passed"] for line in done.lines] == [False, True]
    assert "only what lowlux batch has made" in done.lines[0]["checks"][0]["detail"]


def test_the_source_may_be_named(lowlux: Lowlux, film: Film, tmp_path: Path) -> None:
    (tmp_path / "card").mkdir()
    elsewhere = film.source.rename(tmp_path / "card" / "other name.mp4")
    assert lowlux("verify", film.output).code == 1
    assert lowlux("verify", film.output, "--source", elsewhere).code == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "OUTPUT"),
        (("gone.mp4",), "gone.mp4 is no file"),
        ((".",), ". is no file"),
        (("a.mp4", "--frames", "0"), "--frames 0 is neither"),
        (("a.mp4", "--frames", "most"), "--frames most is neither"),
        (("a.mp4", "b.mp4", "--source", __file__), "goes with one output"),
        (("a.mp4", "--source", "gone.mp4"), "--source gone.mp4 has to be a file"),
    ],
)
def test_wrong_usage_is_told(lowlux: Lowlux, arguments: tuple[str, ...], sentence: str) -> None:
    done = lowlux("verify", *arguments)
    assert done.code == 2
    assert sentence in done.err
    assert done.out == ""
