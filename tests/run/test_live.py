"""The live run: no frame is lost unseen, no thread hangs, no recording breaks."""

from __future__ import annotations

import gc
import signal
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import pytest

from core.media.test_pattern import read_bar_code
from core.run.frame_flow import BURST
from core.run.live import LiveRun
from core.run.live_status import LiveState, LiveStatus
from core.run.record_ledger import RecordWish
from core.settings import EnhanceSettings, LiveSettings
from tests.fakes import PATIENCE_S, FakeBackend
from tests.media.rtsp import Server
from tests.run.live_parts import (
    PATTERN,
    SETTINGS,
    Happening,
    Opener,
    Window,
    adds_up,
    at_once,
    frame,
    passes,
    scripted,
    times,
    until,
    works,
)

if TYPE_CHECKING:
    from core.enhance.backends import Queries
    from core.enhance.finish import Look
    from core.frame import Pixels


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


def test_no_search_for_garbage_goes_through_what_an_open_network_needs(
    window: Window, opener: Opener
) -> None:
    gc.unfreeze()
    assert any(thing is FakeBackend for thing in gc.get_objects())
    uri = f"{PATTERN}&rate=200&seconds=0.2"
    with LiveRun(uri, SETTINGS, open_enhancer=opener, tell=window.tell) as run:
        run.start()
        window.watch(run)
    assert not any(thing is FakeBackend for thing in gc.get_objects())


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


def test_a_frame_that_is_lost_or_counted_twice_is_seen(window: Window, opener: Opener) -> None:
    def missing() -> int:
        status = run.status
        return status.captured - status.shown - status.dropped - status.in_flight

    go_on = Event()
    with scripted(window, opener, frame(0), passes(go_on), frame(1)) as run:
        run.start()
        window.until(run, lambda _: run._flow.screen.held)
        run._flow.screen.clear()
        assert missing() == 1
        run._flow.tally.dropped(1)
        assert missing() == 0
        run._flow.tally.dropped(1)
        assert missing() == -1
        go_on.set()
        window.watch(run)
    assert missing() == -1


def test_frames_are_found_where_they_are(window: Window) -> None:
    at_work, go_on, ahead = Event(), Event(), Event()

    class Waits(FakeBackend):
        def enhance(
            self, pixels: Pixels, queries: Queries | None, look: Look, steady: Pixels | None = None
        ) -> Pixels:
            if self.seen:
                at_work.set()
                passes(go_on)()
            return super().enhance(pixels, queries, look, steady)

    steps: list[Happening] = [
        until(lambda: works(run, "deepspg")), frame(0), until(lambda: run._flow.screen.held),
        frame(1), passes(at_work), frame(2), frame(3), passes(ahead),
    ]  # fmt: skip
    with scripted(window, Opener(Waits), *steps) as run:
        run.start()
        assert at_work.wait(PATIENCE_S)
        full = window.until(run, lambda status: status.captured == 4)
        # One is on the screen and not yet painted, one at work, two wait.
        assert (full.shown, full.dropped, full.in_flight) == (0, 0, 4)
        assert run.newest() is not None
        assert run.status.in_flight == 4
        go_on.set()
        ahead.set()
        window.watch(run)
    assert adds_up(run.status)


def test_disconnects_over_and_over_lose_no_count(window: Window, opener: Opener) -> None:
    uri = f"fault:disconnect=0.05,drop=0.05,corrupt=0.05:{PATTERN}&rate=1000"
    with LiveRun(uri, SETTINGS, open_enhancer=opener, tell=window.tell, wait=at_once) as run:
        run.start()

        def often(status: LiveStatus) -> bool:
            window.paint(run)
            assert status.captured == status.shown + status.dropped + status.in_flight
            assert 0 <= status.in_flight <= BURST + 2
            return status.reconnects >= 10

        window.until(run, often)
    assert run.status.state is LiveState.ENDED
    assert adds_up(run.status)


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
