"""The states follow each other as drawn, and trouble says why and what to try."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.run.connection import Connection, reader_notes
from core.run.live_status import LiveState
from tests.run.live_parts import INFO


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_loss_is_told_with_the_seconds_to_the_next_try(clock: Clock) -> None:
    connection = Connection(clock)
    connection.connected()
    assert connection.trouble == ""
    connection.lost("Door is gone; check its power.")
    connection.waiting(3.4)
    assert connection.state is LiveState.RECONNECTING
    assert connection.trouble == "Door is gone; check its power; next try in 4 s"
    clock.now_s += 3
    assert connection.trouble.endswith("next try in 1 s")
    clock.now_s += 3600
    assert connection.trouble.endswith("trying again now")
    connection.connected()
    assert (connection.state, connection.trouble) == (LiveState.RUNNING, "")


def test_what_is_over_stays_over_and_the_first_reason_counts() -> None:
    connection = Connection()
    assert connection.failed("one")
    assert not connection.failed("two")
    for late in (connection.connected, connection.stopping, connection.ended):
        late()
        assert (connection.state, connection.trouble) == (LiveState.FAILED, "one")


def test_the_reader_that_stands_in_for_gstreamer_is_told() -> None:
    (note,) = reader_notes(replace(INFO, title="rtsp://door/1", reader="pyav"))
    assert "GStreamer" in note
    assert reader_notes(replace(INFO, title="rtsp://door/1", reader="gstreamer")) == ()
    assert reader_notes(replace(INFO, title="http://door/1", reader="pyav")) == ()
    assert reader_notes(None) == ()


def test_stopping_leads_only_to_the_end() -> None:
    connection = Connection()
    connection.stopping()
    connection.connected()
    connection.lost("interrupted")
    assert connection.state is LiveState.STOPPING
    connection.ended()
    assert connection.state.value == "ended"


@pytest.mark.parametrize(
    ("reader", "can_keep_rate", "advice"),
    [
        ("opencv", True, "switch on keep_rate"),
        ("opencv", False, "dark: give it more light"),
        ("file", False, "smaller"),
    ],
)
def test_half_the_promised_rate_is_told_after_a_while(
    clock: Clock, reader: str, can_keep_rate: bool, advice: str
) -> None:
    connection = Connection(clock)
    info = replace(INFO, reader=reader, can_keep_rate=can_keep_rate)
    connection.connected()
    assert connection.slowness(info, 15) == ""
    clock.now_s += 10
    said = connection.slowness(info, 15.02)
    assert said.startswith("Door promised 30 frames a second and brings 15. ")
    assert advice in said
    assert connection.slowness(info, 25) == ""
    assert connection.slowness(replace(info, rate=None), 1) == ""
    assert connection.slowness(None, 0) == ""
    connection.lost("gone")
    assert connection.slowness(info, 15) == ""
