"""The trial judges rightly, and its pictures tell when they were sent."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from core.errors import CoreError
from core.media.gst_stream import GstStream, is_available
from core.media.test_pattern import read_bar_code
from scripts.rtsp_clock import FILM_S, Server, age_ms, write_pictures
from scripts.rtsp_clock_server import RATE
from scripts.rtsp_trial import Round, judge

GOOD = Round("killed", 2.0, 0.1, 0.8)


def test_the_age_of_a_picture_goes_by_the_clock() -> None:
    second = 1_000_000_000
    assert age_ms(0, 0, count=60) == 0
    assert age_ms(15, second, count=60) == pytest.approx(500)
    assert age_ms(59, 2 * second, count=60) == pytest.approx(1000 / 30)
    assert age_ms(0, 7 * second, count=60) == pytest.approx(1000)


@pytest.mark.parametrize(
    ("rounds", "memory", "is_within", "is_flat"),
    [
        ([GOOD, GOOD], [100.0, 104.0], True, True),
        ([GOOD, Round("frozen", 0.0, 3.1, 0.5)], [100.0], False, True),
        ([GOOD, Round("killed", 0.0, 0.1, 2.1)], [100.0], False, True),
        ([GOOD], [90.0, 95.0, 100.0, 106.0], True, False),
    ],
)
def test_limits_are_judged(
    rounds: list[Round], memory: list[float], is_within: bool, is_flat: bool
) -> None:
    told = judge(rounds, memory)
    assert (told["is_within_limits"], told["memory_is_flat"]) == (is_within, is_flat)


@pytest.mark.skipif(not is_available(), reason="GStreamer is not installed")
def test_the_server_sends_what_the_clock_says(tmp_path: Path) -> None:
    write_pictures(tmp_path, size=(128, 96))
    assert len(list(tmp_path.iterdir())) == FILM_S * RATE
    try:
        server = Server(tmp_path)
    except CoreError as error:
        pytest.skip(str(error))
    with server:
        server.start()
        with GstStream(server.address) as source:
            frames = [frame for _ in range(RATE) if (frame := source.read()) is not None]
    numbers = [read_bar_code(frame.pixels) for frame in frames]
    steps = [(after - before) % (FILM_S * RATE) for before, after in pairwise(numbers)]
    assert len(frames) == RATE
    assert set(steps) <= set(range(1, RATE)), "a picture came twice or too late"
    late_ms = [
        age_ms(number, frame.captured_ns or 0)
        for number, frame in zip(numbers, frames, strict=True)
    ]
    assert min(late_ms) < 1000
