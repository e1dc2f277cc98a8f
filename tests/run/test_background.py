"""One after the other, in order, with the error where there is one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from threading import Event, Thread

import pytest

from core.run.background import Background, tell_of_failed_threads
from tests.fakes import PATIENCE_S


def test_work_is_done_in_order_elsewhere_and_does_not_keep_the_caller_waiting() -> None:
    may_go, done = Event(), list[object]()
    with Background() as background:
        background.do(
            lambda: (may_go.wait(PATIENCE_S), threading.current_thread().name)[1],
            lambda future: done.append(future.result()),
        )
        background.do(lambda: 2, lambda future: done.append(future.result()))
        assert done == []
        may_go.set()
    assert str(done[0]).startswith("lowlux-background")
    assert done[1:] == [2]
    background.close()


def test_an_error_comes_with_the_result() -> None:
    futures: list[Future[None]] = []

    def fail() -> None:
        raise OSError("no disk")

    with Background() as background:
        background.do(fail, futures.append)
    assert str(futures[0].exception()) == "no disk"


@pytest.fixture
def hook_as_it_was() -> Iterator[None]:
    before = threading.excepthook
    yield
    threading.excepthook = before


@pytest.mark.usefixtures("hook_as_it_was")
def test_what_ends_a_thread_is_told() -> None:
    told: list[BaseException] = []
    tell_of_failed_threads(told.append)

    def fail() -> None:
        raise ValueError("lost")

    thread = Thread(target=fail)
    thread.start()
    thread.join()
    assert [str(error) for error in told] == ["lost"]
