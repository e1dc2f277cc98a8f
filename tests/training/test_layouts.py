from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from core.errors import SettingsError
from core.training import layouts
from core.training.layouts import (
    ARRAY_SIZE,
    LAYOUTS,
    DataSource,
    Kind,
    PairFiles,
    open_pairs,
    read_array,
)

Picture = NDArray[np.uint8]


def picture(seed: int, height: int = 24, width: int = 32) -> Picture:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def write(path: Path, seed: int = 0, **size: int) -> Picture:
    """A lossless RGB picture of that seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), picture(seed, **size)[..., ::-1])
    return picture(seed, **size)


def write_table(folder: Path, rows: list[dict[str, str]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "pairs.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)


def write_array(path: Path, level: float, dtype: Any = np.uint8) -> None:
    """A flat frame as the toolboxes store it: blue first, from 0 to 255."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frame = np.zeros((512, 960, 3), dtype)
    frame[..., 0] = level
    np.save(path, frame)


def level(image: Picture) -> int:
    """What `write_array` was given, if it came back as blue."""
    assert image.shape == (512, 960, 3)
    assert not image[..., :2].any()
    return int(image[0, 0, 2])


def source(kind: Kind, split: str = "train", path: str = ".", every: int = 12) -> DataSource:
    return DataSource(kind=kind, path=Path(path), split=split, every=every)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Three pairs, one of them to be judged on."""
    rows = []
    for number, split in enumerate(["train", "val", "train"]):
        name = f"{number}.png"
        write(tmp_path / "low" / name, number)
        write(tmp_path / "high" / name, number + 10)
        row = {"id": str(number), "low": f"low/{name}", "high": f"high/{name}"}
        rows.append(row | {"scene": str(number), "split": split})
    write_table(tmp_path, rows)
    return tmp_path


def lol(root: Path, low: str, high: str, dark: str = "{}", bright: str = "{}") -> None:
    for number, half in enumerate(["Train", "Train", "Test"]):
        write(root / half / low / f"{dark.format(f'{number:05}')}.png", number)
        write(root / half / high / f"{bright.format(f'{number:05}')}.png", number + 10)


@pytest.fixture
def sid(tmp_path: Path) -> Path:
    """A scene for each of the three first digits, each with two short exposures."""
    for scene, base in (("00001", 0), ("10003", 100), ("20001", 200)):
        for number, seconds in enumerate(("0.04s", "0.1s")):
            name = f"{scene}_00_{seconds}.npy"
            write_array(tmp_path / "short_sid2" / scene / name, base + number)
        write_array(tmp_path / "long_sid2" / scene / f"{scene}_00_10s.npy", base + 9)
    return tmp_path


@pytest.fixture
def smid(tmp_path: Path) -> Path:
    """Two scenes, the second for testing, and leftovers beside the long exposures."""
    for scene, base in (("0001", 0), ("0002", 100)):
        for number in (1, 2, 3):
            write_array(tmp_path / "SMID_LQ_np" / scene / f"000{number}.npy", base + number)
        long = tmp_path / "SMID_Long_np" / scene
        write_array(long / "0001.ARW.npy", 250)
        write_array(long / "0001_half.npy", 251)
        write_array(long / "0002.npy", base + 9)
    (tmp_path / "test_list.txt").write_text("0002\n")
    return tmp_path


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Ten grey frames, each lighter than the one before."""
    path = tmp_path / "clips" / "deep" / "day.mp4"
    path.parent.mkdir(parents=True)
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25, width=32, height=32, pix_fmt="yuv420p")
        stream.codec_context.options = {"preset": "ultrafast", "crf": "10"}
        for number in range(10):
            grey = np.full((32, 32, 3), 20 * number + 20, np.uint8)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        output.mux(stream.encode(None))
    return path


def test_every_kind_has_a_layout() -> None:
    assert set(get_args(Kind)) == set(LAYOUTS)


@pytest.mark.parametrize(
    ("split", "expected"), [("train", [0, 2]), ("val", [1]), ("all", [0, 1, 2])]
)
def test_a_table_is_read_by_split(table: Path, split: str, expected: list[int]) -> None:
    pairs = open_pairs(source("pairs-csv", split), table)
    assert len(pairs) == len(expected)
    for pair, number in zip(pairs, expected, strict=True):
        assert pair.dark is not None
        assert np.array_equal(pair.dark, picture(number))
        assert np.array_equal(pair.bright, picture(number + 10))


def test_only_the_first_pairs_can_be_had(sid: Path, table: Path) -> None:
    for whole, folder in ((source("sid"), sid), (source("pairs-csv"), table)):
        one = whole.model_copy(update={"first": 1})
        assert len(open_pairs(one, folder)) == 1 < len(open_pairs(whole, folder))


@pytest.mark.parametrize(
    ("kind", "inside", "low", "high", "dark", "bright"),
    [
        ("lol-v1", "", "input", "target", "{}", "{}"),
        ("lol-v2-real", "Real_captured", "Low", "Normal", "{}", "{}"),
        ("lol-v2-real", "Real_captured", "Low", "Normal", "low{}", "normal{}"),
        ("lol-v2-synthetic", "Synthetic", "Low", "Normal", "r{}t", "r{}t"),
    ],
)
def test_lol_is_read_as_the_toolboxes_unpack_it(
    tmp_path: Path, kind: Kind, inside: str, low: str, high: str, dark: str, bright: str
) -> None:
    lol(tmp_path / "set" / inside, low, high, dark, bright)
    for split, expected in (("train", [0, 1]), ("test", [2])):
        pairs = open_pairs(source(kind, split, "set"), tmp_path)
        assert len(pairs) == len(expected)
        for pair, number in zip(pairs, expected, strict=True):
            assert pair.dark is not None
            assert np.array_equal(pair.dark, picture(number))
            assert np.array_equal(pair.bright, picture(number + 10))


def test_sid_is_split_by_first_digit_and_shares_its_references(sid: Path) -> None:
    found = {
        split: [
            (level(pair.dark), level(pair.bright))
            for pair in open_pairs(source("sid", split), sid)
            if pair.dark is not None
        ]
        for split in ("train", "test")
    }
    assert found["train"] == [(0, 9), (1, 9), (200, 209), (201, 209)]
    assert found["test"] == [(100, 109), (101, 109)]


@pytest.mark.parametrize("listed", ["test_list.txt", "SMID_Long_np/text_list.txt"])
def test_smid_is_split_by_its_list(smid: Path, listed: str) -> None:
    (smid / "test_list.txt").rename(smid / listed)
    for split, base in (("train", 0), ("test", 100)):
        pairs = open_pairs(source("smid", split), smid)
        found = [(level(pair.dark), level(pair.bright)) for pair in pairs if pair.dark is not None]
        assert found == [(base + number, base + 9) for number in (1, 2, 3)]


def test_arrays_are_rounded_clipped_resized_and_turned_to_rgb(tmp_path: Path) -> None:
    path = tmp_path / "one.npy"
    write_array(path, 41.6, np.float32)
    assert level(read_array(path)) == 42
    write_array(path, 300.0, np.float32)
    assert level(read_array(path)) == 255
    np.save(path, np.full((8, 8, 4), 7, np.uint16))
    image = read_array(path)
    assert image.shape == (ARRAY_SIZE[1], ARRAY_SIZE[0], 3)
    assert (image == 7).all()


def test_bright_pictures_are_found_at_any_depth(tmp_path: Path) -> None:
    write(tmp_path / "b.png", 2)
    write(tmp_path / "a" / "deep" / "c.PNG", 1)
    (tmp_path / "a" / "notes.txt").write_text("no picture")
    pairs = open_pairs(source("bright"), tmp_path)
    assert [pair.dark for pair in pairs] == [None, None]
    assert np.array_equal(pairs[0].bright, picture(1))
    assert np.array_equal(pairs[1].bright, picture(2))


def test_bright_pictures_can_be_named_by_a_table(tmp_path: Path) -> None:
    write(tmp_path / "1.png", 1)
    write(tmp_path / "2.png", 2)
    write_table(tmp_path, [{"scene": "1", "reference": "2.png"}])
    (pair,) = open_pairs(source("bright"), tmp_path)
    assert np.array_equal(pair.bright, picture(2))


@pytest.mark.parametrize("path", ["clips", "clips/deep/day.mp4"])
def test_every_nth_frame_of_clips_is_taken(tmp_path: Path, clip: Path, path: str) -> None:
    (clip.parent / "day.txt").write_text("not a video")
    pairs = open_pairs(source("clips", path=path, every=4), tmp_path)
    assert [pair.bright.shape for pair in pairs] == [(32, 32, 3)] * 3
    assert [float(pair.bright.mean()) for pair in pairs] == pytest.approx([20, 100, 180], abs=4)
    assert all(pair.dark is None for pair in pairs)


def test_small_sources_are_kept_and_large_ones_read_anew(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = 2 * 2 * picture(0).nbytes
    monkeypatch.setattr(layouts, "KEPT_BYTES", both)
    kept = open_pairs(source("pairs-csv"), table)
    monkeypatch.setattr(layouts, "KEPT_BYTES", both - 1)
    lazy = open_pairs(source("pairs-csv"), table)
    write(table / "high" / "2.png", 99)
    assert np.array_equal(kept[1].bright, picture(12))
    assert np.array_equal(lazy[1].bright, picture(99))


def test_arrays_are_read_when_they_are_asked_for(sid: Path) -> None:
    pairs = open_pairs(source("sid"), sid)
    write_array(sid / "short_sid2" / "00001" / "00001_00_0.1s.npy", 77)
    dark = pairs[1].dark
    assert dark is not None
    assert level(dark) == 77


def test_some_of_the_pairs_can_be_had_as_pairs(sid: Path) -> None:
    some = open_pairs(source("sid"), sid)[1:3]
    assert isinstance(some, PairFiles)
    assert [level(pair.bright) for pair in some] == [9, 209]


@pytest.mark.parametrize("kind", get_args(Kind))
def test_a_missing_folder_is_named_with_what_was_expected(tmp_path: Path, kind: Kind) -> None:
    with pytest.raises(SettingsError) as caught:
        open_pairs(source(kind, path="absent"), tmp_path)
    folder = tmp_path / "absent"
    assert str(caught.value) == (
        f"There is no {folder}: {kind} data is a folder with {LAYOUTS[kind].expected}."
    )


@pytest.mark.parametrize(
    ("kind", "there", "missing"),
    [
        ("pairs-csv", "low", "pairs.csv"),
        ("lol-v1", "Train/input", "Train/target"),
        ("lol-v2-real", "Real_captured/Train/Low", "Real_captured/Train/Normal"),
        ("lol-v2-synthetic", "Synthetic/Test", "Synthetic/Train/Low"),
        ("sid", "long_sid2", "short_sid2"),
        ("sid", "short_sid2/00001", "long_sid2/00001"),
        ("smid", "SMID_LQ_np", "test_list.txt"),
    ],
)
def test_a_missing_part_is_named(tmp_path: Path, kind: Kind, there: str, missing: str) -> None:
    (tmp_path / there).mkdir(parents=True)
    with pytest.raises(SettingsError) as caught:
        open_pairs(source(kind), tmp_path)
    assert str(caught.value).startswith(
        f"There is no {tmp_path / missing}: {kind} data is a folder"
    )


@pytest.mark.parametrize("kind", ["bright", "clips"])
def test_an_empty_folder_is_said(tmp_path: Path, kind: Kind) -> None:
    with pytest.raises(SettingsError, match=r"Nothing for the split 'train' is in .* data is a"):
        open_pairs(source(kind), tmp_path)


def _no_such_split(root: Path) -> DataSource:
    lol(root, "input", "target")
    return source("lol-v1", "val")


def _no_such_row(root: Path) -> DataSource:
    write_table(root, [{"low": "a.png", "high": "b.png", "split": "train"}])
    return source("pairs-csv", "eval")


def _no_such_column(root: Path) -> DataSource:
    write_table(root, [{"low": "a.png", "split": "train"}])
    return source("pairs-csv")


def _no_twin(root: Path) -> DataSource:
    lol(root, "input", "target")
    (root / "Train" / "target" / "00001.png").unlink()
    return source("lol-v1")


def _of_two_sizes(root: Path) -> DataSource:
    lol(root, "input", "target")
    write(root / "Train" / "input" / "00001.png", width=16)
    return source("lol-v1")


def _no_reference(root: Path) -> DataSource:
    write_array(root / "short_sid2" / "00001" / "1.npy", 1)
    (root / "long_sid2" / "00001").mkdir(parents=True)
    return source("sid")


def _no_video(root: Path) -> DataSource:
    (root / "day.mp4").write_text("no video")
    return source("clips")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_no_such_split, "lol-v1 has no split 'val': choose train or test"),
        (_no_such_row, "Nothing for the split 'eval'"),
        (_no_such_column, "pairs.csv has no column high"),
        (_no_twin, "Train has no pair for 00001: unpack input and target once more"),
        (_of_two_sizes, r"00001.png and .*00001.png differ in size"),
        (_no_reference, r"No .npy is in .*long_sid2/00001"),
        (_no_video, r"Cannot read the video .*day.mp4"),
    ],
)
def test_what_is_wrong_is_said(
    tmp_path: Path, make: Callable[[Path], DataSource], said: str
) -> None:
    with pytest.raises(SettingsError, match=said):
        open_pairs(make(tmp_path), tmp_path)


def test_what_is_no_array_is_said(tmp_path: Path) -> None:
    path = tmp_path / "one.npy"
    path.write_text("no array")
    with pytest.raises(SettingsError, match=r"Cannot read the array .*one.npy"):
        read_array(path)
    np.save(path, np.zeros((4, 4)))
    with pytest.raises(SettingsError, match=r"no picture but \(4, 4\)"):
        read_array(path)


@pytest.mark.parametrize(
    "wrong", [{"kind": "lol-v9"}, {"weight": 0.0}, {"every": 0}, {"colour": "blue"}]
)
def test_a_source_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        DataSource.model_validate({"kind": "bright", "path": "x"} | wrong)
