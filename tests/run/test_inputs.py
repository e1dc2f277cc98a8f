"""What is meant by the names of files and folders; nothing is looked into."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import SettingsError
from core.run.inputs import find_inputs, growing, read_list
from core.settings import BatchSettings

LONG_AGO_S = 1_700_000_000


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str], Path]:
    """``put("in/a.mp4")``: a file of that name."""

    def make(name: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("night")
        os.utime(path, (LONG_AGO_S, LONG_AGO_S))
        return path

    return make


def found(folder: Path, *inputs: Path, **settings: object) -> tuple[list[str], list[str]]:
    """The names that were found, as they will stand in the output folder, and the notes."""
    items, notes = find_inputs(inputs, folder / "out", BatchSettings.model_validate(settings))
    return [(item.place / item.source.name).as_posix() for item in items], notes


def test_patterns_choose(put: Callable[[str], Path], tmp_path: Path) -> None:
    for name in ("in/front-1.mp4", "in/rear-1.mp4", "in/old/front-2.mp4"):
        put(name)
    how = {"include": ("front*",), "exclude": ("old/*",)}
    assert found(tmp_path, tmp_path / "in", **how) == (["front-1.mp4"], [])


def test_a_file_that_is_named_is_taken_whatever_it_is(
    put: Callable[[str], Path], tmp_path: Path
) -> None:
    assert found(tmp_path, put("in/film.dat"), include=("*.mp4",)) == (["film.dat"], [])


def test_the_output_folder_is_not_searched(put: Callable[[str], Path], tmp_path: Path) -> None:
    put("in/a.mp4")
    put("out/earlier.mp4")
    names, (note,) = found(tmp_path, tmp_path)
    assert names == ["in/a.mp4"]
    assert "was not searched" in note


def test_what_was_made_into_the_folder_of_the_films_is_no_film(
    put: Callable[[str], Path], tmp_path: Path
) -> None:
    for name in ("out/a.mp4", "out/a_bright.mp4", "out/a_bright.mp4.lowlux.json", "out/old/b.mp4"):
        put(name)
    assert found(tmp_path, tmp_path / "out") == (["a.mp4", "old/b.mp4"], [])


def test_what_is_not_there_is_told(put: Callable[[str], Path], tmp_path: Path) -> None:
    put("in/notes.txt")
    with pytest.raises(SettingsError, match="There is no video in"):
        found(tmp_path, tmp_path / "in")
    with pytest.raises(SettingsError, match=r"nothing\.mp4 does not exist"):
        found(tmp_path, tmp_path / "nothing.mp4")


@pytest.mark.parametrize("is_recent", [False, True])
def test_only_what_is_recent_is_waited_for(
    put: Callable[[str], Path], tmp_path: Path, is_recent: bool
) -> None:
    recorded, done = put("a.mp4"), put("b.mp4")
    if is_recent:
        os.utime(recorded)
    items, _ = find_inputs([recorded, done], tmp_path / "out", BatchSettings())
    waited: list[float] = []

    def camera(seconds: float) -> None:
        waited.append(seconds)
        recorded.write_text("night after night")

    assert growing(items, camera) == ({recorded} if is_recent else set())
    assert len(waited) == is_recent


def test_lists_have_comments() -> None:
    lines = ["a.mp4\n", "\n", "# card 2\n", "dir/with space.mp4\r\n"]
    assert read_list(lines) == [Path("a.mp4"), Path("dir/with space.mp4")]
