"""What is put is taken or counted, and putting never waits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event, RLock

import pytest

from core.run.newest import Newest
from tests.fakes import PATIENCE_S


@pytest.mark.parametrize("limit", [1, 3])
def test_the_oldest_makes_room(limit: int) -> None:
    queue = Newest[int](limit)
    assert sum(queue.put(number) for number in range(10)) == 10 - limit
    queue.close()
    assert list(queue) == list(range(10 - limit, 10))


def test_a_hiccup_costs_nothing_but_a_standing_queue_is_cut() -> None:
    now = [0.0]
    queue = Newest[int](2, 4, lambda: now[0])
    assert [queue.put(number) for number in range(5)] == [0, 0, 0, 0, 1]
    now[0] = 2.0
    assert queue.put(5) == 3
    taker = iter(queue)
    assert next(taker) == 4
    assert [queue.put(number) for number in (6, 7)] == [0, 1]
    assert [next(taker), next(taker)] == [6, 7]
    assert [queue.put(number) for number in range(8, 12)] == [0] * 4


def test_a_closed_queue_refuses_and_counts_what_is_put() -> None:
    queue = Newest[int]()
    assert queue.put(1) == 0
    queue.close()
    assert queue.put(2) == 1
    assert list(queue) == [1]


def test_discarding_counts_what_waits_and_ends_the_taker() -> None:
    queue = Newest[int](4)
    for number in range(3):
        queue.put(number)
    assert queue.discard() == 3
    assert queue.discard() == 0
    assert list(queue) == []


def test_what_the_taker_has_is_held_until_it_hands_it_on() -> None:
    queue = Newest[int](4)
    taker = iter(queue)
    assert queue.held == 0
    for number in range(3):
        queue.put(number)
    assert queue.held == 3
    next(taker)
    assert queue.held == 3
    queue.let_go()
    assert queue.held == 2
    next(taker)
    next(taker)
    assert queue.held == 1
    queue.discard()
    assert queue.held == 1
    assert list(taker) == []
    assert queue.held == 0


def test_nothing_comes_or_goes_while_its_lock_is_held() -> None:
    lock, told = RLock(), Event()
    queue = Newest[int](4, lock=lock)

    def take() -> list[int]:
        told.set()
        return list(queue)

    with ThreadPoolExecutor(1) as pool:
        with lock:
            queue.put(1)
            taken = pool.submit(take)
            assert told.wait(PATIENCE_S)
            assert queue.held == 1
            queue.close()
        assert taken.result(PATIENCE_S) == [1]


def test_a_taker_that_waits_gets_the_item_or_the_end() -> None:
    queue = Newest[int](1000)
    with ThreadPoolExecutor(1) as pool:
        taken = pool.submit(lambda: list(queue))
        lost = sum(queue.put(number) for number in range(500))
        queue.close()
        assert taken.result(PATIENCE_S) == list(range(500))
    assert lost == 0


def test_under_pressure_all_is_accounted_for() -> None:
    queue = Newest[int](2)
    with ThreadPoolExecutor(1) as pool:
        taken = pool.submit(lambda: list(queue))
        lost = sum(queue.put(number) for number in range(5000))
        queue.close()
        numbers = taken.result(PATIENCE_S)
    assert len(numbers) + lost == 5000
    assert numbers == sorted(numbers)
    assert numbers[-1] == 4999
