"""The clock by which the arrival of frames is told, and how late they are shown."""

from __future__ import annotations

import sys
import time


def arrival_ns() -> int:
    """Nanoseconds since some moment; goes on while the machine sleeps, and never goes back."""
    # Linux's usual clock stands still meanwhile: an hour asleep left no gap in a recording.
    return (
        time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        if sys.platform == "linux"
        else time.monotonic_ns()
    )
