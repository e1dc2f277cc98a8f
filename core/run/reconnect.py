"""A source that comes back: what is lost is opened again, what hangs is left behind."""

from __future__ import annotations

import time
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Event, RLock, Thread
from typing import TYPE_CHECKING

from core.closing import Closing
from core.errors import SettingsError, SourceError, SourceLostError
from core.frame import Frame
from core.media.live import READ_LIMIT_S, LiveInfo

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.media.live import LiveSource
    from core.run.back_off import BackOff

    Opener = Callable[[], LiveSource]
    Answer = LiveInfo | Frame | BaseException | None
    Wait = Callable[[Event, float], bool]

READ_PATIENCE_S = 2 * READ_LIMIT_S
"""A read that takes longer will never end; its thread is left behind."""
OPEN_PATIENCE_S = 15.0
"""The same for opening, which may have to wait for a picture that can be decoded alone."""
MOST_LEFT_BEHIND = 4
"""Threads that hang at one time; with so many nothing new is tried until one of them ends."""

_INTERRUPTED = 0
"""A generation that no reader has."""


@dataclass(frozen=True, slots=True)
class Connected:
    """Frames come."""

    info: LiveInfo
    """What was opened; may differ from what it was before."""


@dataclass(frozen=True, slots=True)
class Lost:
    """No frames come."""

    reason: str
    """One sentence without credentials."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing is done before the next try."""

    seconds: float
    """How long."""


Change = Connected | Lost | Waiting


class Reconnecting(Closing):
    """Reads a live source and opens it again whenever it is lost.

        opening ── Connected ──> reading ── Lost ──> Waiting ──> opening ── Lost ──> Waiting ...

    One thread reads; `interrupt` and `close` may be called from any. The source itself lives on a
    thread of its own, so that one which hangs can be left behind; what it says later is dropped
    by its generation number.

    Args:
        opener: Opens the source; called at the first read and after each loss.
        report: Told of every change, on the thread that reads.
        back_off: How long to wait before each try.
        wait: Waits for an event for some seconds.
        read_patience_s: A read that takes longer is left behind.
        open_patience_s: The same for opening.
    """

    def __init__(
        self,
        opener: Opener,
        report: Callable[[Change], None],
        back_off: BackOff,
        *,
        wait: Wait = Event.wait,
        read_patience_s: float = READ_PATIENCE_S,
        open_patience_s: float = OPEN_PATIENCE_S,
    ) -> None:
        self._opener, self._report, self._back_off = opener, report, back_off
        self._wait = wait
        self._read_patience_s, self._open_patience_s = read_patience_s, open_patience_s
        self._answers: SimpleQueue[tuple[int, Answer]] = SimpleQueue()
        self._generation = 0
        self._reader: _Reader | None = None
        self._left_behind: list[_Reader] = []
        self._stop = Event()
        self._lock = RLock()
        self.info: LiveInfo | None = None
        """Of the source as it was opened last; none before the first time."""
        self.reconnects = 0
        """How often it was lost and came back."""

    def read(self) -> Frame | None:
        """The next frame, however long it takes; none when the source has ended or is closed.

        Raises:
            SourceError: it could not be opened the first time. Reading again tries again.
            SettingsError: the first time, it could not deliver as wished.
        """
        with self._lock:
            frame = None
            while frame is None and not self._stop.is_set():
                try:
                    frame = self._next()
                except (SourceError, SettingsError) as error:
                    # A camera that delivered as wished may be unable to on another socket.
                    self._recover(error)
            if frame is None:
                self._let_go()
            return frame

    def interrupt(self) -> None:
        """Ends for good: a read or wait that is under way is given up, and `read` returns none.

        Never waits itself, so a window may call it.
        """
        self._stop.set()
        self._answers.put((_INTERRUPTED, None))

    def close(self) -> None:
        """Interrupts, and waits until the source was let go or is known to hang; safe twice."""
        self.interrupt()
        with self._lock:
            self._let_go()

    def _next(self) -> Frame | None:
        """The next frame; none when interrupted or ended."""
        reader = self._reader or self._open()
        if self._stop.is_set():
            return None
        reader.ask()
        answer = self._answer(self._read_patience_s)
        if isinstance(answer, Frame):
            return answer
        self._stop.set()
        return None

    def _open(self) -> _Reader:
        self._left_behind = [reader for reader in self._left_behind if reader.is_alive()]
        if len(self._left_behind) >= MOST_LEFT_BEHIND:
            raise self._hangs()
        self._generation += 1
        self._reader = reader = _Reader(self._opener, self._generation, self._answers)
        reader.start()
        answer = self._answer(self._open_patience_s)
        if isinstance(answer, LiveInfo):
            self.reconnects += self.info is not None
            self.info = answer
            self._back_off.reset()
            self._report(Connected(answer))
        return reader

    def _answer(self, patience_s: float) -> Frame | LiveInfo | None:
        """What the reader says; none when interrupted."""
        limit = time.monotonic() + patience_s
        generation, answer = -1, None
        while generation not in (self._generation, _INTERRUPTED):
            try:
                left_s = max(0.0, limit - time.monotonic())
                generation, answer = self._answers.get(timeout=left_s)
            except Empty:
                self._let_go(patience_s=0.0)
                raise self._hangs() from None
        if isinstance(answer, BaseException):
            self._let_go()
            try:
                raise answer
            finally:
                # Its trace holds this call and the source: in a circle they would hold each other.
                del answer
        return answer

    def _recover(self, error: SourceError | SettingsError) -> None:
        """Waits before the next try; the first time there is none."""
        if self.info is None:
            raise error
        self._report(Lost(str(error)))
        seconds = self._back_off.next_s()
        self._report(Waiting(seconds))
        self._wait(self._stop, seconds)

    def _let_go(self, patience_s: float | None = None) -> None:
        """Has the source closed, and waits for that unless it is known to hang."""
        reader, self._reader = self._reader, None
        self._generation += 1
        if reader is not None:
            reader.dismiss()
            reader.join(self._read_patience_s if patience_s is None else patience_s)
            if reader.is_alive():
                self._left_behind.append(reader)

    def _hangs(self) -> SourceLostError:
        title = "The source" if self.info is None else self.info.title
        return SourceLostError(f"{title} hangs; unplug it or switch it off and on again")


class _Reader(Thread):
    """Opens a source, reads one frame for each order, and closes it, all on this thread."""

    def __init__(
        self, opener: Opener, generation: int, answers: SimpleQueue[tuple[int, Answer]]
    ) -> None:
        super().__init__(name=f"lowlux-source-{generation}", daemon=True)
        self._opener, self._generation, self._answers = opener, generation, answers
        self._orders: SimpleQueue[bool] = SimpleQueue()

    def ask(self) -> None:
        """Orders one frame."""
        self._orders.put(True)

    def dismiss(self) -> None:
        """Orders the end."""
        self._orders.put(False)

    def run(self) -> None:
        """The thread."""
        try:
            with self._opener() as source:
                self._tell(source.info)
                while self._orders.get():
                    self._tell(source.read())
        except BaseException as error:
            self._tell(error)

    def _tell(self, answer: Answer) -> None:
        self._answers.put((self._generation, answer))
