"""Waits for a server without sleeping through its return: it is knocked at meanwhile."""

from __future__ import annotations

import socket
import time
from threading import Event, Thread
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from core.media.addresses import split_login

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.run.reconnect import Wait

KNOCK_EVERY_S = 0.5
"""Often enough for frames within two seconds of a server's return, and little work for it."""
KNOCK_LIMIT_S = 0.5
"""Whoever takes longer to open is not at home."""

_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}
"""Where a server listens when its address does not say."""


def knocking(uri: str, clock: Callable[[], float] = time.monotonic) -> Wait:
    """What waits before the next try to open this address; for one source and one thread.

    Of a server on a network it is tried meanwhile whether its port opens. When it was closed and is
    open, the wait ends early. One that is open all the time, of a server that hangs or refuses the
    login, ends nothing, so such a server is not asked more often than it would be.

    Args:
        uri: as `open_live` takes it; where it names no server, the wait is a plain one.
        clock: monotonic time in seconds.
    """
    address = _address(uri)
    return Event.wait if address is None else _Knocking(address, clock)


class _Knocking:
    """Remembers from one wait to the next, lest a server comes back between two of them."""

    def __init__(self, address: tuple[str, int], clock: Callable[[], float]) -> None:
        self._address, self._clock = address, clock
        self._is_open = True
        self._knock: _Knock | None = None

    def __call__(self, stop: Event, seconds: float) -> bool:
        """Whether the event is set, after so many seconds at most."""
        end = self._clock() + seconds
        while not stop.is_set() and not self._is_back():
            left_s = end - self._clock()
            if left_s <= 0:
                break
            stop.wait(min(left_s, KNOCK_EVERY_S))
        return stop.is_set()

    def _is_back(self) -> bool:
        was_open, self._is_open = self._is_open, self._opens()
        return self._is_open and not was_open

    def _opens(self) -> bool:
        """Whether somebody is at home; whoever is asked a second time was not, so far."""
        if self._knock is None:
            self._knock = _Knock(self._address)
            self._knock.start()
        self._knock.join(KNOCK_LIMIT_S)
        if self._knock.is_alive():
            return False
        knock, self._knock = self._knock, None
        return knock.was_opened


class _Knock(Thread):
    """One try, on a thread of its own: to look up a name may take long, and knows no limit."""

    def __init__(self, address: tuple[str, int]) -> None:
        super().__init__(name="lowlux-knock", daemon=True)
        self._address = address
        self.was_opened = False

    def run(self) -> None:
        """The thread; nothing is sent."""
        try:
            with socket.create_connection(self._address, KNOCK_LIMIT_S):
                self.was_opened = True
        except (OSError, ValueError):  # a name that can be none is a ValueError
            self.was_opened = False


def _address(uri: str) -> tuple[str, int] | None:
    """Host and port; none of what is on no network, or cannot be knocked at."""
    try:
        parts = urlsplit(split_login(uri).bare)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname:
        return None
    return parts.hostname, port or _PORTS[parts.scheme]
