"""Decoding times from presentation times."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class Timetable:
    """When each picture of a film is decoded, and how long it is shown, from when it is shown.

    Parts that were encoded apart each count their decoding times from their own beginning, so they
    overlap where the parts meet. One delay for the whole film gives times that rise: a picture is
    decoded when the one so many places before it is shown. Holds eight bytes a picture.
    """

    def __init__(self) -> None:
        self._times = array("q")
        self._delay = 0
        self._last_length = 0

    def add(self, stored: Sequence[int], last_length: int) -> None:
        """Append a part of the film.

        Args:
            stored: presentation times in order of decoding.
            last_length: how long the picture shown last is shown, if it is the film's last.

        Raises:
            ValueError: it begins before the parts before it end, or two pictures have one time.
        """
        shown = sorted(stored)
        if any(a >= b for a, b in pairwise([*self._times[-1:], *shown])):
            raise ValueError("times that do not rise")
        for place, time in enumerate(stored):
            self._delay = max(self._delay, place - bisect_left(shown, time))
        self._times.extend(shown)
        if shown:
            self._last_length = last_length

    def __len__(self) -> int:
        """How many pictures there are."""
        return len(self._times)

    @property
    def first(self) -> int:
        """When the first picture is shown."""
        return self._times[0]

    def decoded_at(self, place: int) -> int:
        """The decoding time of the picture at this place in order of decoding."""
        if place >= self._delay:
            return self._times[place - self._delay]
        return self._times[place] - (self._times[self._delay] - self._times[0])

    def length(self, time: int) -> int:
        """How long the picture shown at a time is shown."""
        after = bisect_right(self._times, time)
        return self._times[after] - time if after < len(self._times) else self._last_length
