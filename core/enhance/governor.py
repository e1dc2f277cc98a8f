"""Keeps a live run in time: when to do less, and when more may be tried again."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

WINDOW_S = 1.0
"""Time is short when it was so, on average, over this long,"""
WINDOW_FRAMES = 12
"""and over this many frames."""
HICCUP = 3.0
"""A single frame counts for no more than this many budgets: the machine may have slept."""
CALM_S = 4.0
"""A better step is tried when there was room for it for so long:"""
ROOM = 0.6
"""when it would have taken less than this share of the budget."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 10.0, 600.0
"""A step that was too slow is left alone for so long; each time it is so again, for twice that."""


class _Load(NamedTuple):
    at_s: float
    now: float
    """Share of the budget that the frame took."""
    better: float
    """Share that it would have taken one step further up."""


class Governor:
    """Moves along a ladder so that frames are done in time; passive, time is passed in.

    Args:
        steps: of the ladder, best first.
        at: the step to begin with, counted from 0.

    Attributes:
        at: the step to be at.
    """

    def __init__(self, steps: int, at: int) -> None:
        self.at = at
        self._window: deque[_Load] = deque()
        self._calm_since: float | None = None
        self._pauses = [FIRST_PAUSE_S] * steps
        self._not_before = [float("-inf")] * steps

    def __call__(self, busy_s: float, better_s: float, budget_s: float, now_s: float) -> int:
        """The step to be at after a frame.

        Args:
            busy_s: what the frame took.
            better_s: what it would have taken one step further up.
            budget_s: what it may take.
            now_s: of any clock that only rises.
        """
        shares = (min(seconds / budget_s, HICCUP) for seconds in (busy_s, better_s))
        self._window.append(_Load(now_s, *shares))
        if self._is_full(now_s):
            self._weigh(now_s)
        return self.at

    def _is_full(self, now_s: float) -> bool:
        """Whether the window spans its time, and what is older than that is gone."""
        window = self._window
        while len(window) > WINDOW_FRAMES and now_s - window[1].at_s >= WINDOW_S:
            window.popleft()
        return len(window) >= WINDOW_FRAMES and now_s - window[0].at_s >= WINDOW_S

    def _weigh(self, now_s: float) -> None:
        count = len(self._window)
        if sum(load.now for load in self._window) > count:
            self._calm_since = None
            if self.at + 1 < len(self._pauses):
                self._leave_alone(self.at, now_s)
                self._move(self.at + 1)
        elif self.at == 0 or sum(load.better for load in self._window) > ROOM * count:
            self._calm_since = None
        else:
            self._calm_since = now_s if self._calm_since is None else self._calm_since
            earliest = max(self._calm_since + CALM_S, self._not_before[self.at - 1])
            if now_s >= earliest:
                self._move(self.at - 1)

    def _leave_alone(self, step: int, now_s: float) -> None:
        self._not_before[step] = now_s + self._pauses[step]
        self._pauses[step] = min(2 * self._pauses[step], LONGEST_PAUSE_S)

    def _move(self, step: int) -> None:
        self.at, self._calm_since = step, None
        self._window.clear()
