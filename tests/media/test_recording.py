"""Recording: what was told to be written is there, whatever ended the program."""

from __future__ import annotations

import itertools
import random
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from core.errors import SettingsError, WriterError
from core.frame import Frame
from core.media.live_encoder import EncodedPacket, LiveEncoder
from core.media.recording import RecordingFile
from core.media.recording_check import check_recording
from core.media.recording_name import recording_name
from core.media.sound import coded_as
from tests.conftest import night_picture
from tests.small_disk import small_disk

ROOT = Path(__file__).parents[2]
CLOCK = Fraction(1, 90000)
STEP = 3000
LATE = 10**9
"""Where a live clock may stand when a recording begins."""

# Records for ever and tells, in seconds of film, what it has handed to the file.
CHILD = """
import sys
from fractions import Fraction
from pathlib import Path
from core.frame import Frame
from core.media.live_encoder import LiveEncoder
from core.media.recording import RecordingFile
from tests.conftest import night_picture

pictures = [night_picture(i, 160, 96) for i in range(30)]
encoder = LiveEncoder(160, 96, Fraction(1, 90000))
file = RecordingFile(Path(sys.argv[1]), encoder.template, origin=Fraction(0))
for index in range(100_000):
    frame = Frame(pictures[index % 30], index * 3000, Fraction(1, 90000))
    for packet in encoder.encode(frame):
        file.write(packet)
    print(index / 30, flush=True)
"""


def frame_at(index: int, *, width: int = 160, height: int = 96, gap: int = 0) -> Frame:
    """Frame `index` of a 30 fps camera whose clock runs at 90 kHz."""
    return Frame(night_picture(index, width, height), LATE + index * STEP + gap, CLOCK)


def record(path: Path, frames: list[Frame]) -> tuple[RecordingFile, tuple[str, ...]]:
    height, width = frames[0].pixels.shape[:2]
    encoder = LiveEncoder(width, height, CLOCK)
    file = RecordingFile(path, encoder.template, origin=frames[0].pts * CLOCK)
    for frame in frames:
        for packet in encoder.encode(frame):
            file.write(packet)
    return file, file.close(reserve_bytes=0)


def times(path: Path, *, torn: bool = False) -> list[float]:
    """When each picture is shown: decoded, so it can be. A torn file may end in half a picture."""
    found: list[float] = []
    with av.open(str(path)) as film, suppress(*([av.InvalidDataError] if torn else [])):
        found.extend(float(picture.time or 0) for picture in film.decode(video=0))
    return found


def boxes(path: Path) -> list[str]:
    """The names of an MP4's outermost parts, in order."""
    data, at, names = path.read_bytes(), 0, []
    while at < len(data):
        names.append(data[at + 4 : at + 8].decode())
        at += int.from_bytes(data[at : at + 4], "big")
    return names


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_every_frame_is_there_at_its_time_after_a_stop(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"walk{suffix}"
    file, notes = record(path, [frame_at(i) for i in range(75)])
    assert notes == ()
    assert file.frames == 75
    assert times(path) == pytest.approx([i / 30 for i in range(75)], abs=0.0006)
    assert check_recording(path).frames == 75
    assert check_recording(path).seconds == pytest.approx(2.5, abs=0.002)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_a_finished_mp4_has_its_index_in_front(tmp_path: Path) -> None:
    path = tmp_path / "walk.mp4"
    record(path, [frame_at(i) for i in range(40)])
    names = boxes(path)
    assert names.index("moov") < names.index("mdat")
    assert "moof" not in names


def test_key_frames_come_every_second_however_slow_the_camera() -> None:
    for step in (STEP, 7 * STEP, 45 * STEP):
        encoder = LiveEncoder(160, 96, CLOCK)
        picture = night_picture(0, 160, 96)
        found = [encoder.encode(Frame(picture, i * step, CLOCK)) for i in range(40)]
        assert all(len(packets) == 1 for packets in found)
        keys = [packets[0].begin for packets in found if packets[0].is_key]
        assert len(keys) > 1
        allowed = max(Fraction(1), step * CLOCK)
        assert all(after - before <= allowed for before, after in itertools.pairwise(keys))


def test_an_odd_last_row_and_column_are_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "odd.mp4"
    record(path, [frame_at(i, width=97, height=65) for i in range(3)])
    with av.open(str(path)) as film:
        picture = next(film.decode(video=0))
    assert (picture.width, picture.height, picture.format.name) == (96, 64, "yuv420p")


def test_colours_come_back(tmp_path: Path) -> None:
    path = tmp_path / "walk.mkv"
    frames = [frame_at(i) for i in range(5)]
    record(path, frames)
    with av.open(str(path)) as film:
        back = next(film.decode(video=0)).to_ndarray(format="rgb24")
    assert np.abs(back[4:16, 8:32].astype(int) - frames[0].pixels[4:16, 8:32]).mean() < 6


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_a_gap_stays_a_gap_and_is_named(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"walk{suffix}"
    frames = [frame_at(i, gap=90_000 * 5 if i >= 30 else 0) for i in range(60)]
    file, notes = record(path, frames)
    assert [(float(a), float(b)) for a, b in file.gaps] == [(1.0, 6.0)]
    assert notes == ("From 1.0 s to 6.0 s there was no picture",)
    assert times(path)[29:31] == pytest.approx([29 / 30, 6.0], abs=0.0006)
    with av.open(str(path)) as film:
        titles = [chapter["metadata"]["title"] for chapter in film.chapters()]
    assert titles == ["Recording", "No picture for 5.0 s", "Recording goes on"]


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_sound_is_copied_in_step(
    tmp_path: Path, make_clip: Callable[..., Path], suffix: str
) -> None:
    clip = make_clip("talk.mp4", times=range(50), audio=("eng",))
    path = tmp_path / f"walk{suffix}"
    with av.open(str(clip)) as talk:
        encoder = LiveEncoder(96, 64, Fraction(1, 1000))
        origin = Fraction(1, 2)
        sound = talk.streams.audio[0]
        file = RecordingFile(path, encoder.template, origin=origin, audio=sound)
        pictures = (
            packet
            for i in range(50)
            for packet in encoder.encode(Frame(night_picture(i, 96, 64), i * 40, Fraction(1, 1000)))
        )
        heard = [EncodedPacket.of(packet) for packet in talk.demux(sound) if packet.size]
        for packet in sorted([*pictures, *heard], key=lambda packet: packet.begin):
            file.write(packet)
        file.close(reserve_bytes=0)
    wanted = [(p.data, float(p.begin - origin)) for p in heard if p.begin >= origin]
    with av.open(str(path)) as film:
        got = [p for p in film.demux(audio=0) if p.size and p.pts is not None]
        stored = [(bytes(p), float(p.pts * p.time_base)) for p in got if p.pts is not None]
    assert [data for data, _ in stored] == [data for data, _ in wanted]
    assert [time for _, time in stored] == pytest.approx([t for _, t in wanted], abs=0.001)


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_sound_that_cannot_follow_spoils_nothing(tmp_path: Path, suffix: str) -> None:
    """A server's clock is set back, or it comes back with other sound."""
    promised, other = coded_as("aac", 48000, 1), coded_as("aac", 44100, 1)
    encoder = LiveEncoder(96, 64, Fraction(1, 1000))
    path = tmp_path / f"walk{suffix}"
    file = RecordingFile(path, encoder.template, origin=Fraction(0), audio=promised)
    for i in range(10):
        for packet in encoder.encode(Frame(night_picture(i, 96, 64), i * 40, Fraction(1, 1000))):
            file.write(packet)
        for at, template in ((i * 40, promised), (i * 20, promised), (i * 40 + 9, other)):
            sound = EncodedPacket(
                b"\x01\x18\x20\x07", at, at, 21, Fraction(1, 1000), True, template
            )
            file.write(sound)
    assert file.close(reserve_bytes=0) == ()
    assert check_recording(path).frames == 10
    with av.open(str(path)) as film:
        assert sum(1 for packet in film.demux(audio=0) if packet.size) == 10


def test_sound_that_a_container_cannot_hold_is_told_and_the_picture_recorded(
    tmp_path: Path,
) -> None:
    encoder = LiveEncoder(96, 64, Fraction(1, 1000))
    path = tmp_path / "walk.mp4"
    odd = coded_as("tta", 48000, 2)
    file = RecordingFile(path, encoder.template, origin=Fraction(0), audio=odd)
    for packet in encoder.encode(Frame(night_picture(0, 96, 64), 0, Fraction(1, 1000))):
        file.write(packet)
    (note,) = file.close(reserve_bytes=0)
    assert "walk.mp4 has no sound: its container cannot hold tta" in note
    assert check_recording(path).frames == 1


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_a_killed_recording_plays_to_within_a_second(tmp_path: Path, suffix: str) -> None:
    moments = random.Random(4).sample(range(20, 200), 5)
    for number, moment in enumerate(moments):
        path = tmp_path / f"walk{number}{suffix}"
        told = _record_and_kill(path, moment)
        left = recording_name(path)
        assert not path.exists()
        shown = times(left, torn=True)
        assert told - shown[-1] <= 1.0
        assert np.diff(shown) == pytest.approx(1 / 30, abs=0.0011)
        with av.open(str(left)) as film:
            film.seek(round(shown[-1] * 1_000_000))
            assert next(film.decode(video=0)).time >= shown[-1] - 1.01


def _record_and_kill(path: Path, lines: int) -> float:
    """Record in another process until it has told so many lines; the last it told at all."""
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        for _ in range(lines):
            child.stdout.readline()
        child.kill()
        rest = child.stdout.read().splitlines(keepends=True)
    told = [float(line) for line in rest if line.endswith("\n")]
    return told[-1] if told else (lines - 1) / 30


@pytest.fixture
def file_size_limit() -> Iterator[None]:
    """Files of this process cannot grow beyond 100 kB: a disk that is full, to them."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("file_size_limit")
@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_a_full_disk_is_said_and_what_was_written_plays(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"walk{suffix}"
    encoder = LiveEncoder(160, 96, CLOCK)
    file = RecordingFile(path, encoder.template, origin=Fraction(0))
    noise = np.random.default_rng(1).integers(0, 255, (96, 160, 3), dtype=np.uint8)

    def fill() -> None:
        for index in range(200):
            for packet in encoder.encode(Frame(np.roll(noise, index), index * STEP, CLOCK)):
                file.write(packet)

    with pytest.raises(WriterError, match="free some space"):
        fill()
    assert "what came before plays" in file.close()[0]
    assert check_recording(path).seconds > 0.1
    assert len(times(path)) >= 2


def test_mp4_stays_in_fragments_where_there_is_no_room_to_copy_it(tmp_path: Path) -> None:
    path = tmp_path / "walk.mp4"
    encoder = LiveEncoder(160, 96, CLOCK)
    file = RecordingFile(path, encoder.template, origin=Fraction(0))
    for index in range(40):
        for packet in encoder.encode(Frame(night_picture(index, 160, 96), index * STEP, CLOCK)):
            file.write(packet)
    assert "left in fragments" in file.close(reserve_bytes=2**62)[0]
    assert len(times(path)) == 40
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_a_broken_off_recording_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "walk.recording.mkv").write_bytes(b"precious")
    encoder = LiveEncoder(160, 96, CLOCK)
    with pytest.raises(WriterError, match="broke off; rename it"):
        RecordingFile(tmp_path / "walk.mkv", encoder.template, origin=Fraction(0))
    with pytest.raises(SettingsError, match="cannot be recorded into"):
        RecordingFile(tmp_path / "walk.webm", encoder.template, origin=Fraction(0))


def test_a_file_that_does_not_play_is_not_called_good(tmp_path: Path) -> None:
    path = tmp_path / "walk.mkv"
    path.write_bytes(b"not a film at all")
    with pytest.raises(WriterError, match="does not play"):
        check_recording(path)


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
@pytest.mark.parametrize("leave", [0, 4096, 32768])
def test_a_file_whose_end_does_not_fit_plays_to_its_last_picture(
    tmp_path: Path, suffix: str, leave: int
) -> None:
    encoder = LiveEncoder(320, 240, CLOCK)
    noise = np.random.default_rng(1).integers(0, 255, (240, 320, 3), dtype=np.uint8)
    with small_disk(tmp_path / "disk", 4 * 2**20) as disk:
        path = disk.seen / f"walk{suffix}"
        file = RecordingFile(path, encoder.template, origin=Fraction(0))
        for index in range(35):
            for packet in encoder.encode(Frame(np.roll(noise, index), index * 3000, CLOCK)):
                file.write(packet)
        disk.fill(leave)
        notes = file.close(reserve_bytes=0)
        with av.open(str(path)) as film:
            assert 20 < sum(1 for _ in film.decode(video=0)) < 35
        assert "could not be written to its end" in " ".join(notes)
