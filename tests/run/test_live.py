"""The live run: no frame is lost unseen, no thread hangs, no recording breaks."""

from __future__ import annotations

import re
import signal
from fractions import Fraction
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import av
import pytest

from core.errors import CoreError, SettingsError, SourceLostError, SourceOpenError, WriterError
from core.media.test_pattern import read_bar_code
from core.run import live
from core.run.live import LiveRun
from core.run.live_status import LiveState, LiveStatus
from core.run.reconnect import Reconnecting
from core.run.record_ledger import RecordWish, Track
from core.settings import EnhanceSettings, LiveSettings
from tests.fakes import PATIENCE_S, FakeBackend
from tests.media.test_rtsp import Server, servers, victim
from tests.run.live_parts import (
    Happening,
    Opener,
    Script,
    Window,
    adds_up,
    at_once,
    frame,
    opens,
    passes,
    until,
)

if TYPE_CHECKING:
    from core.enhance.backends import Queries
    from core.frame import Pixels

__all__ = ["servers", "victim"]

SETTINGS = LiveSettings()
PATTERN = "test:?size=64x64&noise=0"


def scripted(
    window: Window, opener: Opener, *steps: Happening, settings: LiveSettings = SETTINGS
) -> LiveRun:
    """A run over one source that is never lost."""
    source = opens(Script(*steps))
    return LiveRun("door", settings, open_source=source, open_enhancer=opener, tell=window.tell)


def times(path: Path) -> list[Fraction]:
    with av.open(str(path)) as film:
        return [(p.pts or 0) * (p.time_base or Fraction(0)) for p in film.decode(video=0)]


def works(run: LiveRun, model: str) -> bool:
    """Whether this model is at work from the next frame on."""
    return run.status.plan.startswith(f"{model} on ")


@pytest.fixture
def window() -> Window:
    return Window()


@pytest.fixture
def opener() -> Opener:
    return Opener()


@pytest.fixture(autouse=True)
def a_busy_machine_is_no_broken_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripted sources wait for what the run does, on a busy machine longer than cameras may."""
    patient = partial(Reconnecting, read_patience_s=PATIENCE_S, open_patience_s=PATIENCE_S)
    monkeypatch.setattr(live, "Reconnecting", patient)


@pytest.mark.parametrize(
    "uri",
    [
        f"{PATTERN}&rate=500&seconds=0.4",
        f"fault:drop=0.1,freeze=0.1,corrupt=0.2,seed=3:{PATTERN}&rate=500&seconds=0.4",
    ],
)
def test_every_frame_is_shown_or_counted_as_dropped(
    window: Window, opener: Opener, uri: str
) -> None:
    with LiveRun(uri, SETTINGS, open_enhancer=opener, tell=window.tell) as run:
        run.start()
        ended = window.watch(run)
    status = run.status
    assert ended.state is status.state is LiveState.ENDED
    assert adds_up(status), status
    assert status.captured == 200 if uri == f"{PATTERN}&rate=500&seconds=0.4" else 150
    assert status.shown == len(window.pairs) > 1
    assert (status.width, status.height, status.trouble) == (64, 64, "")
    moments = [pair.original.pts for pair in window.pairs]
    assert moments == sorted(set(moments))
    assert 0 < status.latency.p50_ms <= status.latency.p95_ms <= status.latency.p99_ms


def test_both_pictures_of_a_pair_are_of_one_frame(window: Window, opener: Opener) -> None:
    uri = f"{PATTERN}&rate=200&seconds=0.2"
    with LiveRun(uri, SETTINGS, open_enhancer=opener, tell=window.tell) as run:
        run.start()
        window.watch(run)
    for pair in window.pairs:
        assert read_bar_code(pair.original.pixels) == read_bar_code(pair.enhanced.pixels)
        assert pair.original.pts == pair.enhanced.pts
        assert pair.prior_age == (3 if pair.is_enhanced else None)
    bright = window.pairs[-1]
    assert bright.is_enhanced
    assert bright.enhanced.pixels.mean() > 1.3 * bright.original.pixels.mean()


def test_a_slow_screen_gets_the_newest_pair_and_the_rest_is_dropped(
    window: Window, opener: Opener
) -> None:
    go_on, told = Event(), [0]

    def overtook() -> bool:
        """Every frame but the first finds one that waits."""
        return run.status.dropped == run.status.captured - 1 and window.heard > told[0]

    steps: list[Happening] = []
    for n in range(5):
        steps += [lambda: told.__setitem__(0, window.heard), frame(n), until(overtook)]
    with scripted(window, opener, *steps, passes(go_on), frame(9)) as run:
        run.start()
        waiting = window.until(run, lambda status: status.dropped == 4)
        assert (waiting.captured, waiting.shown, waiting.in_flight) == (5, 0, 1)
        pair = run.newest()
        assert pair is not None
        assert pair.original.pixels[0, 0, 0] == 4
        assert run.newest() is None
        assert run.status.shown == 0
        run.painted(pair)
        run.painted(pair)
        assert (run.status.shown, run.status.in_flight) == (1, 0)
        go_on.set()
        window.until(run, lambda status: status.state is LiveState.ENDED)
        assert run.status.in_flight == 1
    assert adds_up(run.status)
    assert (run.status.shown, run.status.dropped) == (1, 5)


def test_pictures_come_while_the_network_is_still_being_opened(window: Window) -> None:
    may_open = Event()
    opener = Opener(before=lambda _: passes(may_open)())
    ready = until(lambda: works(run, "deepspg"))
    with scripted(window, opener, frame(0), ready, frame(1)) as run:
        run.start()
        window.until(run, lambda _: window.paint(run))
        assert not window.pairs[0].is_enhanced
        assert window.pairs[0].enhanced is window.pairs[0].original
        assert run.status.plan == "opening deepspg"
        may_open.set()
        window.watch(run)
        assert run.status.reasons == ("because it is a test",)
    assert [pair.is_enhanced for pair in window.pairs] == [False, True]
    assert adds_up(run.status)


def test_another_model_is_opened_beside_the_pictures(window: Window) -> None:
    may_open, changed = Event(), Event()
    opener = Opener(before=lambda s: s.enhance.model == "other" and passes(may_open)())
    steps: list[Happening] = [
        frame(0), until(lambda: works(run, "deepspg")), frame(1), passes(changed), frame(2),
        until(lambda: works(run, "other")), frame(3),
    ]  # fmt: skip
    with scripted(window, opener, *steps) as run:
        run.start()
        window.until(run, lambda _: window.paint(run) and window.pairs[-1].is_enhanced)
        run.change(LiveSettings(enhance=EnhanceSettings(model="other")))
        changed.set()
        window.until(run, lambda _: window.paint(run))
        assert window.pairs[-1].is_enhanced, "the picture went dark while the other was opened"
        assert works(run, "deepspg")
        may_open.set()
        window.watch(run)
        first, second = opener.opened
        assert (first.closed.is_set(), second.closed.is_set()) == (True, False)
    assert second.closed.is_set()
    assert second.looks == [1.0]
    assert adds_up(run.status)


def test_a_model_that_cannot_be_opened_leaves_the_old_one_at_work(
    window: Window, opener: Opener
) -> None:
    go_on, again = Event(), Event()
    steps: list[Happening] = [
        frame(0), until(lambda: works(run, "deepspg")), frame(1), passes(go_on), frame(2),
        passes(again),
    ]  # fmt: skip
    with scripted(window, opener, *steps) as run:
        run.start()
        window.until(run, lambda _: window.paint(run) and window.pairs[-1].is_enhanced)
        run.change(LiveSettings(enhance=EnhanceSettings(model="missing")))
        status = window.until(run, lambda status: status.trouble)
        assert "no model called missing; choose another" in status.trouble
        assert "stays at work" in status.trouble
        go_on.set()
        window.until(run, lambda _: window.paint(run))
        assert window.pairs[-1].is_enhanced
        run.change(SETTINGS)
        window.until(run, lambda status: not status.trouble)
        again.set()
        window.watch(run)
    assert adds_up(run.status)


def test_strength_is_taken_up_at_the_next_frame_by_the_same_network(
    window: Window, opener: Opener
) -> None:
    go_on = Event()
    ready = until(lambda: works(run, "deepspg"))
    with scripted(
        window, opener, frame(0), ready, frame(1), passes(go_on), frame(2), frame(3)
    ) as run:
        run.start()
        window.until(run, lambda _: window.paint(run) and window.pairs[-1].is_enhanced)
        run.change(LiveSettings(enhance=EnhanceSettings(strength=0.25)))
        go_on.set()
        window.watch(run)
    (network,) = opener.opened
    assert network.looks == [1.0, 0.25]


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


def test_disconnects_over_and_over_lose_no_count(window: Window, opener: Opener) -> None:
    uri = f"fault:disconnect=0.05,drop=0.05,corrupt=0.05:{PATTERN}&rate=1000"
    with LiveRun(uri, SETTINGS, open_enhancer=opener, tell=window.tell, wait=at_once) as run:
        run.start()

        def often(status: LiveStatus) -> bool:
            window.paint(run)
            assert status.captured == status.shown + status.dropped + status.in_flight
            assert 0 <= status.in_flight <= 4
            return status.reconnects >= 10

        window.until(run, often)
    assert run.status.state is LiveState.ENDED
    assert adds_up(run.status)


def test_a_network_that_fails_leaves_the_picture_as_it_comes(window: Window) -> None:
    opener = Opener(lambda: FakeBackend(fails_at=0))
    ready = until(lambda: works(run, "deepspg"))
    steps: list[Happening] = [frame(0), ready, *(frame(n) for n in range(1, 9))]
    with scripted(window, opener, *steps) as run:
        run.start()
        window.watch(run)
        status = run.status
        assert status.state is LiveState.ENDED
        assert "no memory for this frame" in status.trouble
        assert "choose another model, plan or device" in status.trouble
        assert status.plan == "off"
    assert not window.pairs[-1].is_enhanced
    assert opener.opened[0].closed.is_set()
    assert adds_up(run.status)


def test_a_mistake_in_a_thread_ends_the_run_and_says_so(
    window: Window, caplog: pytest.LogCaptureFixture
) -> None:
    opener = Opener(Careless)
    ready = until(lambda: works(run, "deepspg"))
    with scripted(window, opener, frame(0), ready, *(frame(n) for n in range(1, 99))) as run:
        run.start()
        status = window.watch(run)
    assert status.state is LiveState.FAILED
    assert status.trouble == "The run failed unexpectedly (ZeroDivisionError); please report this"
    assert isinstance(run.error, ZeroDivisionError)
    assert run.status.state is LiveState.FAILED
    assert adds_up(run.status)
    assert "A thread of the live run failed" in caplog.text


class Careless(FakeBackend):
    """Has a mistake in it."""

    def queries(self, pixels: Pixels) -> Queries | None:
        raise ZeroDivisionError("rtsp://me:hidden@door")


def test_a_mistake_while_opening_the_network_ends_the_run(
    window: Window, caplog: pytest.LogCaptureFixture
) -> None:
    opener = Opener(before=lambda _: [][0])
    with scripted(window, opener, frame(0), until(lambda: run.error)) as run:
        run.start()
        assert window.watch(run).state is LiveState.FAILED
    assert adds_up(run.status)
    assert "IndexError" in caplog.text


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("test:?size=64x64&speed=3", "The option 'speed' of the address is wrong"),
        ("rtsp://me:hidden@127.0.0.1:1/video", "refuses the connection|cannot be reached"),
        ("nowhere.mp4", "nowhere.mp4"),
    ],
)
def test_what_cannot_be_opened_fails_with_a_sentence_and_no_password(
    window: Window, opener: Opener, uri: str, says: str
) -> None:
    with LiveRun(uri, SETTINGS, open_enhancer=opener, tell=window.tell) as run:
        assert run.status.state is LiveState.OPENING
        assert "hidden" not in str(run.status)
        run.start()
        status = window.watch(run)
    assert status.state is LiveState.FAILED
    assert re.search(says, status.trouble)
    assert "hidden" not in f"{status}{run.error}"
    assert isinstance(run.error, CoreError)


def test_closing_twice_and_before_the_start_is_harmless(window: Window, opener: Opener) -> None:
    run = scripted(window, opener, frame(0))
    run.close()
    run.close()
    assert run.status.state is LiveState.ENDED
    run.change(LiveSettings(keep_seconds=5))
    assert (run.newest(), run.status.captured, opener.opened) == (None, 0, [])


def test_closing_interrupts_a_source_that_goes_on_for_ever(window: Window, opener: Opener) -> None:
    with LiveRun(f"{PATTERN}&rate=100", SETTINGS, open_enhancer=opener, tell=window.tell) as run:
        run.start()
        window.watch(run, lambda status: status.captured > 3)
    assert run.status.state is LiveState.ENDED
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
        assert 1.0 <= saved.seconds <= 2.0
        assert len(times(saved.path)) == saved.frames
        run.change(SETTINGS)
        assert run.status.kept_seconds == 0
        with pytest.raises(WriterError, match="no seconds are kept"):
            run.save_last(tmp_path / "more.mp4")
        go_on.set()
        window.watch(run)


def test_by_day_nothing_is_enhanced_where_auto_is_wished(window: Window, opener: Opener) -> None:
    def is_shown() -> bool:
        return run.status.captured == len(window.pairs)

    day = [frame(n, level=180) for n in range(40)]
    night = [frame(n, level=30) for n in range(40, 100)]
    shown = [step for one in (*day, *night) for step in (one, until(is_shown))]
    settings = LiveSettings(auto=True)
    ready = until(lambda: works(run, "deepspg"))
    with scripted(window, opener, ready, *shown, settings=settings) as run:
        run.start()
        window.watch(run)
    states = [pair.is_enhanced for pair in window.pairs]
    assert len(states) == 100
    assert states == sorted(states)
    assert 80 < states.index(True) < 90, "an and a half seconds after it grew dark"


def test_a_real_server_that_is_killed_comes_back(
    window: Window, opener: Opener, victim: Server, tmp_path: Path
) -> None:
    def bring_back(stop: Event, _seconds: float) -> bool:
        victim.kill()
        victim.start()
        return stop.is_set()

    uri = victim.address(login="me:hidden@")
    with LiveRun(uri, SETTINGS, open_enhancer=opener, tell=window.tell, wait=bring_back) as run:
        run.record(RecordWish({"original": tmp_path / "door.mkv"}, reserve_bytes=0))
        run.start()
        window.watch(run, lambda status: status.shown > 10)
        victim.send(signal.SIGKILL)
        back = window.watch(run, lambda status: status.reconnects)
        window.watch(run, lambda now: now.captured > back.captured + 10)
        assert run.status.state is LiveState.RUNNING
        assert "hidden" not in str(run.status)
    (file,) = run.recorded
    assert file.checked, file.note
    shown = times(file.path)
    assert len(shown) == file.frames > 20
    assert shown == sorted(set(shown))
    assert adds_up(run.status)
