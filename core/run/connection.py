"""Where a live run is, and what there is to be told about its source."""

from __future__ import annotations

import math
import time
from threading import Lock
from typing import TYPE_CHECKING

from core.run.live_status import LiveState
from core.run.tally import WINDOW_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.media.live import LiveInfo

_OVER = (LiveState.ENDED, LiveState.FAILED)
_LEAST_SHARE = 0.6
"""A source that delivers less of what it promised has changed its pace, and not by chance."""


def reader_notes(info: LiveInfo | None) -> tuple[str, ...]:
    """What there is to be told about what reads a source."""
    if info is None or info.reader != "pyav" or not info.title.lower().startswith("rtsp"):
        return ()
    return (
        "GStreamer, which brings pictures sooner, is not installed or lacks a plugin; PyAV reads "
        "the stream in its place",
    )


class Connection:
    """The state of a run, without being paused; called from any thread.

    Args:
        clock: monotonic time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, Lock()
        self._state = LiveState.OPENING
        self._since = clock()
        self._reason, self._next_try = "", 0.0

    @property
    def state(self) -> LiveState:
        """Never `PAUSED`."""
        return self._state

    def connected(self) -> None:
        """Frames come."""
        self._move(LiveState.RUNNING)

    def lost(self, reason: str) -> None:
        """No frames come, for this reason."""
        self._reason, self._next_try = reason, self._clock()
        self._move(LiveState.RECONNECTING)

    def waiting(self, seconds: float) -> None:
        """Nothing is tried before so many seconds are over."""
        self._next_try = self._clock() + seconds

    def stopping(self) -> None:
        """The owner wants no more."""
        self._move(LiveState.STOPPING)

    def ended(self) -> None:
        """All is done."""
        self._move(LiveState.ENDED)

    def failed(self, reason: str) -> bool:
        """It cannot go on; whether that is new: the first reason counts."""
        with self._lock:
            if self._state in _OVER:
                return False
            self._state, self._reason = LiveState.FAILED, reason
            return True

    @property
    def trouble(self) -> str:
        """Why no frames come and what to try; empty where they do."""
        if self._state is LiveState.FAILED:
            return self._reason
        if self._state is not LiveState.RECONNECTING:
            return ""
        seconds = max(0, math.ceil(self._next_try - self._clock()))
        when = f"next try in {seconds} s" if seconds else "trying again now"
        return f"{self._reason.rstrip('.')}; {when}"

    def slowness(self, info: LiveInfo | None, captured_fps: float) -> str:
        """That far fewer frames come than were promised, and what to try; empty where they come."""
        rate = float(info.rate or 0) if info is not None else 0.0
        is_measured = (
            self._state is LiveState.RUNNING and self._clock() - self._since > 2 * WINDOW_S
        )
        if info is None or not is_measured or captured_fps >= _LEAST_SHARE * rate:
            return ""
        if info.can_keep_rate:
            cause = "Cameras expose longer in the dark: switch on keep_rate, or give it more light"
        elif info.reader == "opencv":
            cause = "Cameras expose longer in the dark: give it more light"
        else:
            cause = (
                "Choose a smaller picture at the source, or look for what else keeps this machine "
                "or the network busy"
            )
        promise = f"{info.title} promised {rate:.3g} frames a second"
        return f"{promise} and brings {captured_fps:.3g}. {cause}"

    def _move(self, state: LiveState) -> None:
        with self._lock:
            if self._state in _OVER or (
                self._state is LiveState.STOPPING and state is not LiveState.ENDED
            ):
                return
            self._state, self._since = state, self._clock()
