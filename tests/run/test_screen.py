"""The newest pair is the one that is taken; every other is counted once."""

from __future__ import annotations

from core.run.live_status import Pair
from core.run.screen import MOST_TAKEN, Screen
from tests.run.live_parts import frame


def pair(number: int) -> Pair:
    return Pair(frame(number), frame(number), is_enhanced=True, prior_age=None)


def test_a_pair_is_taken_once_and_the_newest_first() -> None:
    screen = Screen()
    pairs = [pair(number) for number in range(3)]
    assert [screen.offer(one) for one in pairs] == [0, 1, 1]
    assert screen.newest() == (pairs[2], 0)
    assert screen.newest() == (None, 0)


def test_what_waits_and_what_is_taken_is_held_until_it_is_painted() -> None:
    screen = Screen()
    pairs = [pair(number) for number in range(4)]
    for one in pairs[:3]:
        screen.offer(one)
        screen.newest()
    screen.offer(pairs[3])
    assert screen.held == 4
    screen.painted(pairs[1])
    assert screen.held == 2
    screen.newest()
    assert screen.held == 2
    assert (screen.clear(), screen.held) == (2, 0)


def test_painting_counts_once_and_gives_up_the_older_ones() -> None:
    screen = Screen()
    pairs = [pair(number) for number in range(3)]
    for one in pairs:
        screen.offer(one)
        screen.newest()
    assert screen.painted(pairs[1]) == (True, 1)
    assert screen.painted(pairs[1]) == (False, 0)
    assert screen.painted(pairs[0]) == (False, 0)
    assert screen.painted(pairs[2]) == (True, 0)
    assert screen.clear() == 0


def test_a_window_that_never_paints_holds_few_pairs() -> None:
    screen = Screen()
    given_up = 0
    for number in range(10):
        screen.offer(pair(number))
        given_up += screen.newest()[1]
    assert given_up == 10 - MOST_TAKEN
    screen.offer(pair(11))
    assert screen.clear() == MOST_TAKEN + 1


def test_standing_still_gives_nothing_and_then_the_newest() -> None:
    screen = Screen()
    screen.stand_still(still=True)
    old, new = pair(1), pair(2)
    assert screen.offer(old) == 0
    assert screen.newest() == (None, 0)
    assert screen.offer(new) == 1
    screen.stand_still(still=False)
    assert screen.newest() == (new, 0)
