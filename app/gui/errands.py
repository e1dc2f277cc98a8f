"""What waits is done in the background; its answer comes back on the thread of the window."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar

from PyQt6.QtCore import QObject, pyqtSignal

from core.run.background import Background

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

_T = TypeVar("_T")


class Errands(QObject):
    """One after the other, in order; lives on the GUI's thread.

    Signals:
        failed: the error of an errand.
    """

    failed = pyqtSignal(object)

    _answered = pyqtSignal(object)

    def __init__(self) -> None:
        super().__init__()
        self._background = Background()
        self._answered.connect(self._answer)

    def do(
        self,
        work: Callable[[], _T],
        then: Callable[[_T], object] = lambda _: None,
        failed: Callable[[], object] = lambda: None,
    ) -> None:
        """Have something done; then one of the two is called, after it `failed` is told."""

        def answer(future: Future[_T]) -> None:
            error = future.exception()
            if error is None:
                then(future.result())
            else:
                failed()
                self.failed.emit(error)

        # From another thread, a signal is queued.
        self._background.do(work, lambda future: self._answered.emit(partial(answer, future)))

    def fail_later(self, error: BaseException) -> None:
        """Tell of an error that happened on any thread."""
        self._answered.emit(partial(self.failed.emit, error))

    def close(self) -> None:
        """No more; does not wait where nothing is under way."""
        self._background.close()

    def _answer(self, answer: Callable[[], None]) -> None:
        answer()
