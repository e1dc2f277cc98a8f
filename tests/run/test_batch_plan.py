"""What goes where, and what is refused, before the first frame."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import SettingsError
from core.run.batch_plan import BatchPlan, make_plan
from core.run.journal import journal_path
from core.settings import PURPOSES, BatchSettings
from tests.conftest import Clip

LONG_AGO_S = 1_700_000_000


def no_wait(_seconds: float) -> None:
    """Nothing is recent in these tests, or the test itself is the camera."""


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Clip(times=range(3), width=64, height=48).write(
        tmp_path_factory.mktemp("clip") / "clip.mp4"
    )


@pytest.fixture
def put(tmp_path: Path, clip: Path) -> Callable[..., Path]:
    """``put("in/a.mp4")``: the clip under another name."""

    def copy(name: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(clip, path)
        os.utime(path, (LONG_AGO_S, LONG_AGO_S))
        return path

    return copy


def plan(folder: Path, *inputs: Path, **settings: object) -> BatchPlan:
    return make_plan(inputs, folder, BatchSettings.model_validate(settings), no_wait)


def places(plan: BatchPlan) -> list[str]:
    return [job.output.relative_to(plan.folder).as_posix() for job in plan.jobs]


def test_folders_are_mirrored(put: Callable[..., Path], tmp_path: Path) -> None:
    for name in ("in/b.mp4", "in/sub/deep/a.MP4", "in/readme.txt", "in/film.mp4.0123abcd.part"):
        put(name)
    made = plan(tmp_path / "out", tmp_path / "in")
    assert places(made) == ["b.mp4", "sub/deep/a.mp4"]
    assert not (tmp_path / "out").exists()
    assert made.jobs[0].frames == 3


def test_several_folders_keep_their_names(put: Callable[..., Path], tmp_path: Path) -> None:
    put("one/a.mp4")
    put("two/a.mp4")
    assert places(plan(tmp_path / "out", tmp_path / "one", tmp_path / "two")) == [
        "one/a.mp4",
        "two/a.mp4",
    ]


@pytest.mark.parametrize(
    ("source", "settings", "output"),
    [
        ("x.mkv", {}, "x.mkv"),
        ("x.avi", {}, "x.mp4"),
        ("x.webm", {}, "x.webm"),
        ("x.webm", {"encode": {"codec": "libx265"}}, "x.mkv"),
        ("x.mkv", {"suffix": ".mov", "encode": PURPOSES["edit"].encode}, "x.mov"),
        ("x.mp4", {"name": "{parent}-{stem}-{ext}"}, "in-x-mp4.mp4"),
    ],
)
def test_names_of_outputs(
    put: Callable[..., Path], tmp_path: Path, source: str, settings: dict[str, object], output: str
) -> None:
    assert places(plan(tmp_path / "out", put(f"in/{source}"), **settings)) == [output]


@pytest.mark.parametrize("name", ["{nothing}", "{0}", "{stem", "../{stem}", "/{stem}", ""])
def test_names_that_cannot_be(put: Callable[..., Path], tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="--name"):
        plan(tmp_path / "out", put("in/a.mp4"), name=name)


@pytest.mark.parametrize("others", [("in/a.mp4", "more/a.mp4"), ("in/a.mp4", "in/A.mp4")])
def test_two_of_one_name_are_refused(
    put: Callable[..., Path], tmp_path: Path, others: tuple[str, str]
) -> None:
    paths = [put(name) for name in others]
    if paths[0].exists() and paths[0].samefile(paths[1]):
        pytest.skip("this disk does not tell capital letters from small ones")
    with pytest.raises(SettingsError, match=r"would both become .*give --name"):
        plan(tmp_path / "out", *paths)


def test_an_output_never_replaces_an_input(put: Callable[..., Path], tmp_path: Path) -> None:
    put("in/a.mp4")
    with pytest.raises(SettingsError, match="would replace the input"):
        plan(tmp_path / "in", tmp_path / "in", overwrite=True)


def test_the_same_file_is_done_once(put: Callable[..., Path], tmp_path: Path) -> None:
    first = put("in/a.mp4")
    link = tmp_path / "in" / "b.mp4"
    link.symlink_to(first)
    made = plan(tmp_path / "out", first, first, link)
    assert places(made) == ["a.mp4"]
    assert [out.reason for out in made.left_out] == [f"it is the same file as {first}"] * 2
    assert not any(out.is_failure for out in made.left_out)


def test_bad_files_are_named_and_the_rest_goes_on(put: Callable[..., Path], tmp_path: Path) -> None:
    good = put("in/good.mp4")
    (tmp_path / "in" / "empty.mp4").touch()
    cut = tmp_path / "in" / "cut.mp4"
    cut.write_bytes(good.read_bytes()[:500])
    (tmp_path / "in" / "broken.mp4").symlink_to(tmp_path / "gone")
    made = plan(tmp_path / "out", tmp_path / "in")
    assert places(made) == ["good.mp4"]
    reasons = {out.source.name: out.reason for out in made.left_out}
    assert "is empty" in reasons["empty.mp4"]
    assert "no index" in reasons["cut.mp4"]
    assert "does not exist" in reasons["broken.mp4"]
    assert all(out.is_failure for out in made.left_out)


def test_a_file_that_grows_is_skipped(put: Callable[..., Path], tmp_path: Path) -> None:
    growing, done = put("in/a.mp4"), put("in/b.mp4")
    os.utime(growing)
    waited: list[float] = []

    def camera(seconds: float) -> None:
        waited.append(seconds)
        with growing.open("ab") as file:
            file.write(b"more")

    made = make_plan([growing, done], tmp_path / "out", BatchSettings(), camera)
    assert places(made) == ["b.mp4"]
    assert "still being written" in made.left_out[0].reason
    assert len(waited) == 1


def test_what_is_there_is_skipped(put: Callable[..., Path], tmp_path: Path) -> None:
    source, output = put("in/a.mp4"), put("out/a.mp4")
    made = plan(tmp_path / "out", source)
    assert not made.jobs
    assert "exists already" in made.left_out[0].reason
    assert places(plan(tmp_path / "out", source, overwrite=True)) == ["a.mp4"]
    journal_path(output).touch()
    assert places(plan(tmp_path / "out", source)) == ["a.mp4"]
