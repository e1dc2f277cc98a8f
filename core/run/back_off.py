"""How long to wait before what failed is tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random


class BackOff:
    """How long to wait before each try: 0.5, 1, 2, 4, 8, 10, 10, ... seconds.

    Each is made up to a fifth shorter at random, so that many cameras behind one switch do not
    come back in the same instant.
    """

    FIRST_S, MOST_S, SHORTEST = 0.5, 10.0, 0.8

    def __init__(self, random: Random) -> None:
        self._random = random
        self._next = self.FIRST_S

    def next_s(self) -> float:
        """Seconds to wait now; the next wait will be longer."""
        now, self._next = self._next, min(2 * self._next, self.MOST_S)
        return now * self._random.uniform(self.SHORTEST, 1.0)

    def reset(self) -> None:
        """After success: the next wait is the first again."""
        self._next = self.FIRST_S
