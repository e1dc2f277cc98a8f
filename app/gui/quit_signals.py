"""Ends the window on SIGINT and SIGTERM, also while Qt waits and no Python runs to hear of them."""

from __future__ import annotations

import signal
from contextlib import contextmanager, suppress
from socket import socketpair
from typing import TYPE_CHECKING

from PyQt6.QtCore import QSocketNotifier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_MANY = 64
"""Signals that may come before the first is seen."""


@contextmanager
def heeding_signals(leave: Callable[[], object]) -> Iterator[None]:
    """Has `leave` called on the thread of the window whenever a signal asks for the end.

    Args:
        leave: may be called more than once; must not wait.
    """
    seen, written = socketpair()
    seen.setblocking(False)
    written.setblocking(False)
    reads = QSocketNotifier.Type.Read
    notifier = QSocketNotifier(seen.fileno(), reads)  # type: ignore[call-overload]  # an int will do

    def wake() -> None:
        # Python calls its handlers as soon as any Python runs, and this is some.
        with suppress(BlockingIOError):
            seen.recv(_MANY)

    notifier.activated.connect(wake)
    handlers = {number: signal.signal(number, lambda *_: leave()) for number in _SIGNALS}
    before = signal.set_wakeup_fd(written.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        for number, handler in handlers.items():
            signal.signal(number, handler or signal.SIG_DFL)
        notifier.setEnabled(False)
        seen.close()
        written.close()
