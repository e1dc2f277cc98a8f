"""Pairs of dark and bright pictures that something is measured on, from wherever they lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from core.errors import SettingsError
from core.media.source import MIN_SIDE_PX
from core.training.datasets import Pair, read, read_rows
from core.training.layouts import PICTURES, DataSource, Kind, open_pairs

Picture = NDArray[np.uint8]
COLUMNS = {"id", "low", "high", "scene", "split"}


@dataclass(frozen=True, slots=True)
class Files:
    """A dark picture and its reference, not read yet."""

    low: Path
    high: Path

    def read(self) -> tuple[Picture, Picture]:
        """Both pictures, (H, W, 3).

        Raises:
            SettingsError: one cannot be read, or they cannot be compared.
        """
        dark, bright = read(self.low), read(self.high)
        sizes = [f"{picture.shape[1]}x{picture.shape[0]}" for picture in (dark, bright)]
        if sizes[0] != sizes[1]:
            raise SettingsError(
                f"{self.low} is {sizes[0]} and {self.high} is {sizes[1]}: a pair has one size."
            )
        if min(dark.shape[:2]) < MIN_SIDE_PX:
            raise SettingsError(f"{self.low} is {sizes[0]}: {MIN_SIDE_PX} pixels are the least.")
        return dark, bright


@dataclass(frozen=True, slots=True)
class Held:
    """A pair of a data set, not read yet."""

    pairs: Sequence[Pair]
    number: int

    def read(self) -> tuple[Picture, Picture]:
        """Both pictures, (H, W, 3)."""
        pair = self.pairs[self.number]
        return cast(Picture, pair.dark), pair.bright


def listed(table: Path, split: str) -> list[Files]:
    """The pairs of one split of a table.

    Raises:
        SettingsError: there is no table, it lacks columns, or no row is of this split.
    """
    if not table.is_file():
        raise SettingsError(f"There is no table {table}: check --pairs.")
    rows = read_rows(table)
    if missing := COLUMNS - set(rows[0] if rows else COLUMNS):
        raise SettingsError(f"{table} lacks the columns {', '.join(sorted(missing))}.")
    chosen = [row for row in rows if row["split"] == split]
    if not chosen:
        known = ", ".join(sorted({row["split"] for row in rows})) or "none"
        raise SettingsError(f"{table} has no pair of the split {split!r}; its splits: {known}.")
    return [Files(table.parent / row["low"], table.parent / row["high"]) for row in chosen]


def matched(low: Path, high: Path) -> list[Files]:
    """Pictures of two folders that bear the same name, whatever their suffixes.

    Raises:
        SettingsError: a folder is missing, or a dark picture has no reference.
    """
    dark, bright = _pictures(low), _pictures(high)
    if not dark:
        raise SettingsError(f"There is no picture in {low}, so there is no pair.")
    # A figure over fewer pictures than there are would not be the figure it is taken for.
    if alone := [stem for stem in dark if stem not in bright]:
        raise SettingsError(
            f"{len(alone)} of {len(dark)} pictures in {low} have no pair in {high}, "
            f"{dark[alone[0]].name} for one."
        )
    return [Files(path, bright[stem]) for stem, path in dark.items()]


def _pictures(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise SettingsError(f"There is no folder {folder}: check --low and --high.")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in PICTURES:
            continue
        if path.stem in found:
            raise SettingsError(f"{path} and {found[path.stem].name} have the same stem.")
        found[path.stem] = path
    return found


def laid_out(kind: Kind, folder: Path, split: str) -> list[Held]:
    """The pairs of a data set as the toolboxes unpack it.

    Raises:
        SettingsError: something of it is missing, or it is one of bright pictures alone.
    """
    pairs = open_pairs(DataSource(kind=kind, path=folder, split=split), Path())
    if pairs[0].dark is None:
        raise SettingsError(f"{kind} has no dark pictures to be made bright: choose another kind.")
    return [Held(pairs, number) for number in range(len(pairs))]
