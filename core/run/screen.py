"""The last hand-over of a live run: pairs to whoever paints them."""

from __future__ import annotations

from collections import deque
from threading import RLock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.run.live_status import Pair

MOST_TAKEN = 3
"""Pairs that may be taken and not painted; a window that takes more has let go of the oldest."""


class Screen:
    """Holds the newest pair until it is taken, and remembers it until it is painted.

        offer ──> waiting ── newest ──> taken ── painted ──> shown
                     └── overtaken by a newer one ──┘

    Called from any thread; nothing waits. What is overtaken is counted in what the methods return.

    Args:
        lock: held whenever a pair comes or goes; none for one of its own.
    """

    def __init__(self, lock: RLock | None = None) -> None:
        self._lock = lock or RLock()
        self._waiting: Pair | None = None
        self._taken: deque[Pair] = deque()
        self._is_still = False

    def offer(self, pair: Pair) -> int:
        """A newer pair is there; how many were overtaken."""
        with self._lock:
            overtaken = self._waiting is not None
            self._waiting = pair
            return int(overtaken)

    def newest(self) -> tuple[Pair | None, int]:
        """The newest pair not taken yet, if there is one, and how many were given up for it."""
        with self._lock:
            if self._is_still or self._waiting is None:
                return None, 0
            pair, self._waiting = self._waiting, None
            self._taken.append(pair)
            given_up = len(self._taken) > MOST_TAKEN
            if given_up:
                self._taken.popleft()
            return pair, int(given_up)

    def painted(self, pair: Pair) -> tuple[bool, int]:
        """Whether a pair is painted for the first time, and how many older ones never will be."""
        with self._lock:
            if not any(pair is taken for taken in self._taken):
                return False, 0
            older = 0
            while self._taken.popleft() is not pair:
                older += 1
            return True, older

    def stand_still(self, *, still: bool) -> None:
        """Give no pairs, or give them again."""
        with self._lock:
            self._is_still = still

    @property
    def held(self) -> int:
        """How many pairs wait, or are taken and not painted."""
        with self._lock:
            return len(self._taken) + (self._waiting is not None)

    def clear(self) -> int:
        """Forget everything; how many pairs that were."""
        with self._lock:
            forgotten = self.held
            self._taken.clear()
            self._waiting = None
            return forgotten
