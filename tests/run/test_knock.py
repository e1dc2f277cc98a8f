"""A wait ends early when a server is back, and only then; real sockets, a clock that is told."""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Callable, Iterator
from random import Random
from threading import Event
from threading import enumerate as all_threads
from typing import TYPE_CHECKING

import pytest

from core.errors import SourceLostError, SourceOpenError
from core.run import knock
from core.run.back_off import BackOff
from core.run.knock import KNOCK_EVERY_S, knocking
from core.run.reconnect import Reconnecting
from tests.fakes import PATIENCE_S
from tests.run.live_parts import Script, frame, opens

if TYPE_CHECKING:
    from core.run.reconnect import Wait

FULL = [KNOCK_EVERY_S] * 4


class Door:
    """A port on 127.0.0.1: shut until it is opened; notes who came and what they said."""

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])

    def open(self) -> None:
        self._socket.listen()

    def shut(self) -> None:
        self._socket.close()

    def open_again(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", self.port))

    def said(self) -> bytes:
        """What the next visitor says, or nothing if it leaves without a word."""
        self._socket.settimeout(PATIENCE_S)
        visitor, _ = self._socket.accept()
        with visitor:
            return visitor.recv(1000)

    def answer(self) -> None:
        """Whoever knocks hears something, as far as they are still there."""
        self._socket.settimeout(0)
        with contextlib.suppress(BlockingIOError):
            while True:
                visitor, _ = self._socket.accept()
                with visitor, contextlib.suppress(OSError):
                    visitor.send(b"RTSP/1.0 200 OK")


class Passing(Event):
    """Waits take no time; after each the clock has moved on, and something may happen."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.waits: list[float] = []
        self.after: dict[int, Callable[[], object]] = {}
        """What happens during the first wait, the second, ..."""

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.waits.append(timeout)
        self.now_s += timeout
        self.after.get(len(self.waits), bool)()
        return self.is_set()

    def until_back(self, uri: str) -> Wait:
        return knocking(uri, lambda: self.now_s)


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door()
    yield door
    door.shut()


@pytest.fixture
def passing() -> Passing:
    return Passing()


@pytest.mark.parametrize(
    "address", ["rtsp://127.0.0.1:{}/video", "HTTP://me:hid@den/1@127.0.0.1:{}/"]
)
def test_the_wait_ends_when_the_port_opens(door: Door, passing: Passing, address: str) -> None:
    wait = passing.until_back(address.format(door.port))
    passing.after[2] = door.open
    assert not wait(passing, 10.0)
    assert passing.waits == FULL[:2]
    assert door.said() == b"", "it only knocks"
    question = door.said().decode()
    assert question.startswith("OPTIONS * ")
    assert not {"me", "hid", "den", "video"} & set(re.split(r"\W+", question))


def test_the_wait_ends_when_a_frozen_server_answers(door: Door, passing: Passing) -> None:
    """Its port is open all the time: the system opens it for a program that does nothing."""
    door.open()
    wait = passing.until_back(f"rtsp://127.0.0.1:{door.port}/")
    wait(passing, 2.0)
    passing.after[7] = door.answer
    wait(passing, 10.0)
    assert passing.waits == [KNOCK_EVERY_S] * 7


def test_a_server_that_freezes_while_waited_for_is_met_too(door: Door, passing: Passing) -> None:
    door.open()
    wait = passing.until_back(f"rtsp://127.0.0.1:{door.port}/")
    passing.after[5] = door.answer
    wait(passing, 10.0)
    assert passing.waits == [KNOCK_EVERY_S] * 5


def test_a_server_that_answers_all_the_time_shortens_nothing(door: Door, passing: Passing) -> None:
    door.open()
    wait = passing.until_back(f"http://127.0.0.1:{door.port}/")
    passing.after |= dict.fromkeys(range(1, 20), door.answer)
    for seconds in (0.5, 1.0, 2.0):
        wait(passing, seconds)
    assert passing.waits == [KNOCK_EVERY_S] * 7


def test_a_port_that_stays_shut_costs_the_whole_wait(door: Door, passing: Passing) -> None:
    wait = passing.until_back(f"rtsp://127.0.0.1:{door.port}/")
    assert not wait(passing, 1.75)
    assert passing.waits == [*FULL[:3], 0.25]


def test_a_port_that_is_open_all_the_time_shortens_nothing(door: Door, passing: Passing) -> None:
    door.open()
    wait = passing.until_back(f"rtsp://127.0.0.1:{door.port}/")
    wait(passing, 2.0)
    wait(passing, 2.0)
    assert passing.waits == FULL * 2


def test_who_came_back_and_then_refuses_is_not_asked_more_often(
    door: Door, passing: Passing
) -> None:
    wait = passing.until_back(f"rtsp://127.0.0.1:{door.port}/")
    passing.after[1] = door.open
    wait(passing, 2.0)
    wait(passing, 2.0)
    assert passing.waits == [*FULL[:1], *FULL]


def test_who_answers_after_its_return_is_not_asked_more_often_either(
    door: Door, passing: Passing
) -> None:
    wait = passing.until_back(f"rtsp://127.0.0.1:{door.port}/")
    passing.after |= {1: door.open, **dict.fromkeys(range(2, 9), door.answer)}
    wait(passing, 2.0)
    wait(passing, 2.0)
    assert passing.waits == [*FULL[:1], *FULL]


def test_a_return_between_two_waits_is_not_missed(door: Door, passing: Passing) -> None:
    wait = passing.until_back(f"rtsp://127.0.0.1:{door.port}/")
    wait(passing, 2.0)
    door.open()
    wait(passing, 2.0)
    assert passing.waits == FULL


def test_a_server_that_goes_and_comes_back_while_waited_for(door: Door, passing: Passing) -> None:
    door.open()
    wait = passing.until_back(f"rtsp://127.0.0.1:{door.port}/")
    passing.after |= {1: door.shut, 3: door.open_again}
    wait(passing, 10.0)
    assert passing.waits == FULL[:3]


def test_a_stop_ends_the_wait(door: Door, passing: Passing) -> None:
    wait = passing.until_back(f"rtsp://127.0.0.1:{door.port}/")
    passing.after[1] = passing.set
    assert wait(passing, 10.0)
    assert wait(passing, 10.0)
    assert passing.waits == FULL[:1]


@pytest.mark.parametrize("host", [f"{'x' * 64}.de", "a..b"])
def test_a_name_that_is_none_is_nobody_at_home(passing: Passing, host: str) -> None:
    passing.until_back(f"rtsp://{host}:554/")(passing, 0.5)
    assert passing.waits == [0.5]


def test_a_name_that_takes_for_ever_to_look_up_holds_up_nothing(
    passing: Passing, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, asked = Event(), list[str]()

    def look_up(host: str, *_: object) -> list[object]:
        asked.append(host)
        assert found.wait(PATIENCE_S)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(knock, "KNOCK_LIMIT_S", 0.01)
    wait = passing.until_back("rtsp://door.local/")
    wait(passing, 2.0)
    assert passing.waits == FULL
    assert asked == ["door.local"]
    (hanging,) = (thread for thread in all_threads() if thread.name == "lowlux-knock")
    found.set()
    hanging.join(PATIENCE_S)


@pytest.mark.parametrize(
    "uri",
    [
        "night.mp4",
        "test:?rate=30",
        "camera:",
        "udp://127.0.0.1:5",
        "rtsp://:554/",
        "rtsp://a:99999",
    ],
)
def test_what_is_no_server_is_just_waited_for(uri: str) -> None:
    assert knocking(uri) is Event.wait


def test_a_source_is_opened_as_soon_as_its_server_is_back(door: Door, passing: Passing) -> None:
    lost = Script(frame(0), SourceLostError("gone"))
    opener = opens(lost, *[SourceOpenError("refused")] * 4, Script(frame(7), None))
    wait = passing.until_back(f"rtsp://127.0.0.1:{door.port}/")
    passing.after[20] = door.open

    source = Reconnecting(
        lambda: opener("door"), lambda _: None, BackOff(Random(1)),
        wait=lambda _, seconds: wait(passing, seconds),
    )  # fmt: skip
    with source:
        shown = [source.read(), source.read(), source.read()]
    assert [None if one is None else one.pts for one in shown] == [0, 7, None]
    assert len(passing.waits) == 20
