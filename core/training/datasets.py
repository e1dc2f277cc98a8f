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
from core.model.reduced import reduce, sharpen
from core.training.darkness import Darkness, add_lamps, darken

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from core.frame import Pixels

    Picture = NDArray[np.uint8]

SYNTHETIC_LAMPS = 0.4
"""Share of darkened pictures that get lamps."""
MIX_UP_BETA = 1.2
"""Both shapes of the Beta distribution that MixUp draws shares from, as low-light toolboxes do."""
SECOND_EXPOSURE = Darkness(
    exposure=1.0,
    electrons=30_000,
    read_noise=2,
    balance=(1.0, 1.0, 1.0),
    vignette=0.0,
    black=0.0,
    jpeg=None,
)
"""What a real dark picture goes through to become its own twin: about a code of fresh noise."""


class Pair(NamedTuple):
    """A dark picture and what it should look like; dark is none where it is to be made."""

    dark: Picture | None
    bright: Picture


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


@dataclass(frozen=True, slots=True)
class Mixture:
    """Pairs of one kind, and how often they are drawn against the others."""

    pairs: Sequence[Pair]
    weight: float
    reduced: int = 0
    """Longer side to which they are made smaller, dark ones after their noise has come in, and
    shown as the fast path shows them; 0 leaves them as they are."""

    def scale(self, pair: Pair) -> float:
        """How many times longer the sides of a pair are than those it is shown with."""
        return max(1.0, max(pair.bright.shape[:2]) / self.reduced) if self.reduced else 1.0


class PairCrops(Dataset[tuple[Tensor, ...]]):
    """Crops (dark, bright), or (dark, dark again, bright): float (3, size, size) in [0, 1].

    The first dark and the bright crop are the same with and without a second dark one.

    Args:
        mixtures: what to draw from.
        size: side in pixels.
        seed: of everything drawn.
        mix_up: probability that a crop is mixed with another (Zhang et al., ICLR 2018).
        filmed: share of made nights that are stored as H.264.
        shaken: most doublings or halvings of the codes of a dark crop. How dark a picture is
            tells nothing of how bright its reference was taken, so the network had better not
            learn that by heart.
        twin: give a second dark crop: the same content and night, fresh noise.
    """

    def __init__(
        self,
        mixtures: Sequence[Mixture],
        size: int,
        seed: int,
        *,
        mix_up: float = 0.0,
        filmed: float = 0.0,
        shaken: float = 0.0,
        twin: bool = False,
    ) -> None:
        self._mixtures = mixtures
        self._weights = np.array([mixture.weight for mixture in mixtures], np.float64)
        self._weights /= self._weights.sum()
        self._size, self._seed = size, seed
        self._mix_up, self._filmed, self._twin = mix_up, filmed, twin
        self._shaken = shaken

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        """Crop number `index` of this seed."""
        random = np.random.default_rng((self._seed, index))
        again = [np.random.default_rng((self._seed, index, 1))] if self._twin else []
        planes = self._cut(random, again)
        if random.random() < self._mix_up:
            others = self._cut(random, again)
            share = random.beta(MIX_UP_BETA, MIX_UP_BETA)
            pairs = zip(planes, others, strict=True)
            planes = [share * plane + (1 - share) * other for plane, other in pairs]
        if self._shaken:
            gain = 2 ** random.uniform(-self._shaken, self._shaken)
            planes[:-1] = [(plane * gain).clamp(max=1) for plane in planes[:-1]]
        return tuple(planes)

    def _cut(self, random: np.random.Generator, again: list[np.random.Generator]) -> list[Tensor]:
        mixture = self._mixtures[random.choice(len(self._weights), p=self._weights)]
        pair = mixture.pairs[int(random.integers(len(mixture.pairs)))]
        side = round(self._size * mixture.scale(pair))
        if pair.dark is None:
            (bright,) = crop_alike([pair.bright], side, random)
            planes = synthesise(bright, [random, *again], self._filmed)
        else:
            dark, bright = crop_alike([pair.dark, pair.bright], side, random)
            planes = [dark, *(darken(dark, SECOND_EXPOSURE, noise) for noise in again), bright]
        return [to_tensor(plane) for plane in self._made_small(planes)]

    def _made_small(self, planes: Sequence[Picture]) -> Sequence[Pixels]:
        """Planes of the size wanted: the dark ones as the network is shown them."""
        if planes[0].shape[0] == self._size:
            return planes
        *dark, bright = (reduce(plane, self._size) for plane in planes)
        return [*map(sharpen, dark), bright]


def crop_alike(
    pictures: Sequence[Picture], size: int, random: np.random.Generator, *, turn: bool = True
) -> list[Picture]:
    """The same square of each, mirrored and (if asked) turned alike; small ones are reflected."""
    pictures = [_grow(picture, size) for picture in pictures]
    height, width = pictures[0].shape[:2]
    top, left = (int(random.integers(max(1, length - size + 1))) for length in (height, width))
    crops = [picture[top : top + size, left : left + size] for picture in pictures]
    if random.random() < 0.5:
        crops = [crop[:, ::-1] for crop in crops]
    turns = int(random.integers(4)) if turn else 0
    return [np.ascontiguousarray(np.rot90(crop, turns)) for crop in crops]


def _grow(picture: Picture, size: int) -> Picture:
    """The picture, continued by its own reflection where it is smaller than the crop."""
    below, beside = (max(0, size - length) for length in picture.shape[:2])
    rim = ((0, below), (0, beside), (0, 0))[: picture.ndim]
    return np.pad(picture, rim, "reflect") if below or beside else picture


def synthesise(
    bright: Picture, noise: Sequence[np.random.Generator], filmed: float = 0.0
) -> list[Picture]:
    """The picture in one night, once with each generator's noise, and last in daylight.

    Everything but the noise comes from the first generator.
    """
    night = Darkness.draw(noise[0], filmed=filmed)
    planes = [*(darken(bright, night, random) for random in noise), bright]
    return add_lamps(planes, noise[0]) if noise[0].random() < SYNTHETIC_LAMPS else planes


def to_tensor(picture: Pixels) -> Tensor:
    """Pixels (H, W, 3) of either depth to float (3, H, W) in [0, 1]."""
    most = np.iinfo(picture.dtype).max
    return torch.from_numpy(picture).permute(2, 0, 1).float() / most
