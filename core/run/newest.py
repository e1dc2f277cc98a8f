"""Hands items to another thread, the newest first to matter: what is late is overtaken."""

from __future__ import annotations

import time
from collections import deque
from threading import Condition, RLock
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

BURST_S = 1.0
"""For so long after the taker had last taken all, more items may wait."""


class Newest(Generic[T]):
    """A bounded queue whose `put` never waits: the oldest items make room.

    One thread iterates, any puts and closes. Every item is either taken or counted in what `put`
    and `discard` return, so nothing is lost unseen.

    A queue that fills in a hiccup of the taker costs nothing, one that stays full delays all that
    comes (Nichols and Jacobson, RFC 8289), so the two have a limit each.

    Args:
        limit: items that may wait.
        burst: items that may wait for a moment, if that is more.
        clock: monotonic time in seconds.
        lock: held whenever an item comes or goes; none for one of its own.
    """

    def __init__(
        self,
        limit: int = 1,
        burst: int = 0,
        clock: Callable[[], float] = time.monotonic,
        lock: RLock | None = None,
    ) -> None:
        self._items: deque[T] = deque()
        self._limit, self._burst, self._clock = limit, max(limit, burst), clock
        self._empty_s = float("-inf")
        self._changed = Condition(lock)
        self._closed = self._is_taken = False

    def put(self, item: T) -> int:
        """Hand an item in.

        Returns:
            How many items will never be taken for it: those that had to go, or 1 where the queue is
            closed and the item itself is refused.
        """
        with self._changed:
            if self._closed:
                return 1
            if not self._items:
                self._empty_s = self._clock()
            self._items.append(item)
            is_burst = self._clock() - self._empty_s < BURST_S
            overtaken = max(0, len(self._items) - (self._burst if is_burst else self._limit))
            for _ in range(overtaken):
                self._items.popleft()
            self._changed.notify()
            return overtaken

    def close(self) -> None:
        """No more items will come; those that wait may still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def discard(self) -> int:
        """Closes and forgets what waits; how many items that were."""
        with self._changed:
            forgotten = len(self._items)
            self._items.clear()
            self.close()
            return forgotten

    @property
    def held(self) -> int:
        """How many items wait, and the one that is with the taker."""
        with self._changed:
            return len(self._items) + self._is_taken

    def let_go(self) -> None:
        """The taker has handed on what it took; it has also when it asks for the next."""
        with self._changed:
            self._is_taken = False

    def __iter__(self) -> Iterator[T]:
        """Items as they come; ends after the last one of a closed queue."""
        while True:
            with self._changed:
                self._is_taken = False
                self._changed.wait_for(lambda: self._closed or bool(self._items))
                if not self._items:
                    return
                item, self._is_taken = self._items.popleft(), True
            yield item
