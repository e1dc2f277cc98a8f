"""What a live run records: every frame, through pauses, losses and sleep."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import av
import pytest

from core.errors import SettingsError, SourceLostError, SourceOpenError, WriterError
from core.run.live import LiveRun
from core.run.live_status import LiveState
from core.run.record_ledger import RecordWish, Track
from core.settings import LiveSettings
from tests.fakes import FakeBackend
from tests.media.rtsp import Server
from tests.run.live_parts import (
    SETTINGS,
    Happening,
    Opener,
    Script,
    Window,
    adds_up,
    frame,
    opens,
    passes,
    scripted,
    times,
    until,
    works,
)

if TYPE_CHECKING:
    from core.enhance.backends import Queries
    from core.frame import Pixels


def test_pausing_stops_the_picture_and_not_the_recording(
    window: Window, opener: Opener, tmp_path: Path
) -> None:
    paused, resumed = Event(), Event()
    rest = [frame(n) for n in range(1, 8)]
    steps: list[Happening] = [frame(0), passes(paused), *rest, passes(resumed), frame(8)]
    with scripted(window, opener, *steps) as run:
        run.record(RecordWish({"original": tmp_path / "dark.mkv"}, reserve_bytes=0))
        run.start()
        window.until(run, lambda _: window.paint(run))
        run.pause()
        assert run.status.state is LiveState.PAUSED
        paused.set()
        still = window.until(run, lambda status: status.captured == 8 and status.in_flight == 1)
        assert run.newest() is None
        assert (still.shown, still.dropped) == (1, 6)
        run.resume()
        assert run.status.state.value == "running"
        pair = run.newest()
        assert pair is not None
        assert pair.original.pixels[0, 0, 0] == 7
        resumed.set()
        window.watch(run)
        (file,) = run.stop_recording()
    assert (file.frames, file.checked) == (9, True)
    assert adds_up(run.status)


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_the_original_is_recorded_whole_however_slow_the_network(
    window: Window, tmp_path: Path, suffix: str
) -> None:
    may_enhance = Event()
    opener = Opener(lambda: Blocked(may_enhance))
    paths: dict[Track, Path] = {
        "original": tmp_path / f"dark{suffix}",
        "side_by_side": tmp_path / f"pair{suffix}",
    }
    steps: list[Happening] = [
        frame(0), until(lambda: works(run, "deepspg")), *(frame(n) for n in range(1, 21)),
        may_enhance.set,
    ]  # fmt: skip
    with scripted(window, opener, *steps) as run:
        run.record(RecordWish(paths, reserve_bytes=0))
        run.start()
        window.watch(run)
        assert run.status.recording is not None
        dark, pair = run.stop_recording()
        assert run.stop_recording() == ()
    assert (dark.frames, dark.checked, pair.checked) == (21, True, True), (dark, pair)
    assert 1 <= pair.frames < 21
    assert set(times(pair.path)) < set(times(dark.path))
    with av.open(str(pair.path)) as film:
        assert (film.streams.video[0].width, film.streams.video[0].height) == (128, 48)
    assert run.recorded == (dark, pair)
    assert adds_up(run.status)


class Blocked(FakeBackend):
    """Answers nothing before it may."""

    def __init__(self, may_answer: Event) -> None:
        super().__init__(has_prior=False)
        self._may_answer = may_answer

    def queries(self, pixels: Pixels) -> Queries | None:
        passes(self._may_answer)()
        return super().queries(pixels)


def test_a_recording_is_finished_when_the_run_is_closed(
    window: Window, opener: Opener, tmp_path: Path
) -> None:
    with scripted(window, opener, *(frame(n) for n in range(9))) as run:
        run.record(RecordWish({"original": tmp_path / "dark.mp4"}, reserve_bytes=0))
        with pytest.raises(SettingsError, match="stop it before you begin another"):
            run.record(RecordWish({"original": tmp_path / "other.mp4"}))
        run.start()
        window.watch(run)
    (file,) = run.recorded
    assert (file.frames, file.checked) == (9, True)
    with pytest.raises(SettingsError, match="The run has ended"):
        run.record(RecordWish({"original": tmp_path / "late.mp4"}))


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_the_sound_of_a_film_is_recorded_in_step(
    window: Window, opener: Opener, make_clip: Callable[..., Path], tmp_path: Path, suffix: str
) -> None:
    clip = make_clip("talk.mp4", times=range(30), audio=("eng",))
    path = tmp_path / f"dark{suffix}"
    with LiveRun(str(clip), SETTINGS, open_enhancer=opener, tell=window.tell) as run:
        run.record(RecordWish({"original": path}, reserve_bytes=0))
        run.start()
        window.watch(run)
    (file,) = run.recorded
    assert (file.frames, file.checked, file.note) == (30, True, "")
    before, after = heard(clip), heard(path)
    begin = times(clip)[0]
    assert [data for data, _ in after] == [data for data, at in before if at >= begin]
    steps = [
        at - (then - begin) for (_, at), (_, then) in zip(after, before[-len(after) :], strict=True)
    ]
    assert max(map(abs, steps)) < 0.002


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_the_sound_of_a_camera_is_recorded_in_step(
    window: Window, opener: Opener, victim: Server, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"dark{suffix}"
    uri = victim.address("aac")
    with LiveRun(uri, SETTINGS, open_enhancer=opener, tell=window.tell) as run:
        run.record(RecordWish({"original": path}, reserve_bytes=0))
        run.start()
        window.watch(run, lambda status: status.captured >= 45)
    (file,) = run.recorded
    assert file.checked, file.note
    with av.open(str(path)) as film:
        samples = sum(frame.samples for frame in film.decode(audio=0))
    pictures, sounds = times(path), [at for _, at in heard(path)]
    assert float(sounds[-1]) == pytest.approx(float(pictures[-1]), abs=0.3)
    assert samples / 44100 == pytest.approx(float(sounds[-1] - sounds[0]), abs=0.1)


def heard(path: Path) -> list[tuple[bytes, Fraction]]:
    with av.open(str(path)) as film:
        packets = [packet for packet in film.demux(audio=0) if packet.size]
        return [(bytes(p), (p.pts or 0) * (p.time_base or Fraction(0))) for p in packets]


def test_after_a_loss_times_go_on_and_the_recording_marks_the_gap(
    window: Window, opener: Opener, tmp_path: Path
) -> None:
    lost = Event()
    first = Script(*(frame(n) for n in range(100, 110)), SourceLostError("Door is gone; look"))
    again = Script(*(frame(n, at_s=10 + n / 30) for n in range(10)))
    sources = opens(first, SourceOpenError("Door refuses; look"), again)

    def wait(stop: Event, _seconds: float) -> bool:
        status = run.status
        assert status.state is LiveState.RECONNECTING
        assert status.trouble.endswith("; look; next try in 1 s")
        lost.set()
        return stop.is_set()

    with LiveRun(
        "door", SETTINGS, open_source=sources, open_enhancer=opener, tell=window.tell, wait=wait
    ) as run:
        run.record(RecordWish({"original": tmp_path / "dark.mkv"}, reserve_bytes=0))
        run.start()
        window.watch(run)
    assert lost.is_set()
    status = run.status
    assert (status.reconnects, status.captured, status.trouble) == (1, 20, "")
    assert adds_up(status)
    (file,) = run.recorded
    assert file.checked, file.note
    assert len(opener.opened) == 1, "the same source needs no other network"
    ((begin, end),) = file.gaps
    assert (begin, end) == pytest.approx((10 / 30, 9 / 30 + (10 - 109 / 30)), abs=0.01)
    moments = [pair.original.pts for pair in window.pairs]
    assert moments == sorted(set(moments))


def test_an_hour_of_sleep_breaks_neither_counters_nor_recording(
    window: Window, opener: Opener, tmp_path: Path
) -> None:
    frames = [frame(n, at_s=n / 30 + (3600 if n >= 12 else 0)) for n in range(24)]
    with scripted(window, opener, *frames) as run:
        run.record(RecordWish({"original": tmp_path / "dark.mkv"}, reserve_bytes=0))
        run.start()
        window.watch(run)
    (file,) = run.recorded
    assert (file.frames, file.checked) == (24, True), file.note
    ((begin, end),) = file.gaps
    assert end - begin == pytest.approx(3600, abs=0.1)
    assert adds_up(run.status)


def test_the_last_seconds_can_be_saved_at_any_time(
    window: Window, opener: Opener, tmp_path: Path
) -> None:
    go_on = Event()
    settings = LiveSettings(keep_seconds=1.0)

    def is_kept() -> bool:
        return run.status.kept_seconds >= min(run.status.captured / 30, 1) - 0.001

    paced = [step for n in range(100) for step in (frame(n), until(is_kept))]
    with scripted(window, opener, *paced, passes(go_on), frame(100), settings=settings) as run:
        run.start()
        window.watch(run, lambda status: status.captured == 100)
        saved = run.save_last(tmp_path / "last.mp4")
        assert saved.checked, saved.note
        assert (saved.track, saved.path) == ("enhanced", tmp_path / "last.mp4")
        assert 1.0 <= saved.seconds <= 3.0
        assert len(times(saved.path)) == saved.frames
        run.change(SETTINGS)
        assert run.status.kept_seconds == 0
        with pytest.raises(WriterError, match="no seconds are kept"):
            run.save_last(tmp_path / "more.mp4")
        go_on.set()
        window.watch(run)
