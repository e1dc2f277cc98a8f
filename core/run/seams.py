"""How much of the joins between chunks can be seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.errors import SourceLostError
from core.media.source import open_source

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from fractions import Fraction
    from pathlib import Path

    from numpy.typing import NDArray

    from core.frame import Frame


@dataclass(frozen=True, slots=True)
class Seam:
    """The first frame of a chunk, beside the same frame of a film made in one go."""

    begin: float
    """Of the chunk, in seconds."""
    mean: float
    """Difference of the two, on average over the picture, in levels of 255."""
    most: float
    """The greatest difference of a pixel, likewise."""
    step: float
    """Mean difference from the frame before it."""
    step_in_one_go: float
    """The same in the film made in one go: what motion and noise do by themselves."""


def measure_seams(whole: Path, joined: Path, begins: Sequence[Fraction]) -> list[Seam]:
    """Compares two films of one source at the joins of one of them.

    Args:
        whole: made of a single chunk; both best without loss.
        joined: made of many.
        begins: of its chunks, in seconds from the first frame, in order; zero is left out.

    Raises:
        SourceLostError: the films have not the same frames.
    """
    ahead = [begin for begin in begins if begin > 0]
    seams: list[Seam] = []
    with open_source(whole) as one, open_source(joined) as other:
        first: Fraction | None = None
        before: tuple[Frame, Frame] | None = None
        for pair in _pairs(iter(one), iter(other), joined):
            time = pair[1].pts * pair[1].time_base
            first = time if first is None else first
            if before is not None and ahead and time - first >= ahead[0]:
                seams.append(_seam(float(ahead.pop(0)), before, pair))
            before = pair
    return seams


def _pairs(
    one: Iterator[Frame], other: Iterator[Frame], path: Path
) -> Iterator[tuple[Frame, Frame]]:
    try:
        yield from zip(one, other, strict=True)
    except ValueError as error:
        raise SourceLostError(f"{path} has not as many frames as the other film") from error


def _seam(begin: float, before: tuple[Frame, Frame], now: tuple[Frame, Frame]) -> Seam:
    change = _difference(*now)
    return Seam(
        begin=round(begin, 3),
        mean=round(float(change.mean()), 4),
        most=round(float(change.max()), 2),
        step=round(float(_difference(before[1], now[1]).mean()), 4),
        step_in_one_go=round(float(_difference(before[0], now[0]).mean()), 4),
    )


def _difference(one: Frame, other: Frame) -> NDArray[np.float32]:
    """In levels of 255, (H, W, 3)."""
    change = one.pixels.astype(np.float32) - other.pixels.astype(np.float32)
    change /= np.iinfo(one.pixels.dtype).max / 255
    return np.abs(change)
