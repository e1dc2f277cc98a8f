"""What is special to each live source on this machine; the contract is in test_live_contract.py."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import SettingsError, SourceLostError, SourceOpenError
from core.media.faults import LATEST_S, Faults, Faulty
from core.media.live import READ_LIMIT_S, LiveInfo
from core.media.live_file import LONGEST_WAIT_S, LiveFile
from core.media.open_live import open_live
from core.media.test_pattern import read_bar_code
from tests.media.live_sources import SECOND_NS, Time, faulty, pattern, rest

MakeClip = Callable[..., Path]


def test_a_pattern_keeps_its_times_however_slow_the_reader_is() -> None:
    time = Time()
    with pattern(time, rate=25, seconds=1) as source:
        arrivals = []
        while (frame := source.read()) is not None:
            arrivals.append(frame.captured_ns)
            time.now_ns += 13_000_000
    assert arrivals == [5 * SECOND_NS + 40_000_000 * number for number in range(25)]


def test_after_a_long_sleep_time_starts_anew_without_a_burst() -> None:
    time = Time()
    with pattern(time, rate=25, seconds=None) as source:
        source.read()
        time.now_ns += 3600 * SECOND_NS
        late = [frame.captured_ns for _ in range(3) if (frame := source.read())]
    assert late == [3605 * SECOND_NS + 40_000_000 * number for number in range(3)]


def test_a_pattern_tells_its_time_in_frames() -> None:
    with pattern(Time(), rate="30000/1001") as source:
        frames = rest(source)
    assert [frame.pts for frame in frames] == list(range(12))
    assert {frame.time_base for frame in frames} == {Fraction(1001, 30000)}


@pytest.mark.parametrize("size", [(64, 64), (97, 65), (1280, 720)])
def test_the_bar_code_is_the_number_of_the_frame(size: tuple[int, int]) -> None:
    with pattern(Time(), size=size, noise=20) as source:
        frames = rest(source)
    assert [read_bar_code(frame.pixels) for frame in frames] == [frame.pts for frame in frames]


def test_the_bar_code_outlives_scaling_brightening_and_coding() -> None:
    with pattern(Time(), size=(1280, 720)) as source:
        last = rest(source)[-1]
    bright = (255 * (last.pixels / 255.0) ** 0.4).astype(np.uint8)
    coded = cv2.imencode(".jpg", cv2.resize(bright, (640, 360)), [cv2.IMWRITE_JPEG_QUALITY, 40])[1]
    received = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    assert read_bar_code(received) == last.pts == 11
    assert read_bar_code(last.pixels.astype(np.uint16) * 257) == 11


@pytest.mark.parametrize("code", [0, 40, 255])
def test_a_picture_without_a_bar_code_is_told_apart(code: int) -> None:
    with pytest.raises(ValueError, match="frame number"):
        read_bar_code(np.full((64, 96, 3), code, np.uint8))


def test_the_scene_is_as_dark_as_wished_but_for_a_lamp_and_moves() -> None:
    with pattern(Time(), size=(640, 360), dark=0.05) as source:
        first, *_, last = (frame.pixels for frame in rest(source))
    room = first[:-16]
    assert np.median(room) == pytest.approx(0.05 * 255, abs=3)
    assert room.max() == 255
    assert np.abs(first.astype(int) - last).max() > 10


def test_the_same_seed_draws_the_same_pictures() -> None:
    pictures = []
    for seed in (1, 1, 2):
        with pattern(Time(), seed=seed) as source:
            pictures.append(rest(source)[-1].pixels)
    assert np.array_equal(pictures[0], pictures[1])
    assert not np.array_equal(pictures[0], pictures[2])


def test_a_file_is_played_at_the_times_it_states(make_clip: MakeClip) -> None:
    time, times = Time(), (0, 33, 67, 100, 133, 400)
    clip = make_clip("clip.mkv", times=times, time_base=Fraction(1, 1000), options={"bf": "0"})
    with LiveFile(clip, clock=time.clock, wait=time.wait) as source:
        arrivals = [(frame.captured_ns or 0) - 5 * SECOND_NS for frame in rest(source)]
    assert arrivals == [moment * 10**6 for moment in times]


@pytest.mark.parametrize(
    ("layout", "kind", "step"),
    [("yuv420p10le", np.uint16, 1 / 876), ("yuv420p", np.uint8, 1 / 219)],
)
def test_a_deep_file_keeps_its_depth(
    make_clip: MakeClip, layout: str, kind: type, step: float
) -> None:
    """Sixteen bits for ten, and as many shades as there are codes, not those of eight bits."""
    clip = make_clip(
        "clip.mkv", pixel_format=layout, codec="ffv1", picture=ramp, pixels_are="rgb48le"
    )
    time = Time()
    with LiveFile(clip, clock=time.clock, wait=time.wait) as source:
        frames = rest(source)
    assert {frame.pixels.dtype.type for frame in frames} == {kind}
    grey = frames[0].pixels[32, :, 1].astype(float) / np.iinfo(kind).max
    np.testing.assert_allclose(grey, ramp(0, 96, 64)[32, :, 1] / 65535, atol=2 * step)
    assert len(np.unique(grey)) == pytest.approx(np.ptp(grey) / step, abs=3)


def ramp(_index: int, width: int, height: int) -> NDArray[np.uint16]:
    """Dark grey, hardly rising: 9 to 16 of 255."""
    row = np.linspace(0.035, 0.063, width) * 65535
    return np.broadcast_to(row[None, :, None], (height, width, 3)).astype(np.uint16).copy()


def test_times_go_on_rising_when_a_file_loops(plain_clip: Path) -> None:
    time = Time()
    with LiveFile(plain_clip, loop=True, clock=time.clock, wait=time.wait) as source:
        frames = [frame for _ in range(25) if (frame := source.read())]
    assert [frame.pts * frame.time_base * 25 for frame in frames] == list(range(25))
    arrivals = [frame.captured_ns or 0 for frame in frames]
    assert set(np.diff(arrivals)) == {40_000_000}
    assert np.array_equal(frames[3].pixels, frames[23].pixels)


def test_a_long_gap_in_a_file_is_cut_short(make_clip: MakeClip) -> None:
    time = Time()
    clip = make_clip("clip.mkv", times=(0, 40, 9000, 9040), time_base=Fraction(1, 1000))
    with LiveFile(clip, clock=time.clock, wait=time.wait) as source:
        assert [frame.pts for frame in rest(source)] == [0, 40, 9000, 9040]
    assert time.waits == pytest.approx([0.04, LONGEST_WAIT_S, 0.04])


def test_a_dropped_frame_is_skipped_and_the_next_one_delivered() -> None:
    with faulty(Time(), seconds=4, drop=0.3) as source:
        frames, faults = rest(source), source.faults
    assert [read_bar_code(frame.pixels) for frame in frames] == [frame.pts for frame in frames]
    assert 20 < faults.drop < 55
    assert faults == Faults(frames=120, drop=120 - len(frames))


def test_a_frozen_frame_is_the_last_picture_at_a_new_time() -> None:
    with faulty(Time(), freeze=1) as source:
        frames = rest(source)
    assert {read_bar_code(frame.pixels) for frame in frames} == {0}
    assert [frame.pts for frame in frames] == list(range(12))
    assert source.faults == Faults(frames=12, freeze=11)


def test_a_late_frame_arrives_late_and_the_clock_says_so() -> None:
    time = Time()
    with faulty(time, late=1) as source, pattern(Time()) as on_time:
        pairs = list(zip(rest(source), rest(on_time), strict=True))
    delays = [(late.captured_ns or 0) - (frame.captured_ns or 0) for late, frame in pairs]
    assert min(delays) > 0
    assert max(time.waits) <= LATEST_S
    assert source.faults == Faults(frames=12, late=12)


def test_a_corrupt_frame_lacks_a_band_and_nothing_else() -> None:
    with faulty(Time(), corrupt=1) as source, pattern(Time()) as intact:
        pairs = list(zip(rest(source), rest(intact), strict=True))
    for damaged, whole in pairs:
        lost = np.flatnonzero((damaged.pixels != whole.pixels).any(axis=(1, 2)))
        assert 1 <= len(lost) <= 8
        assert np.ptp(lost) < 8
    assert source.faults == Faults(frames=12, corrupt=12)


def test_a_disconnected_source_stays_lost() -> None:
    with faulty(Time(), seconds=None, disconnect=0.05) as source:
        with pytest.raises(SourceLostError, match="open it again"):
            rest(source)
        delivered = source.faults.frames - 1
        with pytest.raises(SourceLostError):
            source.read()
    assert source.faults == Faults(frames=delivered + 1, disconnect=1)


def test_a_source_that_drops_everything_is_lost_in_time() -> None:
    time = Time()
    with faulty(time, seconds=None, drop=1) as source, pytest.raises(SourceLostError, match="2 s"):
        source.read()
    assert time.now_ns - 5 * SECOND_NS == pytest.approx(READ_LIMIT_S * SECOND_NS, rel=0.02)


def test_one_seed_gives_the_same_faults_and_another_gives_others() -> None:
    plan = {"drop": 0.1, "freeze": 0.1, "late": 0.1, "corrupt": 0.1}
    runs = []
    for seed in (3, 3, 4):
        with faulty(Time(), seconds=4, **plan, seed=seed) as source:
            runs.append([(f.pts, f.captured_ns, f.pixels.tobytes()) for f in rest(source)])
    assert runs[0] == runs[1] != runs[2]


def test_more_of_one_fault_leaves_the_others_where_they_were() -> None:
    few, many = faulty(Time(), seconds=4, drop=0.1), faulty(Time(), seconds=4, drop=0.1, late=0.5)
    with few, many:
        assert [frame.pts for frame in rest(few)] == [frame.pts for frame in rest(many)]


def test_an_address_chooses_pattern_and_options() -> None:
    with open_live("test:?size=96x64&rate=240&seconds=0.0125&noise=0") as source:
        assert source.info == LiveInfo("Test pattern", 96, 64, Fraction(240), "test")
        assert len(rest(source)) == 3
    with open_live("test:") as source:
        assert source.info == LiveInfo("Test pattern", 1280, 720, Fraction(30), "test")


@pytest.mark.parametrize(("options", "count"), [("", 10), ("?loop=0", 10), ("?loop=1", 11)])
def test_a_path_chooses_a_file(make_clip: MakeClip, options: str, count: int) -> None:
    clip = make_clip(time_base=Fraction(1, 1000))
    with open_live(f"{clip}{options}") as source:
        assert source.info.title == "clip.mp4"
        assert sum(source.read() is not None for _ in range(11)) == count


@pytest.mark.parametrize("name", ["what?.mp4", "night: one.mp4"])
def test_a_file_may_have_an_awkward_name(make_clip: MakeClip, name: str) -> None:
    with open_live(str(make_clip(name))) as source:
        assert source.info.title == name


def test_faults_wrap_any_address() -> None:
    with open_live("fault:drop=1,seed=3:fault:late=0:test:?size=96x64&seconds=0.1") as source:
        assert isinstance(source, Faulty)
        assert source.read() is None
        assert source.faults == Faults(frames=3, drop=3)
        assert source.info.title == "Test pattern with faults with faults"


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("test:?size=96x64&speed=2", "'speed'.*size, rate"),
        ("test:?size=1280", "'size'"),
        ("test:?size=10x10", "'size'.*64"),
        ("test:?rate=0", "'rate'"),
        ("test:?rate=1/0", "'rate'"),
        ("test:?seconds=inf", "'seconds'"),
        ("fault:drop=1.5:test:", "'drop'"),
        ("fault:drop:test:", "'drop'"),
        ("fault:vanish=1:test:", "'vanish'.*disconnect"),
        ("fault:drop=0.1", "put a source behind it"),
        ("clip.mp4?loop=maybe", "'loop'"),
        ("gopher://me:secret@host/1", "no source of the kind 'gopher'"),
        ("1rtsp://me:secret@host/1", "no source of the kind '1rtsp'"),
        ("fault:drop=0.1:gopher://me:secret@host/1", "no source of the kind 'gopher'"),
    ],
)
def test_a_wrong_address_is_one_clear_sentence(uri: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words) as caught:
        open_live(uri)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("uri", "words"),
    [("camera:nobody", "no camera nobody|No camera was found"), ("nowhere.mp4", "does not exist")],
)
def test_a_source_that_is_not_there_says_so(uri: str, words: str) -> None:
    with pytest.raises(SourceOpenError, match=words):
        open_live(uri)


@pytest.mark.parametrize("before", ["", "  ", "fault:drop=0.1:"])
@pytest.mark.parametrize("scheme", ["rtsp", "HTTP"])
def test_a_network_address_is_handed_on_and_its_password_kept(before: str, scheme: str) -> None:
    with pytest.raises(SourceOpenError, match=r"127\.0\.0\.1:1/") as caught:
        open_live(f"{before}{scheme}://me:secret@127.0.0.1:1/night")
    assert "secret" not in str(caught.value)
