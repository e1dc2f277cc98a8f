"""Hands items to another thread, the newest first to matter: what is late is overtaken."""

from __future__ import annotations

from collections import deque
from threading import Condition
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")


class Newest(Generic[T]):
    """A bounded queue whose `put` never waits: the oldest item makes room.

    One thread iterates, any puts and closes. Every item is either taken or counted in what `put`
    and `discard` return, so nothing is lost unseen.
    """

    def __init__(self, limit: int = 1) -> None:
        self._items: deque[T] = deque()
        self._limit = limit
        self._changed = Condition()
        self._closed = False

    def put(self, item: T) -> int:
        """Hand an item in.

        Returns:
            How many items will never be taken for it: 1 where the oldest had to go, or where the
            queue is closed and the item itself is refused; else 0.
        """
        with self._changed:
            if self._closed:
                return 1
            overtaken = len(self._items) >= self._limit
            if overtaken:
                self._items.popleft()
            self._items.append(item)
            self._changed.notify()
            return int(overtaken)

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

    def __iter__(self) -> Iterator[T]:
        """Items as they come; ends after the last one of a closed queue."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or bool(self._items))
                if not self._items:
                    return
                item = self._items.popleft()
            yield item
