"""On in the dark, off by day, and steady in between."""

from __future__ import annotations

import numpy as np
import pytest

from core.frame import Frame
from core.run.darkness_switch import HOLD_S, DarknessSwitch, mean_luma
from core.run.media_clock import TICK
from tests.conftest import night_picture
from tests.fakes import scene

NIGHT, DUSK, DAY = 20, 76, 150


def at(seconds: float, level: int) -> Frame:
    return Frame(np.full((48, 64, 3), level, np.uint8), round(seconds / TICK), TICK)


def play(switch: DarknessSwitch, *parts: tuple[float, int]) -> list[bool]:
    """Parts of so many seconds at a level, ten frames a second."""
    levels = [level for seconds, level in parts for _ in range(round(10 * seconds))]
    return [switch(at(number / 10, level)) for number, level in enumerate(levels)]


@pytest.mark.parametrize(("level", "dark"), [(NIGHT, True), (DAY, False)])
def test_the_first_frame_decides_alone(level: int, dark: bool) -> None:
    assert DarknessSwitch()(at(0, level)) is dark


def test_it_follows_after_a_while_and_only_once() -> None:
    said = play(DarknessSwitch(), (2, NIGHT), (5, DAY), (5, NIGHT))
    changes = [n for n in range(1, len(said)) if said[n] != said[n - 1]]
    assert changes == [20 + int(10 * HOLD_S), 70 + int(10 * HOLD_S)]


def test_a_passing_headlight_changes_nothing() -> None:
    assert all(play(DarknessSwitch(), (2, NIGHT), (1, DAY), (2, NIGHT), (1, DAY), (2, NIGHT)))


def test_dusk_changes_nothing_either_way() -> None:
    assert all(play(DarknessSwitch(), (1, NIGHT), (20, DUSK)))
    assert not any(play(DarknessSwitch(), (1, DAY), (20, DUSK)))


def test_luma_weighs_colours_and_knows_both_depths() -> None:
    green = np.zeros((48, 64, 3), np.uint8)
    green[..., 1] = 255
    assert mean_luma(Frame(green, 0, TICK)) == pytest.approx(0.587)
    deep = np.full((48, 64, 3), 32768, np.uint16)
    assert mean_luma(Frame(deep, 0, TICK)) == pytest.approx(0.5, abs=0.001)


def test_made_pictures_are_told_apart() -> None:
    assert DarknessSwitch()(Frame(night_picture(0, 128, 72), 0, TICK))
    assert not DarknessSwitch()(Frame(scene(1), 0, TICK))
