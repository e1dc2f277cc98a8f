"""Where pairs come from: every way that the data sets lie in folders, under one name each.

The kinds named after a data set expect it as the low-light toolboxes unpack it: see the README of
Retinexformer (Cai et al., ICCV 2023), whose SID and SMID are SNR-Aware's (Xu et al., CVPR 2022).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, overload

import cv2
import numpy as np
from pydantic import Field

from core.errors import SettingsError
from core.settings import Model
from core.training.clips import every_nth_frame
from core.training.datasets import Pair, read, read_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]
    Files = list[tuple[Path | None, Path]]

Kind = Literal[
    "pairs-csv", "lol-v1", "lol-v2-real", "lol-v2-synthetic", "sid", "smid", "bright", "clips"
]
KEPT_BYTES = 1 << 30
"""A source whose pictures fit into this stays in memory; of a larger one, each is read anew."""
ARRAY_SIZE = (960, 512)
"""Width and height at which SID and SMID are learnt and compared, in pixels."""
PICTURES = {".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
VIDEOS = {".avi", ".m4v", ".mkv", ".mov", ".mp4", ".webm"}


class DataSource(Model):
    """One of the sources that a network learns from."""

    kind: Kind
    path: Path
    """The data set's folder, below the data root; for clips also a single file."""
    split: str = "train"
    """Of pairs.csv the column's value, or "all"; of a named data set train or test."""
    weight: float = Field(1.0, gt=0)
    """How often it is drawn from, against the other sources."""
    every: int = Field(12, ge=1)
    """Of clips, only each so many-th frame is taken."""
    first: int = Field(0, ge=0)
    """Only so many pairs, from the first on; 0 for all."""
    reduced: int = Field(0, ge=0)
    """Longer side to which pictures are made smaller, as the fast path does; 0 leaves them."""


def open_pairs(source: DataSource, root: Path) -> Sequence[Pair]:
    """The pairs of a source, in an order that does not change.

    Args:
        source: what to open.
        root: the folder that `source.path` is below.

    Raises:
        SettingsError: a folder or file is missing or cannot be read, or the split is empty.
    """
    folder, layout = root / source.path, LAYOUTS[source.kind]
    wanted = f"{source.kind} data is a folder with {layout.expected}"
    try:
        pairs = layout.open(_existing(folder), source)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise SettingsError(f"There is no {error.filename}: {wanted}.") from error
    if not pairs:
        raise SettingsError(f"Nothing for the split {source.split!r} is in {folder}: {wanted}.")
    return pairs[: source.first or None]


class PairFiles(Sequence[Pair]):
    """Pairs that are read whenever they are asked for."""

    def __init__(self, files: Files, read_one: Callable[[Path], Picture] = read) -> None:
        self._files, self._read = files, read_one

    def __len__(self) -> int:
        return len(self._files)

    @overload
    def __getitem__(self, index: int) -> Pair: ...
    @overload
    def __getitem__(self, index: slice) -> PairFiles: ...
    def __getitem__(self, index: int | slice) -> Pair | PairFiles:
        """One pair, read now; or some of the pairs, not read yet."""
        if isinstance(index, slice):
            return PairFiles(self._files[index], self._read)
        dark, bright = self._files[index]
        pair = Pair(None if dark is None else self._read(dark), self._read(bright))
        if pair.dark is not None and pair.dark.shape != pair.bright.shape:
            raise SettingsError(f"{dark} and {bright} differ in size: take both out of the data.")
        return pair


def _kept_if_small(files: PairFiles) -> Sequence[Pair]:
    kept, room = [], KEPT_BYTES
    for pair in files:
        room -= sum(picture.nbytes for picture in pair if picture is not None)
        if room < 0:
            return files
        kept.append(pair)
    return kept


def _existing(path: Path) -> Path:
    """The path; FileNotFoundError where nothing is, which a glob would pass over in silence."""
    path.stat()
    return path


def _rows(folder: Path, source: DataSource, *columns: str) -> list[dict[str, str]]:
    """The rows of a split; a table that knows no splits has them all."""
    table = _existing(folder / "pairs.csv")
    rows = read_rows(table)
    for column in columns:
        if rows and column not in rows[0]:
            raise SettingsError(f"{table} has no column {column}: add it, or name another kind.")
    return [row for row in rows if source.split in {"all", row.get("split", source.split)}]


def _open_table(folder: Path, source: DataSource) -> Sequence[Pair]:
    rows = _rows(folder, source, "low", "high", "split")
    return _kept_if_small(PairFiles([(folder / row["low"], folder / row["high"]) for row in rows]))


def _open_bright(folder: Path, source: DataSource) -> Sequence[Pair]:
    if (folder / "pairs.csv").is_file():
        paths = [folder / row["reference"] for row in _rows(folder, source, "reference")]
    else:
        paths = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in PICTURES]
    return _kept_if_small(PairFiles([(None, path) for path in paths]))


def _open_clips(path: Path, source: DataSource) -> Sequence[Pair]:
    """Frames stay in memory: to reach one again would mean to decode all before it."""
    inside = [path] if path.is_file() else sorted(path.rglob("*"))
    videos = [found for found in inside if found.suffix.lower() in VIDEOS]
    return [Pair(None, frame) for video in videos for frame in every_nth_frame(video, source.every)]


def _open_named_alike(
    folder: Path, source: DataSource, inside: str, low: str, high: str
) -> Sequence[Pair]:
    half = folder / inside / ("Test" if _is_test(source) else "Train")
    dark, bright = _by_name(half / low), _by_name(half / high)
    for name in sorted(dark.keys() ^ bright.keys()):
        raise SettingsError(f"{half} has no pair for {name}: unpack {low} and {high} once more.")
    return _kept_if_small(PairFiles([(dark[name], bright[name]) for name in dark]))


def _by_name(folder: Path) -> dict[str, Path]:
    """Pictures by what they have in common with their twins: LOL-v2 has low00001, normal00001."""
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)
    return {path.stem.removeprefix("low").removeprefix("normal"): path for path in paths}


def _open_sid(folder: Path, source: DataSource) -> Sequence[Pair]:
    first = ("1",) if _is_test(source) else ("0", "2")
    short, long = folder / "short_sid2", folder / "long_sid2"
    return _open_scenes(short, long, lambda scene: scene.startswith(first))


def _open_smid(folder: Path, source: DataSource) -> Sequence[Pair]:
    """The list of test scenes lies in one place by the toolbox's code, in another by its README."""
    short, long = folder / "SMID_LQ_np", folder / "SMID_Long_np"
    lists = [folder / "test_list.txt", long / "text_list.txt"]
    found = next((path for path in lists if path.is_file()), lists[0])
    test, is_test = set(_existing(found).read_text().split()), _is_test(source)
    return _open_scenes(short, long, lambda scene: (scene in test) == is_test)


def _open_scenes(short: Path, long: Path, wanted: Callable[[str], bool]) -> PairFiles:
    """Every short exposure, with the first whole long one of its scene."""
    files: Files = []
    for scene in sorted(path for path in short.iterdir() if path.is_dir() and wanted(path.name)):
        references = [
            path
            for path in _arrays(long / scene.name)
            if "half" not in path.name and ".ARW" not in path.name
        ]
        if not references:
            raise SettingsError(f"No .npy is in {long / scene.name}: unpack the data once more.")
        files += [(path, references[0]) for path in _arrays(scene)]
    return PairFiles(files, read_array)


def _arrays(scene: Path) -> list[Path]:
    return sorted(path for path in scene.iterdir() if path.suffix == ".npy")


def read_array(path: Path) -> Picture:
    """uint8 RGB, (512, 960, 3), of a .npy: (H, W, 3), blue first, any type, from 0 to 255.

    Raises:
        SettingsError: the file is no such array.
    """
    try:
        values = np.load(path)
    except (OSError, EOFError, ValueError) as error:
        raise SettingsError(f"Cannot read the array {path}: unpack it once more.") from error
    if values.ndim != 3 or values.shape[2] < 3:
        raise SettingsError(f"{path} is no picture but {values.shape}: check the data folder.")
    picture = np.ascontiguousarray(np.clip(values[..., 2::-1], 0, 255).round(), np.uint8)
    if picture.shape[1::-1] == ARRAY_SIZE:
        return picture
    return np.asarray(cv2.resize(picture, ARRAY_SIZE), np.uint8)


def _is_test(source: DataSource) -> bool:
    if source.split not in {"train", "test"}:
        raise SettingsError(f"{source.kind} has no split {source.split!r}: choose train or test.")
    return source.split == "test"


class Layout(NamedTuple):
    """How a kind is opened, and what its folder holds, in words."""

    open: Callable[[Path, DataSource], Sequence[Pair]]
    expected: str


LAYOUTS: dict[Kind, Layout] = {
    "pairs-csv": Layout(_open_table, "pairs.csv, its columns low, high and split"),
    "lol-v1": Layout(
        partial(_open_named_alike, inside="", low="input", high="target"),
        "Train/input, Train/target, Test/input and Test/target",
    ),
    "lol-v2-real": Layout(
        partial(_open_named_alike, inside="Real_captured", low="Low", high="Normal"),
        "Low and Normal in Real_captured/Train and Real_captured/Test",
    ),
    "lol-v2-synthetic": Layout(
        partial(_open_named_alike, inside="Synthetic", low="Low", high="Normal"),
        "Low and Normal in Synthetic/Train and Synthetic/Test",
    ),
    "sid": Layout(_open_sid, "short_sid2/SCENE/*.npy and long_sid2/SCENE/*.npy"),
    "smid": Layout(
        _open_smid, "SMID_LQ_np/SCENE/*.npy, SMID_Long_np/SCENE/*.npy and test_list.txt"
    ),
    "bright": Layout(_open_bright, "pictures, or pairs.csv with a column reference"),
    "clips": Layout(_open_clips, "videos, or one video"),
}
