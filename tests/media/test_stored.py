"""What a file has stored is told without decoding it."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from core.errors import SourceOpenError
from core.media.keyframes import cut_into_chunks
from core.media.stored import Times, decoded_times, pictures_sha256, sound_of, stored_times

MakeClip = Callable[..., Path]


def times(*ticks: int, unit: Fraction = Fraction(1, 90000)) -> Times:
    return Times(array("q", ticks), unit)


@pytest.mark.parametrize("name", ["in.mp4", "in.mkv", "in.ts"])
def test_packets_tell_the_times_of_the_frames(make_clip: MakeClip, name: str) -> None:
    clip = make_clip(name, times=range(3, 20))
    stored = stored_times(clip)
    assert stored == decoded_times(clip)
    assert stored is not None
    assert len(stored) == 17
    assert stored.seconds(16) == Fraction(16, 25)


def test_a_digest_of_times_does_not_depend_on_the_clock() -> None:
    assert times(0, 90000).sha256 == times(0, 25, unit=Fraction(1, 25)).sha256
    assert times(0, 90000).sha256 != times(0, 90001).sha256


@pytest.mark.parametrize(
    ("name", "ours", "reason"),
    [
        ("a.mp4", times(0, 3003), ""),
        ("a.mp4", times(0, 3004), "frame 1 is shown at 0.033378 s, in the source at 0.033367 s"),
        ("a.mkv", times(0, 33, unit=Fraction(1, 1000)), ""),
        ("a.mkv", times(0, 34, unit=Fraction(1, 1000)), "frame 1 is shown at 0.034000 s"),
        ("a.mp4", times(0, 33, unit=Fraction(1, 1000)), "frame 1 is shown at 0.033000 s"),
        ("a.mp4", times(0), "it has 1 frames, its source 2"),
    ],
)
def test_only_matroska_may_round(name: str, ours: Times, reason: str) -> None:
    found = ours.differ_from(times(0, 3003), Path(name))
    assert found.startswith(reason)
    assert bool(found) == bool(reason)


@pytest.mark.parametrize("other", ["in.ts", "in.mkv", "in.mov"])
def test_sound_is_the_same_in_every_container(make_clip: MakeClip, other: str) -> None:
    one = make_clip("in.mp4", audio=("eng", "deu"))
    tracks = sound_of(one, one)
    assert [track.codec for track in tracks] == ["aac", "aac"]
    assert tracks[0] != tracks[1]
    assert sound_of(make_clip(other, audio=("eng", "deu")), one) == tracks


def test_sound_the_output_cannot_hold_is_left_out(make_clip: MakeClip) -> None:
    clip = make_clip("in.mp4", audio=("eng",))
    assert len(sound_of(clip, Path("out.mkv"))) == 1
    assert sound_of(clip, Path("out.webm")) == ()


def test_parts_of_a_film_are_told_apart(make_clip: MakeClip) -> None:
    clip = make_clip(times=range(24))
    stored = stored_times(clip)
    assert stored is not None
    ticks = [stored.ticks[0] + round(c.begin / stored.unit) for c in cut_into_chunks(clip, 0)]
    first, last = (ticks[0], ticks[1]), (ticks[2], None)
    assert pictures_sha256(clip, [first]) != pictures_sha256(clip, [last])
    assert pictures_sha256(clip, [first, last]) == pictures_sha256(clip, [last, first])
    assert pictures_sha256(clip, []) == pictures_sha256(clip, [(ticks[0] - 9, ticks[0])])


def test_what_is_no_film_is_named(tmp_path: Path) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("no film")
    with pytest.raises(SourceOpenError, match=r"notes\.mp4 cannot be opened"):
        stored_times(text)
