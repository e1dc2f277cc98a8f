"""Does elsewhere what would make a window wait: opening, finishing files, letting go."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from core.closing import Closing

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

T = TypeVar("T")


class Background(Closing):
    """One thread that does what it is given, one after the other, in order.

    `do` and `close` are called by one thread and, but for `close`, never wait.
    """

    def __init__(self) -> None:
        self._worker = ThreadPoolExecutor(1, "lowlux-background")

    def do(self, work: Callable[[], T], then: Callable[[Future[T]], None]) -> None:
        """Has something done; `then` gets its result or its error, on the background's thread."""
        self._worker.submit(work).add_done_callback(then)

    def close(self) -> None:
        """Waits until all that was given is done; safe to call twice."""
        self._worker.shutdown()


def tell_of_failed_threads(tell: Callable[[BaseException], None]) -> None:
    """From now on `tell` hears of whatever ends a thread; called on that thread."""

    def hook(what: threading.ExceptHookArgs) -> None:
        if what.exc_value is not None:
            tell(what.exc_value)

    threading.excepthook = hook
