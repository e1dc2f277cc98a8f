"""Counts the frames of a live run, and measures how fast and how late they are."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from threading import RLock
from typing import TYPE_CHECKING

import numpy as np

from core.clock import arrival_ns
from core.run.live_status import Latency

if TYPE_CHECKING:
    from collections.abc import Callable

WINDOW_S = 3.0
"""Frames a second are counted over so long."""
MOST_LATENCIES = 300
"""Ten seconds of a camera."""
_SECOND_NS = 1_000_000_000


class RateMeter:
    """How many frames a second came of late. Passive; time is passed in, in nanoseconds."""

    def __init__(self) -> None:
        self._times_ns: deque[int] = deque()

    def add(self, now_ns: int) -> None:
        """A frame has come."""
        self._times_ns.append(now_ns)
        self._forget(now_ns)

    def per_second(self, now_ns: int) -> float:
        """Over the last `WINDOW_S`; falls at once when no more frames come."""
        self._forget(now_ns)
        steps = len(self._times_ns) - 1
        if steps < 1:
            return 0.0
        first, last = self._times_ns[0], self._times_ns[-1]
        # The next frame is due a step after the last; only what is later than that counts.
        elapsed_ns = max(last - first, now_ns - first - (last - first) // steps)
        return steps * _SECOND_NS / elapsed_ns if elapsed_ns > 0 else 0.0

    def _forget(self, now_ns: int) -> None:
        while self._times_ns and now_ns - self._times_ns[0] > WINDOW_S * _SECOND_NS:
            self._times_ns.popleft()


@dataclass(frozen=True, slots=True)
class Counts:
    """Frames at one moment. captured = shown + dropped + in_flight, unless one was miscounted."""

    captured: int
    shown: int
    dropped: int
    in_flight: int
    """On the way, counted where they are."""


class Tally:
    """All counters of a live run, under one lock; called from any thread.

    Args:
        clock: the one that `Frame.captured_ns` is taken from; see `arrival_ns`.
    """

    def __init__(self, clock: Callable[[], int] = arrival_ns) -> None:
        self._clock = clock
        self.lock = RLock()
        """Held by whoever passes a frame on, from where it was to where it is and is counted: so
        the counts of one moment add up."""
        self._captured = self._shown = self._dropped = 0
        self._came, self._was_enhanced = RateMeter(), RateMeter()
        self._latencies_ns: deque[int] = deque(maxlen=MOST_LATENCIES)

    def came(self) -> None:
        """A frame was captured."""
        with self.lock:
            self._captured += 1
            self._came.add(self._clock())

    def enhanced(self) -> None:
        """A frame was made bright."""
        with self.lock:
            self._was_enhanced.add(self._clock())

    def dropped(self, count: int) -> None:
        """So many frames will not be shown."""
        with self.lock:
            self._dropped += count

    def shown(self, captured_ns: int | None) -> None:
        """A frame that arrived then is on the screen now."""
        with self.lock:
            self._shown += 1
            if captured_ns is not None:
                self._latencies_ns.append(self._clock() - captured_ns)

    def counts(self, in_flight: int) -> Counts:
        """All counters of one moment, and so many frames that were found on the way then."""
        with self.lock:
            return Counts(self._captured, self._shown, self._dropped, in_flight)

    @property
    def captured_fps(self) -> float:
        """Frames a second that came of late."""
        with self.lock:
            return self._came.per_second(self._clock())

    @property
    def enhanced_fps(self) -> float:
        """Frames a second that were made bright of late."""
        with self.lock:
            return self._was_enhanced.per_second(self._clock())

    @property
    def latency(self) -> Latency:
        """Of the frames shown of late."""
        with self.lock:
            late_ms = np.array(self._latencies_ns, np.float64) / 1e6
        return (
            Latency(*np.percentile(late_ms, (50, 95, 99)).tolist()) if late_ms.size else Latency()
        )
