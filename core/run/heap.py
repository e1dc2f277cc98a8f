"""Memory, of which frames come and go by the million bytes, thirty times a second."""

from __future__ import annotations

import ctypes
import gc
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
"""The options' numbers in glibc's malloc.h."""
_ARENAS = 2
_LARGEST = 32 << 20
"""Bytes; glibc takes no more."""
_KEPT = 256 << 20
"""Bytes."""


def settle_heap() -> None:
    """Lets all threads take memory from two pools, which keep what is let go of.

    Best called before there are threads; again does no harm. Otherwise glibc gives each new thread
    a pool of its own, and a live run, whose source has a new thread each time it comes back, holds
    more after every loss. And it returns each frame to the system, which hands out the next one
    page by page: that takes a third of the time of the fast path. Other systems need nothing.
    """
    if sys.platform != "linux":
        return
    # Another C library has no such function.
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)
        mallopt(_M_MMAP_THRESHOLD, _LARGEST)
        mallopt(_M_TRIM_THRESHOLD, _KEPT)


def spare_what_is_there() -> None:
    """Has Python search for garbage only in what comes from now on; once is enough.

    Best called when the network is open. Of all that belongs to it a search takes a tenth of a
    second or two, in which no thread goes on, so frames are lost.
    """
    if not gc.get_freeze_count():
        gc.freeze()
