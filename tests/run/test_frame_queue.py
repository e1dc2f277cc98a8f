"""Nothing is lost, nothing piles up, and neither side waits for one that is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest

from core.run.frame_queue import FrameQueue
from tests.fakes import PATIENCE_S

Submit = Callable[..., "Future[Any]"]


@pytest.fixture
def beside() -> Iterator[Submit]:
    """Runs a function on the other side of the queue."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit


def produce(queue: FrameQueue[int], count: int, error: BaseException | None = None) -> int:
    taken = sum(queue.put(number) for number in range(count))
    queue.close(error)
    return taken


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
def test_every_item_arrives_in_order(beside: Submit, limit: int) -> None:
    queue = FrameQueue[int](limit)
    producer = beside(produce, queue, 500)
    assert list(queue) == list(range(500))
    assert producer.result(PATIENCE_S) == 500


def test_a_producer_waits_for_room(beside: Submit) -> None:
    queue = FrameQueue[int](2)
    full, done = Event(), Event()

    def fill() -> None:
        queue.put(0)
        queue.put(1)
        full.set()
        queue.put(2)
        done.set()

    producer = beside(fill)
    assert full.wait(PATIENCE_S)
    assert not done.wait(0.05)
    items = iter(queue)
    assert next(items) == 0
    assert done.wait(PATIENCE_S)
    producer.result(PATIENCE_S)
    queue.close()
    assert list(items) == [1, 2]


def test_a_producer_s_error_comes_after_its_last_item(beside: Submit) -> None:
    queue = FrameQueue[int](2)
    beside(produce, queue, 5, ValueError("damaged"))
    items = iter(queue)
    assert [next(items) for _ in range(5)] == list(range(5))
    with pytest.raises(ValueError, match="damaged"):
        next(items)


def test_a_consumer_that_fails_frees_a_waiting_producer(beside: Submit) -> None:
    queue = FrameQueue[int](1)
    producer = beside(produce, queue, 5)
    assert next(iter(queue)) == 0
    failure = OSError("disk full")
    queue.close(failure)
    assert producer.result(PATIENCE_S) < 5
    assert queue.error is failure


def test_the_first_error_is_the_one_that_counts() -> None:
    queue = FrameQueue[int](1)
    first = OSError("first")
    queue.close(first)
    queue.close(OSError("second"))
    queue.close()
    assert queue.error is first


def test_after_closing_nothing_is_taken() -> None:
    queue = FrameQueue[int](3)
    assert queue.put(1)
    queue.close()
    assert not queue.put(2)
    assert list(queue) == [1]


def test_discarding_forgets_what_waits() -> None:
    queue = FrameQueue[int](3)
    queue.put(1)
    queue.discard()
    assert not queue.put(2)
    assert list(queue) == []


def test_discarding_frees_a_waiting_consumer(beside: Submit) -> None:
    queue = FrameQueue[int](3)
    consumer = beside(list, queue)
    queue.discard()
    assert consumer.result(PATIENCE_S) == []
