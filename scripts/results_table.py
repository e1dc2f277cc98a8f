"""Prints the README's tables from stored results: ``python -m scripts.results_table``.

A result is the last line of a run, kept as ``assets/results/NAME.json`` for `scripts.evaluate` and
``assets/results/NAME.clips.json`` for `scripts.evaluate_clips`; its row is called NAME. Those of
`scripts.ablations` follow. What was not measured alike, on other pairs or so many frames, does not
stand in one table.

``--write README.md`` renews what stands between ``<!-- results -->`` and ``<!-- /results -->``;
``--check README.md`` fails where that is not what the results give.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import typer

from core.errors import CoreError, SettingsError
from scripts import ablations

RESULTS = Path(__file__).parents[1] / "assets" / "results"
BEGIN, END = "<!-- results -->", "<!-- /results -->"
QUALITY = {
    "psnr": ("PSNR", ".2f", 1),
    "ssim": ("SSIM", ".3f", 1),
    "psnr_gt_mean": ("PSNR, reference's mean", ".2f", 1),
    "ssim_gt_mean": ("SSIM, reference's mean", ".3f", 1),
}
STEADINESS = {
    "mabd_error": ("MABD error", ".2f", 1),
    "warping_error": ("warping error, 1e-3", ".2f", 1e3),
    "flicker_error": ("flicker error, 1e-3", ".2f", 1e3),
    "static_deviation": ("static deviation, %", ".2f", 100),
    "ghosting": ("ghosting, %", ".1f", 100),
    "ghosting_faint": ("faint ghosting, %", ".1f", 100),
}
"""Of each figure its heading, its form, and what it is multiplied by."""
COLUMNS = QUALITY | STEADINESS
WAYS = {"as_clip": "{}", "per_frame": "{}, each frame alone", "brightness_only": "brightness alone"}
"""How `scripts.evaluate_clips` names what it compares, and what the row is called."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table."""

    table: str
    """What all rows of the table were measured on; it stands above them."""
    name: str
    prior: str | None
    figures: Mapping[str, float | None]

    @property
    def place(self) -> tuple[int, str, float, str]:
        """Pairs before clips, of which more is known; the best PSNR first, and none is infinite."""
        psnr = self.figures["psnr"]
        best = -math.inf if psnr is None else -psnr
        return len(self.figures), self.table, best, self.name

    def __str__(self) -> str:
        cells = [f"`{self.name}`", self.prior or "-", *map(self._cell, self.figures)]
        return f"| {' | '.join(cells)} |"

    def _cell(self, name: str) -> str:
        value, (_, form, factor) = self.figures[name], COLUMNS[name]
        return "inf" if value is None else format(value * factor, f"z{form}")


def tables(folder: Path) -> str:
    """The Markdown of all results in a folder.

    Raises:
        SettingsError: there is no result, or one cannot be read.
    """
    rows = [row for path in sorted(folder.glob("*.json")) for row in _read(path)]
    if not rows:
        raise SettingsError(f"There is no result in {folder}: store a run's last line there.")
    # Every clip result brings the same row of brightness alone.
    unlike = [row for number, row in enumerate(rows) if row not in rows[:number]]
    grouped = groupby(sorted(unlike, key=lambda row: row.place), lambda row: row.table)
    made = [_table(title, list(group)) for title, group in grouped]
    return "\n\n".join([*made, *ablations.tables(folder / "ablations")])


def _table(title: str, rows: Sequence[Row]) -> str:
    heads = ["", "prior", *(COLUMNS[name][0] for name in rows[0].figures)]
    return "\n".join(
        [title, "", f"| {' | '.join(heads)} |", "|---" * len(heads) + "|", *map(str, rows)]
    )


def _read(path: Path) -> list[Row]:
    try:
        said = json.loads(path.read_text())
        if path.stem.endswith(".clips"):
            return list(_of_clips(path.stem.removesuffix(".clips"), said))
        return [_of_pairs(path.stem, said)]
    except (KeyError, TypeError, ValueError) as error:
        raise SettingsError(
            f"{path} is not what a run prints ({error!r}): store its last line again."
        ) from error


def _of_pairs(name: str, said: Mapping[str, Any]) -> Row:
    split = "" if said["split"] is None else f" of split `{said['split']}`"
    figures = {figure: said[figure] for figure in QUALITY}
    return Row(f"{said['pairs']} pairs{split}:", name, said["prior"], figures)


def _of_clips(name: str, said: Mapping[str, Any]) -> Iterator[Row]:
    title = f"{len(said['clips'])} clips of {said['frames']} frames, {said['size']}, darkened:"
    for way, called in WAYS.items():
        prior = None if way == "brightness_only" else said["prior"]
        figures = {figure: said[way][figure] for figure in COLUMNS}
        yield Row(title, called.format(name), prior, figures)


def renewed(text: str, table: str) -> str:
    """The text with another table between the marks.

    Raises:
        SettingsError: a mark is missing.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SettingsError(f"Set {BEGIN} and {END} where the table belongs.")
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{after}"


def _apply(results: Path, check: Path | None, write: Path | None) -> None:
    table = tables(results)
    if check is not None:
        text = check.read_text()
        if renewed(text, table) != text:
            raise CoreError(f"{check} does not show what {results} holds: renew it with --write.")
    if write is not None:
        write.write_text(renewed(write.read_text(), table))
    if check is None and write is None:
        print(table)


def main(
    results: Annotated[Path, typer.Option(help="Folder of stored results")] = RESULTS,
    check: Annotated[Path | None, typer.Option(exists=True, help="Fail if it differs")] = None,
    write: Annotated[Path | None, typer.Option(exists=True, help="Renew it")] = None,
) -> None:
    """Makes the tables."""
    try:
        _apply(results, check, write)
    except CoreError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2 if isinstance(error, SettingsError) else 1) from error


if __name__ == "__main__":
    typer.run(main)
