"""The ring: the last seconds, never more than it may hold, saved while it goes on."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from core.errors import WriterError
from core.frame import Frame
from core.media.clip_ring import ClipRing
from core.media.live_encoder import LiveEncoder
from tests.conftest import night_picture

CLOCK = Fraction(1, 90000)
MANY = 10**9


def push(ring: ClipRing, encoder: LiveEncoder, first: int, count: int) -> None:
    """Frames of a 30 fps camera; the bounds are looked at after each."""
    for index in range(first, first + count):
        frame = Frame(night_picture(index, 96, 64), index * 3000, CLOCK, 3000)
        for packet in encoder.encode(frame):
            ring.push(packet)


def test_it_never_holds_more_seconds_than_it_may() -> None:
    ring, encoder = ClipRing(3.0, MANY), LiveEncoder(96, 64, CLOCK)
    for index in range(300):
        push(ring, encoder, index, 1)
        assert ring.seconds <= 3.0
        assert ring.seconds > 1.9 or index < 60


def test_it_never_holds_more_bytes_than_it_may() -> None:
    ring, encoder = ClipRing(1000.0, 60_000), LiveEncoder(96, 64, CLOCK)
    noise = np.random.default_rng(1).integers(0, 255, (64, 96, 3), dtype=np.uint8)
    most = 0
    for index in range(200):
        for packet in encoder.encode(Frame(np.roll(noise, index), index * 9000, CLOCK)):
            ring.push(packet)
        assert ring.bytes <= 60_000
        most = max(most, ring.bytes)
    assert most > 20_000


def test_what_it_saves_begins_with_a_key_frame_and_plays(tmp_path: Path) -> None:
    ring, encoder = ClipRing(2.0, MANY), LiveEncoder(96, 64, CLOCK)
    push(ring, encoder, 0, 100)
    assert ring.save(tmp_path / "clip.mp4") == ring.frames
    with av.open(str(tmp_path / "clip.mp4")) as film:
        pictures = list(film.decode(video=0))
    assert pictures[0].key_frame
    assert pictures[0].time == 0
    assert len(pictures) == ring.frames == 40  # seconds 2 and 3 up to frame 99


def test_saving_does_not_stop_it(tmp_path: Path) -> None:
    ring, encoder = ClipRing(10.0, MANY), LiveEncoder(96, 64, CLOCK)
    push(ring, encoder, 0, 40)
    ring.save(tmp_path / "one.mkv")
    push(ring, encoder, 40, 40)
    assert ring.save(tmp_path / "two.mkv") == 80


def test_another_picture_size_begins_anew(tmp_path: Path) -> None:
    ring, encoder = ClipRing(10.0, MANY), LiveEncoder(96, 64, CLOCK)
    push(ring, encoder, 0, 40)
    push(ring, LiveEncoder(96, 64, CLOCK), 40, 10)
    assert ring.frames == 10
    assert ring.save(tmp_path / "clip.mkv") == 10


def test_nothing_yet_is_said(tmp_path: Path) -> None:
    with pytest.raises(WriterError, match="no picture has come yet"):
        ClipRing(10.0, MANY).save(tmp_path / "clip.mkv")
    assert list(tmp_path.iterdir()) == []
