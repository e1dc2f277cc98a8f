"""A live run without a window: watched, recorded and ended by the clock or by an interrupt."""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING

from core.media.open_live import open_live
from core.run.live import LiveRun
from core.run.live_status import LiveState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from core.media.live import LiveSource
    from core.run.enhancing import OpenEnhancer
    from core.run.live_status import LiveStatus
    from core.run.record_ledger import RecordWish
    from core.run.recorder import Recorded
    from core.settings import LiveSettings

REPORT_EVERY_S = 1.0
_OVER = (LiveState.ENDED, LiveState.FAILED)


@dataclass(frozen=True, slots=True)
class Watched:
    """What became of a run."""

    status: LiveStatus
    """The last one: nothing is in flight any more."""
    seconds: float
    """From the first frame until it was ended."""
    files: tuple[Recorded, ...]
    """What was recorded, finished and checked."""
    incomplete: str
    """What became of a recording that is not whole; empty where it is, or where none was wished."""
    error: BaseException | None
    """What it failed of; none where it did not."""
    is_interrupted: bool
    """It was ended by hand."""


def watch(
    uri: str,
    settings: LiveSettings,
    report: Callable[[LiveStatus], None],
    *,
    wish: RecordWish | None = None,
    seconds: float | None = None,
    open_source: Callable[[str], LiveSource] = open_live,
    open_enhancer: OpenEnhancer | None = None,
) -> Watched:
    """Runs until the source ends, the time is over, or Ctrl-C; takes every pair there is.

    On the main thread, where Ctrl-C is heard.

    The first frame is read when the network is open: what is recorded is bright from the start.

    Args:
        uri: what to read; see `open_live`.
        settings: how it is shown.
        report: told the status every second.
        wish: what to record.
        seconds: how long, from the first frame; none for as long as it goes.
        open_source: opens the source.
        open_enhancer: opens the network; none for the one that suits the machine.

    Raises:
        SettingsError: what is to be recorded cannot be.
        WriterError: likewise.
    """
    told = Event()
    with (
        _interrupts() as interrupts,
        LiveRun(
            uri,
            settings,
            open_source=open_source,
            open_enhancer=open_enhancer,
            tell=told.set,
            waits_for_network=True,
        ) as run,
    ):
        follower = _Follower(run, told, report, seconds, interrupts)
        if wish is not None:
            run.record(wish)
        run.start()
        follower.follow()
    files, incomplete = run.recorded, run.incomplete
    return Watched(run.status, follower.seconds, files, incomplete, run.error, bool(interrupts))


@contextmanager
def _interrupts() -> Iterator[list[int]]:
    """Signals that have come. None raises: a second one would cut off what the first one ends.

    What a shell has had ignored, as for a job in the background, stays so.
    """
    came: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _: came.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Follower:
    """Takes the pairs of a run, in the place of a window."""

    def __init__(
        self,
        run: LiveRun,
        told: Event,
        report: Callable[[LiveStatus], None],
        limit_s: float | None,
        interrupts: list[int],
    ) -> None:
        self._run, self._told, self._report = run, told, report
        self._limit_s = float("inf") if limit_s is None else limit_s
        self._interrupts = interrupts
        self._first: float | None = None
        self._last: float | None = None
        self._next_report = time.monotonic() + REPORT_EVERY_S

    @property
    def seconds(self) -> float:
        """Since the first frame; at the end until then."""
        now = time.monotonic() if self._last is None else self._last
        return 0.0 if self._first is None else now - self._first

    def follow(self) -> None:
        """Until the run has ended, the time is over, or it is interrupted."""
        try:
            self._follow()
        finally:
            self._last = time.monotonic()

    def _follow(self) -> None:
        while self.seconds < self._limit_s and not self._interrupts:
            left = (self._next_report - time.monotonic(), self._limit_s - self.seconds)
            self._told.wait(max(0.0, min(left)))
            self._told.clear()
            # Asked before the pairs are taken, so that the last of them is taken too.
            is_over = self._run.status.state in _OVER
            self._take()
            if is_over:
                return
            if time.monotonic() >= self._next_report:
                self._next_report = time.monotonic() + REPORT_EVERY_S
                self._report(self._run.status)

    def _take(self) -> None:
        while (pair := self._run.newest()) is not None:
            self._first = self._first or time.monotonic()
            self._run.painted(pair)
