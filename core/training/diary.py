"""What a run tells of itself: a log, curves, pictures, and the same for TensorBoard.

log.jsonl        a line for every save
curve.png        every figure of the log against the step
pictures/        before, after and reference, a file for every save
tensorboard/     for `tensorboard --logdir runs`
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from matplotlib.figure import Figure
from torch.utils.tensorboard import SummaryWriter

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]


class Diary:
    """The diary of one run; a run that goes on from step N forgets what came after N."""

    def __init__(self, run: Path, step: int) -> None:
        self._run = run
        self._rows = [row for row in read_log(run / "log.jsonl") if row["step"] <= step]
        _write_log(run / "log.jsonl", self._rows)
        self._board = SummaryWriter(run / "tensorboard", purge_step=step + 1)

    def write(self, row: dict[str, Any], pictures: dict[str, Picture]) -> None:
        """Takes down one save: a row with its `step`, and pictures by name."""
        self._rows.append(row)
        _write_log(self._run / "log.jsonl", self._rows)
        _draw(self._rows, self._run / "curve.png")
        for name, value in row.items():
            if isinstance(value, float):
                self._board.add_scalar(name, value, row["step"])
        (self._run / "pictures").mkdir(exist_ok=True)
        for name, picture in pictures.items():
            path = self._run / "pictures" / f"{name}-{row['step']:06}.png"
            cv2.imwrite(str(path), np.ascontiguousarray(picture[..., ::-1]))
            self._board.add_image(name, picture, row["step"], dataformats="HWC")

    def close(self) -> None:
        """Finishes TensorBoard's file."""
        self._board.close()


def read_log(path: Path) -> list[dict[str, Any]]:
    """Rows of a run's log; none where there is no log yet."""
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text().splitlines()]


def _write_log(path: Path, rows: list[dict[str, Any]]) -> None:
    partial = path.with_suffix(".part")
    partial.write_text("".join(json.dumps(row) + "\n" for row in rows))
    partial.replace(path)


def _draw(rows: list[dict[str, Any]], path: Path) -> None:
    """One small plot for every figure that every row has."""
    names = [name for name, value in rows[-1].items() if isinstance(value, float)]
    figure = Figure(figsize=(8, 2 * len(names)), layout="constrained")
    for axes, name in zip(figure.subplots(len(names), squeeze=False)[:, 0], names, strict=True):
        told = [row for row in rows if name in row]
        axes.plot([row["step"] for row in told], [row[name] for row in told], marker=".")
        axes.set_ylabel(name)
    figure.savefig(path)
