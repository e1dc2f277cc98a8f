"""Crops to learn from. Which crop number `i` is, depends on the seed and `i` alone.

Nothing is remembered between crops, so a run that is resumed sees exactly what an uninterrupted
one would have seen.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from core.errors import SettingsError
from core.training.darkness import Darkness, add_lamps, darken

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

CAMVID_CLASSES, VOC_CLASSES = 11, 21
SYNTHETIC_LAMPS = 0.4
"""Share of darkened pictures that get lamps."""


class Pair(NamedTuple):
    """A dark picture and what it should look like; dark is none where it is to be made."""

    dark: Picture | None
    bright: Picture


class Labelled(NamedTuple):
    """A picture, its real dark twin if there is one, and its classes."""

    bright: Picture
    dark: Picture | None
    labels: Picture
    first_class: int
    classes: int


def read(path: Path) -> Picture:
    """uint8 RGB (H, W, 3).

    Raises:
        SettingsError: the file is not there or no picture.
    """
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise SettingsError(f"Cannot read the picture {path}: check the data folder.")
    return np.ascontiguousarray(image[..., ::-1])


def read_rows(table: Path) -> list[dict[str, str]]:
    """Rows of a pairs.csv.

    Raises:
        SettingsError: there is no such file.
    """
    if not table.is_file():
        raise SettingsError(f"There is no {table}: give the folder that holds the training data.")
    with table.open(newline="") as file:
        return list(csv.DictReader(file))


def lol_pairs(folder: Path, split: str) -> list[Pair]:
    """LOL-v1's pairs of one split, real camera, real dark."""
    rows = [row for row in read_rows(folder / "pairs.csv") if row["split"] == split]
    return [Pair(read(folder / row["low"]), read(folder / row["high"])) for row in rows]


def sice_references(folder: Path) -> list[Pair]:
    """SICE's well-exposed pictures, to be darkened."""
    return [Pair(None, read(folder / row["reference"])) for row in read_rows(folder / "pairs.csv")]


def bright_pictures(folder: Path) -> list[Pair]:
    """Every WebP picture of a folder, to be darkened."""
    return [Pair(None, read(path)) for path in sorted(folder.glob("*.webp"))]


def camvid(folder: Path, split: str) -> list[Labelled]:
    """CamVid's driving frames with their 11 classes."""
    paths = sorted((folder / split).glob("*.webp"))
    labels = folder / f"{split}_labels"
    return [
        Labelled(read(path), None, _read_labels(labels / f"{path.stem}.png", 0), 0, CAMVID_CLASSES)
        for path in paths
    ]


def voc_pseudo(data: Path) -> list[Labelled]:
    """LOL-v1's training references, with their real dark twins, and SICE's, weakly labelled."""
    found: list[tuple[Picture, Picture | None, Path]] = []
    for row in read_rows(data / "lol_v1" / "pairs.csv"):
        labels = data / "voc_pseudo" / "lol_v1" / f"{row['id']}.png"
        if row["split"] == "train" and labels.is_file():
            lol = data / "lol_v1"
            found.append((read(lol / row["high"]), read(lol / row["low"]), labels))
    for path in sorted((data / "voc_pseudo" / "sice").glob("*.png")):
        found.append((read(data / "sice" / f"{path.stem}.jpg"), None, path))
    first = CAMVID_CLASSES
    return [
        Labelled(bright, dark, _read_labels(labels, first), first, VOC_CLASSES)
        for bright, dark, labels in found
    ]


def _read_labels(path: Path, first_class: int) -> Picture:
    labels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if labels is None:
        raise SettingsError(f"Cannot read the labels {path}: check the data folder.")
    known = labels < (CAMVID_CLASSES if first_class == 0 else VOC_CLASSES)
    return np.where(known, labels + first_class, 255).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Mixture:
    """Pairs of one kind, and how often they are drawn against the others."""

    pairs: Sequence[Pair]
    weight: float


class PairCrops(Dataset[tuple[Tensor, Tensor]]):
    """Dark and bright crops, (3, size, size) in [0, 1]."""

    def __init__(self, mixtures: Sequence[Mixture], size: int, seed: int) -> None:
        self._mixtures = mixtures
        self._weights = np.array([mixture.weight for mixture in mixtures])
        self._weights /= self._weights.sum()
        self._size, self._seed = size, seed

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Crop number `index` of this seed."""
        random = np.random.default_rng((self._seed, index))
        pairs = self._mixtures[random.choice(len(self._weights), p=self._weights)].pairs
        pair = pairs[int(random.integers(len(pairs)))]
        if pair.dark is None:
            (bright,) = crop_alike([pair.bright], self._size, random)
            dark, bright = _synthesise(bright, random)
        else:
            dark, bright = crop_alike([pair.dark, pair.bright], self._size, random)
        return to_tensor(dark), to_tensor(bright)


class LabelledCrops(Dataset[tuple[Tensor, Tensor, Tensor]]):
    """Crops half bright and half dark, their labels, and which classes their data set knows."""

    def __init__(self, pictures: Sequence[Labelled], size: int, seed: int) -> None:
        self._pictures, self._size, self._seed = pictures, size, seed

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, Tensor]:
        """Crop number `index` of this seed."""
        random = np.random.default_rng((self._seed, index))
        picture = self._pictures[int(random.integers(len(self._pictures)))]
        planes = [picture.bright, picture.labels]
        real = picture.dark is not None and random.random() < 0.3
        if real and picture.dark is not None:
            planes[0] = picture.dark
        image, labels = crop_alike(planes, self._size, random, turn=False)
        if not real and random.random() < 0.5:
            image = _synthesise(image, random)[0]
        classes = torch.zeros(CAMVID_CLASSES + VOC_CLASSES, dtype=torch.bool)
        classes[picture.first_class : picture.first_class + picture.classes] = True
        return to_tensor(image), torch.from_numpy(labels.astype(np.int64)), classes


def crop_alike(
    pictures: Sequence[Picture], size: int, random: np.random.Generator, *, turn: bool = True
) -> list[Picture]:
    """The same square of each, mirrored and (if asked) turned alike."""
    height, width = pictures[0].shape[:2]
    top, left = (int(random.integers(max(1, length - size + 1))) for length in (height, width))
    crops = [picture[top : top + size, left : left + size] for picture in pictures]
    if random.random() < 0.5:
        crops = [crop[:, ::-1] for crop in crops]
    turns = int(random.integers(4)) if turn else 0
    return [np.ascontiguousarray(np.rot90(crop, turns)) for crop in crops]


def _synthesise(bright: Picture, random: np.random.Generator) -> tuple[Picture, Picture]:
    dark = darken(bright, Darkness.draw(random), random)
    if random.random() < SYNTHETIC_LAMPS:
        bright, dark = add_lamps(bright, dark, random)
    return dark, bright


def to_tensor(picture: Picture) -> Tensor:
    """uint8 (H, W, 3) to float (3, H, W) in [0, 1]."""
    return torch.from_numpy(picture).permute(2, 0, 1).float() / 255
