"""Sound comes out as it went in, also after its source was closed, and round after round."""

from __future__ import annotations

import gc
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest

from core.media.codecs import can_hold
from core.media.live_file import LiveFile
from core.media.sound import MOST_WAITING, StreamSound, are_alike, sound_in

MakeClip = Callable[..., Path]
SECOND_NS = 10**9


def heard_in(path: Path) -> list[tuple[bytes, Fraction]]:
    with av.open(str(path)) as film:
        packets = [packet for packet in film.demux(audio=0) if packet.size]
        return [(bytes(p), (p.pts or 0) * (p.time_base or Fraction(0))) for p in packets]


def sound_of(path: Path) -> StreamSound:
    with av.open(str(path)) as film:
        sound = sound_in(film)
        assert sound is not None
        for packet in film.demux(audio=0):
            sound.hear(packet)
        return sound


def telephone(path: Path) -> Path:
    """A second of a ramp, as a telephone codes it."""
    with av.open(str(path), "w") as film:
        stream = film.add_stream("pcm_alaw", rate=8000, layout="mono")
        for start in range(0, 8000, 800):
            frame = av.AudioFrame(format="s16", layout="mono", samples=800)
            frame.planes[0].update(b"\x00\x10" * 800)
            frame.sample_rate, frame.pts = 8000, start
            film.mux(stream.encode(frame))
    return path


def test_packets_outlive_their_source(make_clip: MakeClip) -> None:
    clip = make_clip("talk.mp4", times=range(25), audio=("eng",))
    sound = sound_of(clip)
    gc.collect()
    assert [(packet.data, packet.begin) for packet in sound.take()] == heard_in(clip)
    assert sound.take() == []
    assert can_hold("mp4", sound.template)
    assert can_hold("matroska", sound.template)


def test_what_nobody_takes_makes_room(make_clip: MakeClip) -> None:
    clip = make_clip("talk.mp4", times=range(150), audio=("eng",))
    packets = heard_in(clip)
    assert len(packets) > MOST_WAITING
    assert [packet.data for packet in sound_of(clip).take()] == [
        data for data, _ in packets[-MOST_WAITING:]
    ]


def test_telephone_sound_is_coded_anew_for_containers_that_cannot_hold_it(tmp_path: Path) -> None:
    sound = sound_of(telephone(tmp_path / "call.wav"))
    packets = sound.take()
    assert sound.template.name == "aac"
    assert can_hold("matroska", sound.template)
    assert can_hold("mp4", sound.template)
    assert float(packets[0].begin) == pytest.approx(0, abs=0.13)
    # The encoder holds a few pieces back.
    assert 0.5 < packets[-1].end < 1.13


def test_sound_of_another_kind_is_told_apart(make_clip: MakeClip, tmp_path: Path) -> None:
    one, again = (sound_of(make_clip(name, audio=("eng",))) for name in ("a.mp4", "b.mp4"))
    assert are_alike(one.template, again.template)
    assert not are_alike(one.template, sound_of(telephone(tmp_path / "call.wav")).template)


def test_a_film_without_sound_has_none(plain_clip: Path) -> None:
    with av.open(str(plain_clip)) as film:
        assert sound_in(film) is None
    with LiveFile(plain_clip, clock=lambda: 0, wait=lambda _: None) as source:
        assert source.info.sound is None
        assert source.read() is not None


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_file_brings_its_sound_with_its_pictures_in_every_round(
    make_clip: MakeClip, suffix: str
) -> None:
    clip = make_clip(f"talk{suffix}", times=range(25), audio=("eng",))
    now_ns = [0]

    def wait(seconds: float) -> None:
        now_ns[0] += round(seconds * SECOND_NS)

    with LiveFile(clip, loop=True, clock=lambda: now_ns[0], wait=wait) as source:
        sound = source.info.sound
        assert sound is not None
        rounds = []
        for _ in range(2):
            packets = []
            for _ in range(25):
                frame = source.read()
                assert frame is not None
                packets += sound.take()
                begin, end = (frame.pts * frame.time_base, packets[-1].end)
                assert abs(float(end - begin)) < 0.1
            rounds.append(packets)
    first, second = rounds
    assert [packet.data for packet in first] == [packet.data for packet in second]
    assert float(second[0].begin - first[0].begin) == pytest.approx(1.0, abs=0.001)
    assert [(p.data, p.begin) for p in first] == heard_in(clip)[: len(first)]
