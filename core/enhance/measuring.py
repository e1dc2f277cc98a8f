"""What a machine takes for the parts of a live frame, found out by trying."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from core.enhance.effect import sample
from core.enhance.finish import Look
from core.enhance.quick_steady import QuickSteady
from core.model.reduced import reduce

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.enhance.backends import Backend

MEASURED_S = 0.2
"""The quickest of the runs that fit into so many seconds tells what a step takes."""
FOLLOWED, MOVED_PX = 4, 6
"""So many frames, each moved by so many pixels, tell what it takes to follow what moves."""
GREY = 40
"""What is seen meanwhile; the time a network takes does not depend on it."""


def network_s(
    backend: Backend, width: int, height: int, side: int, clock: Callable[[], float]
) -> float:
    """Seconds that a run of the network takes; the first one, which compiles, is not counted.

    Args:
        backend: runs it.
        width: of the source's frames, in pixels.
        height: likewise.
        side: of the picture it is shown, the longer one, in pixels; 0 for the whole frame.
        clock: tells seconds.
    """
    grey = np.full((height, width, 3), GREY, np.uint8)
    seen = sample(grey, reduce(grey, side).shape) if side else grey
    queries = backend.queries(seen)
    backend.enhance(seen, queries, Look())
    taken: list[float] = []
    while sum(taken) < MEASURED_S:
        start = clock()
        backend.enhance(seen, queries, Look())
        taken.append(clock() - start)
    return min(taken)


def following_s(width: int, height: int, clock: Callable[[], float]) -> float:
    """Seconds that averaging over time takes, at most, where all the picture moves.

    Args:
        width: of the source's frames, in pixels.
        height: likewise.
        clock: tells seconds.
    """
    random = np.random.default_rng(1).integers(GREY // 2, GREY, (36, 64, 3), dtype=np.uint8)
    texture = np.asarray(cv2.resize(random, (width, height)), np.uint8)
    steady, taken = QuickSteady(1.0), []
    for number in range(FOLLOWED):
        moved = np.roll(texture, MOVED_PX * number, axis=1)
        luma = moved[..., 0].copy()
        start = clock()
        steady(moved, luma)
        taken.append(clock() - start)
    return min(taken[1:])  # with the first, there is nothing to average yet
