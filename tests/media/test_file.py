"""Reading: times, geometry, colour and damage."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import SourceOpenError
from core.frame import Frame
from core.media.source import open_source
from tests.conftest import night_picture

MakeClip = Callable[..., Path]


def read(path: Path, **part: Any) -> list[Frame]:
    with open_source(path, **part) as source:
        return list(source)


def seconds(frames: list[Frame]) -> list[Fraction]:
    return [frame.pts * frame.time_base for frame in frames]


CLOCKS = [
    pytest.param((9000, 12003, 15000, 21000, 22000, 33000), Fraction(1, 90000), id="vfr-late"),
    pytest.param((0, 33, 67, 100, 133, 400), Fraction(1, 1000), id="milliseconds"),
    pytest.param(tuple(range(12)), Fraction(1001, 30000), id="ntsc"),
    pytest.param((50, 90, 130), Fraction(1, 1000), id="late"),
]


@pytest.mark.parametrize(("times", "time_base"), CLOCKS)
def test_every_frame_keeps_the_time_the_file_gives_it(
    make_clip: MakeClip, times: tuple[int, ...], time_base: Fraction
) -> None:
    clip = make_clip(
        "clip.mkv" if time_base == Fraction(1, 1000) else "clip.mp4",
        times=times, time_base=time_base, last_duration=7, options={"bf": "0"},
    )  # fmt: skip
    frames = read(clip)
    assert seconds(frames) == [time * time_base for time in times]
    ends = [frame.pts + frame.duration for frame in frames]
    assert ends[:-1] == [frame.pts for frame in frames[1:]]
    assert frames[-1].duration * frames[-1].time_base == 7 * time_base


def test_reading_twice_gives_the_same_frames(plain_clip: Path) -> None:
    with open_source(plain_clip) as source:
        first, second = list(source), list(source)
    assert seconds(first) == seconds(second)
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(first, second, strict=True))


def test_info_tells_what_the_file_says(rich_clip: Path) -> None:
    with open_source(rich_clip) as source:
        info = source.info
    assert (info.width, info.height, info.codec, info.bit_depth) == (96, 64, "h264", 8)
    assert info.average_rate == 25
    assert (info.frame_count, info.duration_seconds) == (10, 0.4)
    assert str(info.colour) == "bt709 / bt709 / bt709, limited range"
    assert [(s.kind, s.codec, s.language) for s in info.streams[:4]] == [
        ("video", "h264", "und"),
        ("audio", "aac", "eng"),
        ("audio", "aac", "deu"),
        ("subtitle", "mov_text", "fra"),
    ]
    assert info.streams[1].details == "48000 Hz, stereo"


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_part_begins_and_ends_where_it_was_asked_to(make_clip: MakeClip, suffix: str) -> None:
    clip = make_clip(f"long.{suffix}", times=range(5, 80), time_base=Fraction(1, 25))
    whole = read(clip)
    part = read(clip, start=1.2, end=2.0)
    assert seconds(part) == seconds(whole)[30:50]
    assert np.array_equal(part[0].pixels, whole[30].pixels)


def test_frames_cut_off_by_an_edit_list_are_not_shown(plain_clip: Path, tmp_path: Path) -> None:
    """Copying packets with times moved below zero makes the muxer hide what comes before it."""
    edited = tmp_path / "edited.mp4"
    with av.open(str(plain_clip)) as source, av.open(str(edited), "w") as output:
        film = source.streams.video[0]
        copy = output.add_stream_from_template(film, opaque=True)
        for packet in source.demux(film):
            if packet.size and packet.pts is not None and packet.dts is not None:
                packet.pts, packet.dts = packet.pts - 3 * 512, packet.dts - 3 * 512
                packet.stream = copy
                output.mux(packet)
    frames, whole = read(edited), read(plain_clip)
    assert [round(time * 25) for time in seconds(frames)] == list(range(7))
    assert np.array_equal(frames[0].pixels, whole[3].pixels)


def test_a_stream_without_times_gets_them_from_its_rate(make_clip: MakeClip) -> None:
    frames = read(make_clip("raw.h264", options={"bf": "0"}))
    steps = {b - a for a, b in zip(seconds(frames), seconds(frames)[1:], strict=False)}
    assert len(frames) == 10
    assert steps == {Fraction(1, 25)}


CORNERS = {
    (None, False): ("red", "dim", "dim", "blue"),
    (90, False): ("dim", "blue", "red", "dim"),
    (-90, False): ("dim", "red", "blue", "dim"),
    (180, False): ("blue", "dim", "dim", "red"),
    (0, True): ("dim", "red", "blue", "dim"),
}


def corner_colours(pixels: NDArray[Any]) -> tuple[str, ...]:
    def name(pixel: NDArray[Any]) -> str:
        red, _, blue = (int(channel) for channel in pixel)
        return "red" if red > 140 else "blue" if blue > 140 else "dim"

    return tuple(name(pixels[y, x]) for y in (4, -5) for x in (4, -5))


@pytest.mark.parametrize(("turn", "corners"), CORNERS.items())
def test_pictures_arrive_upright(
    make_clip: MakeClip, turn: tuple[float | None, bool], corners: tuple[str, ...]
) -> None:
    clip = make_clip(rotation=turn[0], hflip=turn[1], aspect=Fraction(4, 3))
    with open_source(clip) as source:
        frame = next(iter(source))
        info = source.info
        notes = source.notes
    quarter = turn[0] in (90, -90)
    assert corner_colours(frame.pixels) == corners
    assert frame.pixels.shape == ((96, 64, 3) if quarter else (64, 96, 3))
    assert (info.width, info.height) == ((64, 96) if quarter else (96, 64))
    assert info.sample_aspect_ratio == (Fraction(3, 4) if quarter else Fraction(4, 3))
    assert bool(notes) == (turn != (None, False))


@pytest.mark.parametrize("colour", [(1, 1, 1, 1), (1, 2, 1, 1), (6, 1, 6, 6), (2, 0, 2, 2)])
def test_colours_come_out_as_they_went_in(
    make_clip: MakeClip, colour: tuple[int, int, int, int]
) -> None:
    clip = make_clip(colour=colour, pixel_format="yuv444p", options={"crf": "1"})
    first = read(clip)[0]
    error = np.abs(first.pixels.astype(int) - night_picture(0, 96, 64).astype(int))
    assert error.mean() < 1.5


def test_odd_sides_are_kept(make_clip: MakeClip) -> None:
    assert read(make_clip(width=97, height=63, pixel_format="yuv444p"))[0].pixels.shape == (
        63,
        97,
        3,
    )


def test_more_than_eight_bits_stay(make_clip: MakeClip) -> None:
    clip = make_clip("deep.mkv", pixel_format="yuv420p10le")
    with open_source(clip) as source:
        frame = next(iter(source))
        assert source.info.ten_bit
    assert frame.pixels.dtype == np.uint16
    error = frame.pixels / 257 - night_picture(0, 96, 64)
    assert np.abs(error).mean() < 4


def pq_grey(nits: float) -> int:
    """BT.2100 PQ code value, 10 bits limited range."""
    linear: float = (nits / 10000) ** (2610 / 16384)
    c1, c2, c3 = 3424 / 4096, 2413 / 128, 2392 / 128
    code: float = ((c1 + c2 * linear) / (1 + c3 * linear)) ** (2523 / 32)
    return round(64 + 876 * code)


def pq_steps(_index: int, width: int, height: int) -> NDArray[Any]:
    """Yuv420p10 planes: vertical bars of 0, 1, 10, 100, 1000 and 4000 candela per square metre."""
    levels = np.array([pq_grey(nits) for nits in (0, 1, 10, 100, 1000, 4000)], np.uint16)
    luma = np.broadcast_to(np.repeat(levels, width // 6), (height, width))
    return np.concatenate([luma, np.full((height // 2, width), 512, np.uint16)])


def test_hdr_is_tone_mapped_and_says_so(make_clip: MakeClip) -> None:
    clip = make_clip(
        codec="libx265",
        pixel_format="yuv420p10le",
        colour=(9, 1, 9, 16),
        options={"preset": "ultrafast", "crf": "4", "x265-params": "log-level=none"},
        picture=pq_steps,
        pixels_are="yuv420p10le",
        times=range(3),
    )
    with open_source(clip) as source:
        frame = next(iter(source))
        assert source.info.hdr == "pq"
        assert source.notes == ["HDR (PQ) was tone-mapped to SDR BT.709"]
    greys = frame.pixels[32, 8::16].astype(float) / 65535
    levels = greys[:, 1]
    assert np.all(np.diff(levels) > 0.02)
    assert levels[0] < 0.01
    assert 0.4 < levels[3] < 0.8
    assert np.ptp(greys, axis=1).max() < 0.02


def combed(index: int, width: int, height: int) -> NDArray[np.uint8]:
    """A bright bar that has moved on by half in the second field."""
    picture = np.full((height, width, 3), 40, np.uint8)
    for field in (0, 1):
        left = (index * 8 + field * 4) % (width - 12)
        picture[field::2, left : left + 12] = 200
    return picture


def test_interlaced_pictures_become_whole(make_clip: MakeClip) -> None:
    clip = make_clip(interlaced=True, picture=combed, times=range(12))
    with open_source(clip) as source:
        frames = list(source)
        assert source.info.interlaced
        assert "Interlaced pictures were deinterlaced" in source.notes[0]
    assert [round(time * 25) for time in seconds(frames)] == list(range(12))
    middle = frames[6].pixels[20:44, :, 1].astype(int)
    assert np.abs(middle[1:] - middle[:-1]).mean() < 4


def test_damaged_packets_are_skipped_and_counted(make_clip: MakeClip) -> None:
    clip = make_clip("long.mp4", times=range(40))
    with av.open(str(clip)) as container:
        places = [(p.pos, p.size) for p in container.demux(video=0) if p.size]
    data = bytearray(clip.read_bytes())
    for place, size in places[12:15]:
        assert place is not None
        data[place : place + size] = b"\xff" * size
    clip.write_bytes(data)
    with open_source(clip) as source:
        frames = list(source)
        assert source.broken_packets >= 3
        assert any("damaged packets were skipped" in note for note in source.notes)
    assert 20 <= len(frames) < 40
    assert seconds(frames) == sorted(seconds(frames))


def test_a_recording_cut_short_gives_what_there_is(make_clip: MakeClip) -> None:
    clip = make_clip("long.mkv", times=[40 * i for i in range(40)], time_base=Fraction(1, 1000))
    data = clip.read_bytes()
    clip.write_bytes(data[: len(data) * 6 // 10])
    assert 5 < len(read(clip)) < 40


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_a_copy_that_broke_off_is_told(make_clip: MakeClip, suffix: str) -> None:
    times = [40 * i for i in range(100)]
    clip = make_clip(
        f"long.{suffix}", times=times, time_base=Fraction(1, 1000), movflags="faststart"
    )
    with open_source(clip) as source:
        assert len(list(source)) == 100
        assert source.notes == []
    data = clip.read_bytes()
    clip.write_bytes(data[: len(data) // 2])
    with open_source(clip) as source:
        frames = list(source)
        (told,) = (note for note in source.notes if "copy it again" in note)
    assert f"end at {float(seconds(frames)[-1]) + 0.04:.1f} s" in told
    assert "until 4.0 s" in told


def test_refusals_name_the_file_the_fault_and_the_way_out(
    make_clip: MakeClip, tmp_path: Path
) -> None:
    empty, text = tmp_path / "empty.mp4", tmp_path / "text.mp4"
    empty.touch()
    text.write_text("this is not a film\n" * 50)
    cut = make_clip("cut.mp4")
    cut.write_bytes(cut.read_bytes()[:2000])
    sound = tmp_path / "sound.m4a"
    speaking = make_clip("speaking.mp4", audio=("eng",))
    with av.open(str(speaking)) as source, av.open(str(sound), "w", format="mp4") as output:
        voice = source.streams.audio[0]
        copy = output.add_stream_from_template(voice)
        for packet in source.demux(voice):
            if packet.size:
                packet.stream = copy
                output.mux(packet)
    small = make_clip("small.mp4", width=16, height=16)
    expected = {
        tmp_path / "none.mp4": "does not exist",
        tmp_path: "is a folder",
        empty: "is empty",
        text: "is not a video file",
        cut: "has no index",
        sound: "has no video",
        small: "too small",
    }
    for path, words in expected.items():
        with pytest.raises(SourceOpenError, match=words) as caught:
            open_source(path)
        assert str(path) in str(caught.value)


@pytest.fixture
def forbidden() -> Iterator[Path]:
    """A file nobody may read; root may read everything, so its rights are given up meanwhile."""
    user = os.geteuid()
    with tempfile.NamedTemporaryFile(suffix=".mp4") as file:
        Path(file.name).chmod(0)
        if user == 0:
            os.seteuid(65534)
        yield Path(file.name)
        os.seteuid(user)


def test_a_file_that_may_not_be_read_is_refused(forbidden: Path) -> None:
    with pytest.raises(SourceOpenError, match="may not be read"):
        open_source(forbidden)


def test_a_start_behind_the_end_is_refused(plain_clip: Path) -> None:
    with pytest.raises(SourceOpenError, match=r"lasts 0\.40 s"):
        open_source(plain_clip, start=3.0)
