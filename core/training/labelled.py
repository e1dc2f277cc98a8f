"""Pictures with classes, for the semantic prior to learn from: CamVid, and weak labels of VOC's."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from core.errors import SettingsError
from core.training.datasets import crop_alike, read, read_rows, synthesise, to_tensor

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

CAMVID_CLASSES, VOC_CLASSES = 11, 21


class Labelled(NamedTuple):
    """A picture, its real dark twin if there is one, and its classes."""

    bright: Picture
    dark: Picture | None
    labels: Picture
    first_class: int
    classes: int


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
            image = synthesise(image, [random])[0]
        classes = torch.zeros(CAMVID_CLASSES + VOC_CLASSES, dtype=torch.bool)
        classes[picture.first_class : picture.first_class + picture.classes] = True
        return to_tensor(image), torch.from_numpy(labels.astype(np.int64)), classes
