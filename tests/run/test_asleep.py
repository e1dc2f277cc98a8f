"""A machine that slept leaves a gap as long as it was, and no frame seems late for it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from core.clock import arrival_ns
from core.frame import Frame
from core.media.live import LiveSource
from core.media.open_live import open_live
from core.run.media_clock import MediaClock
from core.run.tally import Tally
from tests.run.live_parts import PATTERN, SECOND_NS

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="the usual clock goes on asleep"
)
HOUR_S = 3600
CORE = Path(__file__).parents[2] / "core"
Sleep = Callable[[], None]


@pytest.fixture
def sleep_an_hour(monkeypatch: pytest.MonkeyPatch) -> Sleep:
    """As the kernel tells it afterwards: one of its clocks went on, the usual one did not."""
    slept_ns, tell = [0], time.clock_gettime_ns
    monkeypatch.setattr(
        time,
        "clock_gettime_ns",
        lambda clock: tell(clock) + slept_ns[0] * (clock == time.CLOCK_BOOTTIME),
    )
    return lambda: slept_ns.__setitem__(0, HOUR_S * SECOND_NS)


def test_the_clock_of_arrival_goes_on_asleep(sleep_an_hour: Sleep) -> None:
    before = arrival_ns()
    sleep_an_hour()
    assert HOUR_S <= (arrival_ns() - before) / SECOND_NS < HOUR_S + 60


def test_an_hour_asleep_is_a_gap_after_the_reconnect(sleep_an_hour: Sleep) -> None:
    clock, tally = MediaClock(), Tally()
    with open_live(PATTERN) as source:
        before = clock(read(source))
    sleep_an_hour()
    clock.reopened()
    with open_live(PATTERN) as source:
        after = clock(read(source))
    assert HOUR_S <= after.pts_seconds - before.pts_seconds < HOUR_S + 60
    tally.shown(after.captured_ns)
    assert 0 <= tally.latency.p50_ms < 60_000


def test_an_hour_asleep_is_a_gap_also_where_the_source_goes_on(sleep_an_hour: Sleep) -> None:
    clock = MediaClock()
    with open_live(PATTERN) as source:
        before = clock(read(source))
        sleep_an_hour()
        after = clock(read(source))
    assert HOUR_S <= after.pts_seconds - before.pts_seconds < HOUR_S + 60


def test_every_source_tells_arrival_by_that_clock() -> None:
    others = [path for path in CORE.rglob("*.py") if "monotonic_ns" in path.read_text()]
    assert [path.name for path in others] == ["clock.py"]


def read(source: LiveSource) -> Frame:
    frame = source.read()
    assert frame is not None
    return frame
