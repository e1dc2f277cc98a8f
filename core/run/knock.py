"""Waits for a server without sleeping through its return: it is knocked at meanwhile."""

from __future__ import annotations

import contextlib
import socket
import time
from enum import Enum
from threading import Event, Thread
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from core.media.addresses import split_login
from core.media.live import READ_LIMIT_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.run.reconnect import Wait

KNOCK_EVERY_S = 0.5
"""Often enough for frames within two seconds of a server's return, and little work for it."""
KNOCK_LIMIT_S = 0.5
"""Whoever takes longer to open is not at home."""

_SERVERS = {
    "rtsp": (554, "RTSP/1.0"),
    "rtsps": (322, "RTSP/1.0"),
    "http": (80, "HTTP/1.1"),
    "https": (443, "HTTP/1.1"),
}
"""Where a server listens when its address does not say, and what it speaks."""

_Address = tuple[str, int]


class _Door(Enum):
    """What a server was found to be."""

    SHUT = "nobody opens"
    SILENT = "it opens, as the system does for a program that is frozen, and nobody answers"
    OPEN = "it opens, and as far as is known it answers"


def knocking(uri: str, clock: Callable[[], float] = time.monotonic) -> Wait:
    """What waits before the next try to open this address; for one source and one thread.

    Of a server on a network it is tried meanwhile whether its port opens, and once in each wait it
    is asked what it can do: whoever is frozen does not answer before it is awake. When it was shut
    and is open, or was silent and answers, the wait ends early. One that answers all the time and
    then refuses the login ends nothing, so it is not asked for pictures more often than it would
    be. What is asked bears neither login nor path; encrypted servers are asked in plain words too,
    as any answer will do.

    Args:
        uri: as `open_live` takes it; where it names no server, the wait is a plain one.
        clock: monotonic time in seconds.
    """
    address = _address(uri)
    if address is None:
        return Event.wait
    scheme = urlsplit(split_login(uri).bare).scheme
    return _Knocking(address, _question(scheme, address), clock)


class _Knocking:
    """Remembers from one wait to the next, lest a server comes back between two of them."""

    def __init__(self, address: _Address, question: bytes, clock: Callable[[], float]) -> None:
        self._address, self._question, self._clock = address, question, clock
        self._door = _Door.OPEN
        self._knock: _Knock | None = None
        self._line: socket.socket | None = None
        self._asked_s = 0.0
        self._has_asked = False

    def __call__(self, stop: Event, seconds: float) -> bool:
        """Whether the event is set, after so many seconds at most."""
        end, self._has_asked = self._clock() + seconds, False
        try:
            while not stop.is_set() and not self._is_back():
                left_s = end - self._clock()
                if left_s <= 0:
                    break
                stop.wait(min(left_s, KNOCK_EVERY_S))
        finally:
            self._hang_up()
        return stop.is_set()

    def _is_back(self) -> bool:
        before, self._door = self._door, self._look()
        return self._door is _Door.OPEN and before is not _Door.OPEN

    def _look(self) -> _Door:
        if self._line is not None:
            if _is_quiet(self._line):
                return _Door.SILENT if self._waited_s >= READ_LIMIT_S else self._door
            self._line.close()
            self._line = None
        at = self._opens()
        if at is None:
            return _Door.SHUT
        if self._has_asked:
            return _Door.OPEN
        self._ask(at)
        # Whoever was silent still is until it answers.
        return _Door.SILENT if self._door is _Door.SILENT else _Door.OPEN

    def _opens(self) -> _Address | None:
        """Where somebody is at home; whoever is asked a second time was not, so far."""
        if self._knock is None:
            self._knock = _Knock(self._address)
            self._knock.start()
        self._knock.join(KNOCK_LIMIT_S)
        if self._knock.is_alive():
            return None
        knock, self._knock = self._knock, None
        return knock.opened_at

    def _ask(self, at: _Address) -> None:
        self._has_asked, self._asked_s = True, self._clock()
        with contextlib.suppress(OSError):
            self._line = socket.create_connection(at, KNOCK_LIMIT_S)
            self._line.sendall(self._question)

    def _hang_up(self) -> None:
        """At the end of a wait: whoever had time to answer and did not is silent."""
        if self._line is not None:
            if self._waited_s >= KNOCK_EVERY_S:
                self._door = _Door.SILENT
            self._line.close()
            self._line = None

    @property
    def _waited_s(self) -> float:
        return self._clock() - self._asked_s


class _Knock(Thread):
    """One try, on a thread of its own: to look up a name may take long, and knows no limit."""

    def __init__(self, address: _Address) -> None:
        super().__init__(name="lowlux-knock", daemon=True)
        self._address = address
        self.opened_at: _Address | None = None
        """The number behind the name; none where nobody opened."""

    def run(self) -> None:
        """The thread; nothing is sent."""
        try:
            with socket.create_connection(self._address, KNOCK_LIMIT_S) as line:
                self.opened_at = line.getpeername()[:2]
        except (OSError, ValueError):  # a name that can be none is a ValueError
            self.opened_at = None


def _is_quiet(line: socket.socket) -> bool:
    """Whether nothing has come yet: no answer, and no end of the connection either."""
    line.setblocking(False)
    try:
        line.recv(1)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _question(scheme: str, address: _Address) -> bytes:
    """What are you able to do? Every server may be asked that, of nothing in particular."""
    host, port = address
    lines = (f"OPTIONS * {_SERVERS[scheme][1]}", "CSeq: 1", f"Host: {host}:{port}", "", "")
    return "\r\n".join(lines).encode("ascii", "replace")


def _address(uri: str) -> _Address | None:
    """Host and port; none of what is on no network, or cannot be knocked at."""
    try:
        parts = urlsplit(split_login(uri).bare)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _SERVERS or not parts.hostname:
        return None
    return parts.hostname, port or _SERVERS[parts.scheme][0]
