"""The recorder: one clock, no frame lost, a valid file whatever ends it."""

from __future__ import annotations

import subprocess
from collections import deque
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from threading import Event

import av
import numpy as np
import pytest

from core.errors import SettingsError, WriterError
from core.frame import Frame
from core.media.live_encoder import EncodedPacket
from core.run.record_ledger import (
    BYTES_AHEAD,
    FRAMES_AHEAD,
    LEAST_AHEAD,
    Ledger,
    RecordWish,
    Track,
)
from core.run.recorder import Recorder
from tests.conftest import night_picture
from tests.fakes import PATIENCE_S

CLOCK = Fraction(1, 90000)
STEP = 3000
LATE = 10**9
NOISE = np.random.default_rng(1).integers(0, 255, (240, 320, 3), dtype=np.uint8)


def frame_at(index: int, width: int = 96) -> Frame:
    return Frame(night_picture(index, width, 64), LATE + index * STEP, CLOCK)


def feed(recorder: Recorder, frame: Frame, *tracks: Track) -> None:
    """Hand in a frame as a camera would: never so fast that the queue is full."""
    patience = Event()
    status = recorder.status
    while status.frames_in - status.written - status.dropped >= FRAMES_AHEAD // 2:
        patience.wait(0.001)
        status = recorder.status
    for track in tracks:
        recorder.put(track, frame)


def times(path: Path) -> list[Fraction]:
    with av.open(str(path)) as film:
        return [(p.pts or 0) * (p.time_base or Fraction(0)) for p in film.decode(video=0)]


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_two_tracks_have_equal_times(tmp_path: Path, suffix: str) -> None:
    paths: dict[Track, Path] = {
        "original": tmp_path / f"dark{suffix}",
        "enhanced": tmp_path / f"bright{suffix}",
    }
    recorder = Recorder(RecordWish(paths, reserve_bytes=0))
    for index in range(60):
        feed(recorder, frame_at(index), "original")
        if index >= 3 and index % 2:
            feed(recorder, frame_at(index), "enhanced")
    dark, bright = recorder.stop()
    assert (dark.track, dark.frames, bright.track, bright.frames) == (
        "original",
        60,
        "enhanced",
        29,
    )
    assert dark.checked, dark.note
    assert bright.checked, bright.note
    assert times(bright.path) == times(dark.path)[3::2]
    status = recorder.status
    assert (status.frames_in, status.written, status.dropped) == (89, 89, 0)
    assert not status.recording


@pytest.mark.parametrize(
    ("suffix", "limit"), [(".mkv", "seconds"), (".mp4", "seconds"), (".mkv", "bytes")]
)
def test_segments_lose_no_frame(tmp_path: Path, suffix: str, limit: str) -> None:
    paths: dict[Track, Path] = {
        "original": tmp_path / f"dark{suffix}",
        "side_by_side": tmp_path / f"pair{suffix}",
    }
    wish = RecordWish(
        paths,
        reserve_bytes=0,
        segment_seconds=0.7 if limit == "seconds" else None,
        segment_bytes=4_000 if limit == "bytes" else None,
    )
    recorder = Recorder(wish)
    for index in range(100):
        feed(recorder, frame_at(index), "original", "side_by_side")
    files = recorder.stop()
    assert all(file.checked for file in files), [file.note for file in files]
    by_track = {name: [f for f in files if f.track == name] for name in paths}
    dark, pair = by_track["original"], by_track["side_by_side"]
    assert len(dark) == len(pair) > 2
    assert [f.path.name for f in dark][:2] == [f"dark{suffix}", f"dark-002{suffix}"]
    assert sum(f.frames for f in dark) == 100
    for one, other in zip(dark, pair, strict=True):
        shown = times(one.path)
        assert shown == times(other.path)
        assert shown[0] == 0
        assert len(shown) == one.frames


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_sound_goes_into_every_track_and_segment_as_it_was_put_in(
    tmp_path: Path, make_clip: Callable[..., Path], suffix: str
) -> None:
    paths: dict[Track, Path] = {
        "original": tmp_path / f"dark{suffix}",
        "enhanced": tmp_path / f"bright{suffix}",
    }
    talk = make_clip("talk.mp4", times=range(60), audio=("eng",))
    with av.open(str(talk)) as film:
        voice = film.streams.audio[0]
        heard = [EncodedPacket.of(packet) for packet in film.demux(voice) if packet.size]
        wish = RecordWish(paths, reserve_bytes=0, segment_seconds=1.0)
        recorder = Recorder(wish)
        recorder.expect_sound(voice)
        ahead = deque(heard)
        for index in range(60):
            while ahead and ahead[0].begin <= Fraction(index, 25):
                assert recorder.put_audio(ahead.popleft())
            feed(recorder, Frame(night_picture(index, 96, 64), index, Fraction(1, 25)), *paths)
        assert all(recorder.put_audio(packet) for packet in ahead)
        files = recorder.stop()
    assert not recorder.put_audio(heard[0])
    assert [(file.track, file.checked) for file in files] == [
        *[("original", True)] * 3,
        *[("enhanced", True)] * 3,
    ]
    wanted = [(packet.data, packet.begin) for packet in heard if packet.begin >= 0]
    for track in paths:
        stored = [
            (data, begin + segment)
            for segment, file in enumerate(f for f in files if f.track == track)
            for data, begin in sounds(file.path)
        ]
        assert [data for data, _ in stored] == [data for data, _ in wanted]
        moments = [float(begin) for _, begin in wanted]
        assert [float(begin) for _, begin in stored] == pytest.approx(moments, abs=0.001)


def test_sound_is_refused_where_none_was_wished(
    tmp_path: Path, make_clip: Callable[..., Path]
) -> None:
    recorder = Recorder(RecordWish({"original": tmp_path / "walk.mkv"}, reserve_bytes=0))
    feed(recorder, frame_at(0), "original")
    with av.open(str(make_clip("talk.mp4", audio=("eng",)))) as film:
        packet = EncodedPacket.of(next(film.demux(audio=0)))
        assert not recorder.put_audio(packet)
    (file,) = recorder.stop()
    with av.open(str(file.path)) as film:
        assert not film.streams.audio


def sounds(path: Path) -> list[tuple[bytes, Fraction]]:
    """Every packet of the sound, and its moment in the file."""
    with av.open(str(path)) as film:
        stored = [p for p in film.demux(audio=0) if p.size and p.pts is not None]
        return [(bytes(p), (p.pts or 0) * (p.time_base or Fraction(0))) for p in stored]


def test_a_new_picture_size_begins_a_new_file(tmp_path: Path) -> None:
    recorder = Recorder(RecordWish({"original": tmp_path / "walk.mkv"}, reserve_bytes=0))
    for index in range(20):
        feed(recorder, frame_at(index, 96 if index < 12 else 128), "original")
    assert [(f.frames, f.checked) for f in recorder.stop()] == [(12, True), (8, True)]


def test_a_reconnect_is_kept_as_a_gap(tmp_path: Path) -> None:
    recorder = Recorder(RecordWish({"original": tmp_path / "walk.mkv"}, reserve_bytes=0))
    for index in [*range(30), *range(120, 150)]:
        feed(recorder, frame_at(index), "original")
    (file,) = recorder.stop()
    assert file.gaps == ((1.0, 4.0),)
    assert "From 1.0 s to 4.0 s" in file.note
    assert file.checked


def test_a_time_that_does_not_rise_is_refused_and_counted(tmp_path: Path) -> None:
    recorder = Recorder(RecordWish({"original": tmp_path / "walk.mkv"}, reserve_bytes=0))
    taken = [recorder.put("original", frame_at(index)) for index in (5, 6, 6, 7)]
    assert taken == [True, True, False, True]
    assert not recorder.put("enhanced", frame_at(8))
    assert recorder.stop()[0].frames == 3
    assert not recorder.put("original", frame_at(9))
    assert (recorder.status.frames_in, recorder.status.dropped) == (4, 1)


def test_a_full_queue_drops_and_counts_and_never_waits(tmp_path: Path) -> None:
    entered, go_on = Event(), Event()

    def warn(_: float) -> None:
        entered.set()
        assert go_on.wait(PATIENCE_S)

    wish = RecordWish({"original": tmp_path / "w.mkv"}, reserve_bytes=0, warn_minutes=float("inf"))
    recorder = Recorder(wish, warn)
    index = 0
    while not entered.wait(0.001):
        recorder.put("original", frame_at(index))
        index += 1
    for later in range(index, index + 3 * FRAMES_AHEAD):
        recorder.put("original", frame_at(later))
    dropped = recorder.status.dropped
    go_on.set()
    (file,) = recorder.stop()
    status = recorder.status
    assert dropped >= FRAMES_AHEAD
    assert status.written + status.dropped == status.frames_in == index + 3 * FRAMES_AHEAD
    assert file.frames == status.written


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Eight megabytes, and no more."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount command here")
    if done.returncode:
        pytest.skip(f"a small disk cannot be made here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
@pytest.mark.parametrize("reserve", [2_000_000, 0])
def test_a_disk_that_fills_ends_in_a_valid_file(
    small_disk: Path, suffix: str, reserve: int
) -> None:
    """With a reserve it stops before; a burst may still fill the disk within a second."""
    minutes: list[float] = []
    wish = RecordWish({"original": small_disk / f"walk{suffix}"}, reserve_bytes=reserve)
    recorder = Recorder(wish, minutes.append)
    index = 0
    while recorder.status.recording and index < 3000:
        picture = np.roll(NOISE, 7 * index, axis=1)
        feed(recorder, Frame(picture, index * STEP, CLOCK), "original")
        index += 1
    (file,) = recorder.stop()
    assert minutes
    assert minutes[0] < 5
    assert "disk" in file.note or "free some space" in file.note
    assert recorder.status.reason
    assert len(times(file.path)) > 15
    assert file.checked or not reserve


def test_no_room_is_said_before_it_begins(tmp_path: Path) -> None:
    with pytest.raises(WriterError, match="nearly full; free some space first"):
        Recorder(RecordWish({"original": tmp_path / "walk.mkv"}, reserve_bytes=2**62))


def test_a_folder_that_is_removed_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    recorder = Recorder(RecordWish({"original": folder / "walk.mkv"}, reserve_bytes=0))
    feed(recorder, frame_at(0), "original")
    while not recorder.status.written:
        Event().wait(0.001)
    (folder / "walk.recording.mkv").unlink()
    folder.rmdir()
    index = 1
    while recorder.status.recording and index < 1000:
        feed(recorder, frame_at(index), "original")
        index += 1
    (file,) = recorder.stop()
    assert not file.checked
    assert "can no longer be reached" in recorder.status.reason


def test_what_breaks_while_it_is_being_stopped_is_told(tmp_path: Path) -> None:
    ledger = Ledger(RecordWish({"original": tmp_path / "walk.mkv"}), lambda _: None)
    ledger.end("")
    ledger.end("The disk is nearly full")
    assert ledger.reason == ""
    ledger.broke("The folder is gone")
    ledger.broke("The other file cannot be written")
    assert ledger.reason == "The folder is gone"


@pytest.mark.parametrize(
    ("height", "width", "most"),
    [(720, 1280, FRAMES_AHEAD), (2160, 3840, 10), (7000, 14000, LEAST_AHEAD)],
)
def test_what_waits_is_bounded_in_bytes_too(
    tmp_path: Path, height: int, width: int, most: int
) -> None:
    """The frames are all of one byte: as large as they say, and no burden on the test."""
    ledger = Ledger(RecordWish({"original": tmp_path / "walk.mkv"}), lambda _: None)
    pixels = np.broadcast_to(np.uint8(40), (height, width, 3))
    frames = [Frame(pixels, index * STEP, CLOCK) for index in range(4 * FRAMES_AHEAD)]
    taken = [frame for frame in frames[: 2 * FRAMES_AHEAD] if ledger.admit("original", frame)]
    assert len(taken) == most
    assert most * pixels.nbytes <= BYTES_AHEAD or most == LEAST_AHEAD
    assert ledger.status().dropped == 2 * FRAMES_AHEAD - most
    for frame in taken:
        ledger.took("original", frame)
    again = [ledger.admit("original", frame) for frame in frames[2 * FRAMES_AHEAD :]]
    assert sum(again) == most


def test_three_tracks_or_one_name_for_two_are_refused(tmp_path: Path) -> None:
    one, two, three = (tmp_path / f"{n}.mkv" for n in "abc")
    with pytest.raises(SettingsError, match="one or two"):
        Recorder(RecordWish({"original": one, "enhanced": two, "side_by_side": three}))
    with pytest.raises(SettingsError, match="a name of its own"):
        Recorder(RecordWish({"original": one, "enhanced": one}))
    with pytest.raises(SettingsError, match="one or two"):
        Recorder(RecordWish({}))
