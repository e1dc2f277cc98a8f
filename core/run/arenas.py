"""Memory that threads give back."""

from __future__ import annotations

import ctypes
import sys

_M_ARENA_MAX = -8
"""The option's number in glibc's malloc.h."""
_ARENAS = 2


def share_arenas() -> None:
    """Lets all threads take memory from two pools; to be called before there are threads.

    Otherwise glibc gives each new thread a pool of its own, and a live run, whose source has a new
    thread each time it comes back, holds more after every loss. Other systems need nothing.
    """
    if sys.platform == "linux":
        # Another C library has no such function.
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(_M_ARENA_MAX, _ARENAS)
