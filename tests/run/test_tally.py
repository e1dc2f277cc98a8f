"""Counts that add up, rates that fall when nothing comes, percentiles of what was painted."""

from __future__ import annotations

import pytest

from core.run.live_status import Latency
from core.run.tally import MOST_LATENCIES, WINDOW_S, RateMeter, Tally

SECOND_NS = 1_000_000_000
HOUR_NS = 3600 * SECOND_NS


class Clock:
    def __init__(self) -> None:
        self.now_ns = HOUR_NS

    def __call__(self) -> int:
        return self.now_ns


@pytest.mark.parametrize("rate", [1, 15, 30, 120])
def test_a_steady_rate_is_measured(rate: int) -> None:
    meter = RateMeter()
    for number in range(10 * rate):
        meter.add(number * SECOND_NS // rate)
    end = (10 * rate - 1) * SECOND_NS // rate
    assert meter.per_second(end) == pytest.approx(rate, rel=1e-6)
    # Just before the next frame is due the rate is still the same.
    assert meter.per_second(end + SECOND_NS // rate - 1000) == pytest.approx(rate, rel=0.02)


def test_the_rate_falls_as_soon_as_nothing_comes() -> None:
    meter = RateMeter()
    for number in range(61):
        meter.add(number * SECOND_NS // 30)
    now = 2 * SECOND_NS
    rates = [meter.per_second(now + step * SECOND_NS // 2) for step in range(8)]
    assert rates == sorted(rates, reverse=True)
    assert rates[2] < 25
    assert rates[-1] == 0.0


def test_an_hour_of_sleep_is_forgotten_within_the_window() -> None:
    meter = RateMeter()
    for number in range(100):
        meter.add(number * SECOND_NS // 30)
    for number in range(int(30 * WINDOW_S)):
        meter.add(HOUR_NS + number * SECOND_NS // 30)
    assert meter.per_second(HOUR_NS + int(WINDOW_S * SECOND_NS)) == pytest.approx(30, rel=0.05)


def test_latencies_are_told_in_percentiles_of_the_last_ones() -> None:
    clock = Clock()
    tally = Tally(clock)
    assert tally.latency == Latency()
    for late_ms in [*[9_000_000] * 50, *range(1, MOST_LATENCIES + 1)]:
        tally.shown(clock.now_ns - late_ms * 1_000_000)
    latency = tally.latency
    assert latency.p50_ms == pytest.approx(150.5)
    assert latency.p95_ms == pytest.approx(285.05)
    assert latency.p99_ms == pytest.approx(297.01)


def test_counts_of_one_moment_add_up() -> None:
    tally = Tally(Clock())
    for _ in range(5):
        tally.came()
    tally.dropped(2)
    tally.shown(None)
    counts = tally.counts(in_flight=2)
    assert (counts.captured, counts.shown, counts.dropped, counts.in_flight) == (5, 1, 2, 2)
    assert tally.latency == Latency()
