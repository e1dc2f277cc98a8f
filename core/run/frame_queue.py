"""Hands items from one thread to the next."""

from __future__ import annotations

from collections import deque
from threading import Condition
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")


class FrameQueue(Generic[T]):
    """A bounded queue that carries the end of the stream and its error as well.

    One thread puts and finally calls `close`; another iterates. Either may close, with the error
    it failed of: `put` then returns False, so a producer whose consumer died stops by itself, and
    iterating ends after the last item, raising what the producer failed with.
    """

    def __init__(self, limit: int) -> None:
        self._items: deque[T] = deque()
        self._limit = limit
        self._changed = Condition()
        self._closed = False
        self.error: BaseException | None = None
        """What either side failed with first."""

    def put(self, item: T) -> bool:
        """Waits for room; whether the item was taken."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._items) < self._limit)
            if not self._closed:
                self._items.append(item)
                self._changed.notify_all()
            return not self._closed

    def close(self, error: BaseException | None = None) -> None:
        """No more items will come; the first error given is the one that is raised."""
        with self._changed:
            self._closed = True
            self.error = self.error or error
            self._changed.notify_all()

    def discard(self) -> None:
        """Closes, and forgets what was not taken yet."""
        with self._changed:
            self._items.clear()
            self.close()

    def __iter__(self) -> Iterator[T]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or bool(self._items))
                if not self._items:
                    break
                item = self._items.popleft()
                self._changed.notify_all()
            yield item
        if self.error is not None:
            raise self.error
