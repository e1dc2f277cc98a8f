"""One clock that rises, whatever the source's own does."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest

from core.run.media_clock import TICK, MediaClock
from tests.run.live_parts import SECOND_NS, frame


def test_a_sources_own_steps_are_kept_however_unevenly_frames_arrive() -> None:
    clock = MediaClock()
    arrivals = [0.0, 0.9, 0.91, 0.92, 1.5]
    timed = [clock(frame(7 + number, at_s=at)) for number, at in enumerate(arrivals)]
    assert [one.pts for one in timed] == [0, 3000, 6000, 9000, 12000]
    assert {one.time_base for one in timed} == {TICK}
    assert {one.duration for one in timed} == {3000}
    assert timed[1].captured_ns == int(0.9 * SECOND_NS)


def test_after_a_reconnect_the_gap_is_that_of_the_arrival() -> None:
    clock = MediaClock()
    clock(frame(100, at_s=10.0))
    clock.reopened()
    anew = clock(frame(0, at_s=14.0))
    after = clock(replace(frame(1, at_s=14.1), time_base=Fraction(1, 30)))
    assert anew.pts_seconds == pytest.approx(4.0)
    assert after.pts - anew.pts == 3000


@pytest.mark.parametrize(
    ("media_s", "arrival_s", "step_s"),
    [(3600, 1, 1), (-3600, 1, 1), (0, 1, 1), (1, 3600, 3600), (1, 1.5, 1)],
    ids=["ahead", "back", "stands", "slept", "sound"],
)
def test_a_jump_is_as_long_as_the_arrival_says(
    media_s: int, arrival_s: float, step_s: float
) -> None:
    clock = MediaClock()
    clock(frame(200_000, at_s=5.0))
    later = clock(frame(200_000 + 30 * media_s, at_s=5.0 + arrival_s))
    assert later.pts_seconds == pytest.approx(step_s)


def test_times_rise_even_where_nothing_does() -> None:
    clock = MediaClock()
    timed = [clock(frame(3, at_s=1.0)) for _ in range(5)]
    assert all(before.pts < after.pts for before, after in pairwise(timed))


def test_steps_smaller_than_a_tick_do_not_add_up_to_an_error() -> None:
    clock = MediaClock()
    rate = Fraction(60_000, 1001)
    pts = [
        clock(replace(frame(0), pts=n, time_base=1 / rate, captured_ns=n * SECOND_NS // 60)).pts
        for n in range(1200)
    ]
    assert pts[-1] == round(1199 / rate / TICK)
