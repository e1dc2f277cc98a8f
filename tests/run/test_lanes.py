"""Frames beside each other, in order."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from threading import Event

import numpy as np
import pytest

from core.enhance.plan import Plan
from core.frame import Frame
from core.run.lanes import enhanced
from tests.fakes import PATIENCE_S


def frame(number: int) -> Frame:
    return Frame(np.zeros((2, 2, 3), np.uint8), number, Fraction(1))


def plan(device: str, lanes: int) -> Plan:
    return Plan(device, "float32", lanes, threads=1, prior_every=15)


@pytest.mark.parametrize("lanes", [1, 2, 3])
def test_results_keep_their_order(lanes: int) -> None:
    frames = [frame(number) for number in range(9)]
    with enhanced(frames, lambda seen: lambda: seen, plan("cpu", lanes)) as results:
        assert [result.pts for result in results] == list(range(9))


def test_a_processors_lane_never_waits_for_the_next_frame() -> None:
    begun = [Event() for _ in range(4)]

    def begin(seen: Frame) -> Callable[[], Frame]:
        begun[seen.pts].set()

        def work() -> Frame:
            assert begun[min(seen.pts + 1, 3)].wait(PATIENCE_S)
            return seen

        return work

    with enhanced([frame(number) for number in range(4)], begin, plan("cpu", 1)) as results:
        assert len(list(results)) == 4


def test_a_gpu_ends_a_frame_before_the_next_is_begun() -> None:
    under_way = 0

    def begin(seen: Frame) -> Callable[[], Frame]:
        nonlocal under_way
        under_way += 1
        assert under_way == 1

        def work() -> Frame:
            nonlocal under_way
            under_way -= 1
            return seen

        return work

    with enhanced([frame(number) for number in range(4)], begin, plan("cuda", 1)) as results:
        assert len(list(results)) == 4
