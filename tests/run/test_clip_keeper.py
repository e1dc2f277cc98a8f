"""The ring never holds up the pictures, and what it cannot take is counted."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from core.errors import WriterError
from core.media.live_encoder import LiveEncoder
from core.run.clip_keeper import FRAMES_AHEAD, ClipKeeper, LastSeconds, SecondsRing
from tests.run.live_parts import frame, until


def test_pictures_that_come_too_fast_are_counted(tmp_path: Path) -> None:
    failures: list[BaseException] = []
    with ClipKeeper(5.0, failures.append) as keeper:
        big = replace(frame(0), pixels=np.zeros((720, 1280, 3), np.uint8))
        for number in range(10 * FRAMES_AHEAD):
            keeper.put(replace(big, pts=number))
        assert keeper.dropped > 0
        kept = 10 * FRAMES_AHEAD - keeper.dropped
        until(lambda: keeper.frames == kept)()
        saved = keeper.save(tmp_path / "last.mkv")
    assert (saved.frames, saved.checked) == (kept, True), saved.note
    assert failures == []


@pytest.mark.parametrize("steps", [1, 11, 30])
def test_no_less_is_kept_than_was_wished_however_slow_the_source(steps: int) -> None:
    ring, encoder = SecondsRing(3.0), LiveEncoder(64, 48, Fraction(1, 30))
    for number in range(0, 300, steps):
        for packet in encoder.encode(frame(number)):
            ring.push(packet)
        assert min(float(packet.end), 3.0) <= ring.seconds <= 5.0


def test_another_size_begins_anew(tmp_path: Path) -> None:
    with ClipKeeper(5.0, lambda _: None) as keeper:
        keeper.put(frame(0))
        until(lambda: keeper.frames == 1)()
        keeper.put(replace(frame(1), pixels=np.zeros((64, 128, 3), np.uint8)))
        until(lambda: keeper.seconds > 0 and keeper.frames == 1)()
        assert keeper.save(tmp_path / "last.mkv").frames == 1


def test_what_cannot_be_encoded_is_told_and_ends_nothing_else() -> None:
    failures: list[BaseException] = []
    with ClipKeeper(5.0, failures.append) as keeper:
        keeper.put(replace(frame(0), pixels=np.zeros((1, 1, 3), np.uint8)))
        until(lambda: keeper.trouble or failures)()
        assert keeper.trouble.startswith("The last seconds are no longer kept. ")
        keeper.put(frame(1))
        assert keeper.dropped == 1
        with pytest.raises(WriterError, match="no picture has come yet"):
            keeper.save(Path("last.mkv"))
    assert failures == []


def test_another_number_of_seconds_keeps_what_is_held() -> None:
    with LastSeconds(_unforeseen) as last:
        last.keep(20.0)
        last.keep(30.0)
        for number in range(FRAMES_AHEAD):
            last.put(frame(30 * number))
        until(lambda: last.seconds >= 7)()
        held = last.seconds
        for seconds in (29.0, 28.0, 60.0):
            last.keep(seconds)
        assert last.seconds == held
        last.keep(3.0)
        last.put(frame(30 * FRAMES_AHEAD))
        until(lambda: last.seconds < held)()
        assert 3.0 <= last.seconds <= 5.0


def test_switched_off_it_forgets_and_begins_anew() -> None:
    with LastSeconds(_unforeseen) as last:
        last.keep(5.0)
        last.put(frame(0))
        until(lambda: last.seconds)()
        last.keep(0.0)
        assert last.seconds == 0
        last.keep(5.0)
        assert last.seconds == 0
        last.put(frame(1))
        until(lambda: last.seconds)()


def test_a_keeper_that_failed_is_begun_anew_with_other_seconds() -> None:
    with LastSeconds(_unforeseen) as last:
        last.keep(5.0)
        last.put(replace(frame(0), pixels=np.zeros((1, 1, 3), np.uint8)))
        until(lambda: last.trouble)()
        last.keep(6.0)
        assert last.trouble == ""
        last.put(frame(1))
        until(lambda: last.seconds)()


def _unforeseen(error: BaseException) -> None:
    raise error
