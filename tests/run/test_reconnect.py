"""What is lost comes back, what hangs is left behind, and closing never waits for either."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from random import Random
from threading import Event

import numpy as np
import pytest

from core.closing import Closing
from core.errors import (
    CoreError,
    SettingsError,
    SourceLostError,
    SourceOpenError,
    WriterError,
)
from core.frame import Frame
from core.media.live import LiveInfo
from core.run.back_off import BackOff
from core.run.reconnect import (
    MOST_LEFT_BEHIND,
    Change,
    Connected,
    Lost,
    Reconnecting,
    Waiting,
)
from tests.fakes import PATIENCE_S

INFO = LiveInfo("Door", 4, 2, None, "test")
Step = int | Event | BaseException | None


class Camera(Closing):
    """Plays steps: a number is a frame, an error is raised, an event is waited for, none ends."""

    def __init__(self, *steps: Step) -> None:
        self._steps = iter(steps)
        self.closed = Event()

    @property
    def info(self) -> LiveInfo:
        return INFO

    def read(self) -> Frame | None:
        step = next(self._steps)
        if isinstance(step, Event):
            assert step.wait(PATIENCE_S)
            return frame(-1)
        if isinstance(step, BaseException):
            raise step
        return None if step is None else frame(step)

    def close(self) -> None:
        self.closed.set()


def frame(number: int) -> Frame:
    return Frame(np.zeros((2, 4, 3), np.uint8), number, Fraction(1, 30))


def opener(*turns: Camera | CoreError) -> Callable[[], Camera]:
    """Each call gets the next camera, or the error of opening it."""
    left = iter(turns)

    def open_next() -> Camera:
        turn = next(left)
        if isinstance(turn, CoreError):
            raise turn
        return turn

    return open_next


class Watch:
    """What was reported and how long was waited; no wait takes any time."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.waits: list[float] = []

    def wait(self, stop: Event, seconds: float) -> bool:
        self.waits.append(seconds)
        return stop.is_set()

    def over(self, *turns: Camera | CoreError, patience_s: float = PATIENCE_S) -> Reconnecting:
        return Reconnecting(
            opener(*turns), self.changes.append, BackOff(Random(1)), wait=self.wait,
            read_patience_s=patience_s, open_patience_s=PATIENCE_S,
        )  # fmt: skip


@pytest.fixture
def watch() -> Watch:
    return Watch()


def numbers(source: Reconnecting) -> Iterator[int]:
    with source:
        while (shown := source.read()) is not None:
            yield shown.pts


def test_waits_double_up_to_ten_seconds_and_begin_again_after_success() -> None:
    back_off = BackOff(Random(7))
    waits = [back_off.next_s() for _ in range(8)]
    for wait, most in zip(waits, [0.5, 1, 2, 4, 8, 10, 10, 10], strict=True):
        assert 0.8 * most <= wait <= most
    assert len({round(wait, 9) for wait in waits[5:]}) == 3
    back_off.reset()
    assert back_off.next_s() <= 0.5


def test_a_source_that_ends_by_itself_is_not_opened_again(watch: Watch) -> None:
    camera = Camera(1, 2, None)
    source = watch.over(camera)
    assert list(numbers(source)) == [1, 2]
    assert camera.closed.is_set()
    assert source.read() is None
    assert (watch.changes, source.reconnects) == ([Connected(INFO)], 0)


def test_a_lost_source_is_closed_and_opened_until_it_comes_back(watch: Watch) -> None:
    first, second = Camera(1, SourceLostError("gone")), Camera(2, SourceLostError("again"))
    source = watch.over(first, SourceOpenError("refused"), second, Camera(3, None))
    assert list(numbers(source)) == [1, 2, 3]
    assert first.closed.is_set()
    assert second.closed.is_set()
    assert (source.reconnects, source.info) == (2, INFO)
    waits = [Waiting(seconds) for seconds in watch.waits]
    assert watch.changes == [
        Connected(INFO), Lost("gone"), waits[0], Lost("refused"), waits[1],
        Connected(INFO), Lost("again"), waits[2], Connected(INFO),
    ]  # fmt: skip
    assert watch.waits[2] <= 0.5 < watch.waits[1]


def test_a_lost_source_is_let_go_at_once() -> None:
    """Not when circles are looked for: a camera lends its handles to few."""
    lost: list[weakref.ref[Camera]] = []

    def open_next() -> Camera:
        if lost:
            return Camera(2, None)
        camera = Losing()
        lost.append(weakref.ref(camera))
        return camera

    gc.disable()
    try:
        source = Reconnecting(
            open_next, lambda _: None, BackOff(Random(1)), wait=lambda stop, _: stop.is_set()
        )
        shown = numbers(source)
        assert next(shown) == 2
        assert lost[0]() is None
        assert list(shown) == []
    finally:
        gc.enable()


class Losing(Camera):
    """Brings nothing."""

    def read(self) -> Frame | None:
        raise SourceLostError("gone")


def test_what_never_opened_is_an_error_and_may_be_tried_again(watch: Watch) -> None:
    with watch.over(SourceOpenError("wrong password"), Camera(1, None)) as source:
        with pytest.raises(SourceOpenError, match="wrong password"):
            source.read()
        assert not watch.changes
        assert not watch.waits
        shown = source.read()
        assert shown is not None
        assert shown.pts == 1


def test_a_camera_that_comes_back_on_a_slower_socket_is_tried_until_it_can(watch: Watch) -> None:
    slow = SettingsError("Door cannot deliver 60 frames per second")
    source = watch.over(Camera(1, SourceLostError("unplugged")), slow, slow, Camera(2, None))
    assert list(numbers(source)) == [1, 2]
    lost = [change.reason for change in watch.changes if isinstance(change, Lost)]
    assert lost == ["unplugged", str(slow), str(slow)]
    assert (source.reconnects, len(watch.waits)) == (1, 3)


def test_a_wish_that_cannot_be_met_at_first_is_told_at_once(watch: Watch) -> None:
    source = watch.over(SettingsError("no 60 frames per second"), Camera(1, None))
    with source, pytest.raises(SettingsError, match="no 60"):
        source.read()
    assert (watch.changes, watch.waits) == ([], [])


def test_no_other_error_of_opening_is_taken_for_a_loss(watch: Watch) -> None:
    source = watch.over(Camera(1, SourceLostError("gone")), WriterError("no room"))
    with source, pytest.raises(WriterError, match="no room"):
        list(numbers(source))


def test_a_mistake_in_a_source_is_not_taken_for_a_loss(watch: Watch) -> None:
    camera = Camera(ZeroDivisionError("a bug"))
    with watch.over(camera) as source, pytest.raises(ZeroDivisionError, match="a bug"):
        source.read()
    assert camera.closed.is_set()


def test_a_read_that_hangs_is_left_behind_and_its_late_frame_dropped(watch: Watch) -> None:
    awake = Event()
    stuck, fresh = Camera(1, awake), Camera(2, 3, None)
    source = watch.over(stuck, fresh, patience_s=0.05)
    shown = numbers(source)
    assert [next(shown), next(shown)] == [1, 2]
    assert isinstance(watch.changes[1], Lost)
    assert watch.changes[1].reason.startswith("Door hangs")
    awake.set()
    assert stuck.closed.wait(PATIENCE_S)
    assert list(shown) == [3]


def test_hanging_threads_do_not_pile_up(watch: Watch) -> None:
    awake = Event()
    stuck = [Camera(1, awake) for _ in range(MOST_LEFT_BEHIND)]

    def wake_up(stop: Event, seconds: float) -> bool:
        watch.waits.append(seconds)
        if len(watch.waits) == MOST_LEFT_BEHIND + 3:
            awake.set()
            assert all(camera.closed.wait(PATIENCE_S) for camera in stuck)
        return stop.is_set()

    source = Reconnecting(
        opener(*stuck, Camera(2, None)), watch.changes.append, BackOff(Random(1)),
        wait=wake_up, read_patience_s=0.02,
    )  # fmt: skip
    assert list(numbers(source)) == [1] * MOST_LEFT_BEHIND + [2]
    assert source.reconnects == MOST_LEFT_BEHIND


def test_closing_interrupts_the_wait_for_the_next_try() -> None:
    waiting = Event()

    def report(change: Change) -> None:
        if isinstance(change, Waiting):
            waiting.set()

    # The real wait, which would take longer than a test may.
    back_off = BackOff(Random(1))
    back_off.FIRST_S = back_off._next = 10 * PATIENCE_S
    lost = Camera(SourceLostError("gone"))
    source = Reconnecting(opener(lost), report, back_off)
    with ThreadPoolExecutor(1) as pool:
        shown = pool.submit(source.read)
        assert waiting.wait(PATIENCE_S)
        source.close()
        assert shown.result(PATIENCE_S) is None


def test_interrupting_a_read_needs_no_answer_of_the_source() -> None:
    connected, awake = Event(), Event()
    stuck = Camera(awake)
    source = Reconnecting(
        opener(stuck), lambda _: connected.set(), BackOff(Random(1)), read_patience_s=0.5
    )
    with ThreadPoolExecutor(1) as pool:
        shown = pool.submit(source.read)
        assert connected.wait(PATIENCE_S)
        source.interrupt()
        assert shown.result(PATIENCE_S) is None
    awake.set()
    assert stuck.closed.wait(PATIENCE_S)


def test_closing_twice_or_before_the_first_read_is_harmless(watch: Watch) -> None:
    source = watch.over(Camera(1))
    source.close()
    source.close()
    assert source.read() is None
    assert watch.changes == []
