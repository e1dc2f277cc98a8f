"""The network of a live run: opened beside the pictures, exchanged between two of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock, Thread
from typing import TYPE_CHECKING

from core.closing import Closing
from core.enhance.enhancer import set_up_thread
from core.enhance.plan import Machine
from core.errors import CoreError
from core.run.heap import spare_what_is_there
from core.run.newest import Newest

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from core.enhance.live_enhancer import LiveEnhancer
    from core.frame import Frame
    from core.media.live import LiveInfo
    from core.settings import EnhanceSettings, LiveSettings

    OpenEnhancer = Callable[[LiveSettings, LiveInfo, Machine, Executor], LiveEnhancer]

CLOSE_PATIENCE_S = 10.0
"""A network that takes longer to open is left behind, and closed when it is there."""


@dataclass(frozen=True, slots=True)
class _Order:
    """A network to be opened for a source."""

    settings: LiveSettings
    info: LiveInfo

    def is_as(self, other: _Order) -> bool:
        """Whether one network serves both."""
        return self._key() == other._key()

    def _key(self) -> tuple[object, ...]:
        enhance, info = self.settings.enhance, self.info
        wish = (enhance.model, enhance.device, self.settings.plan)
        return (*wish, info.width, info.height, info.rate)


class Enhancing(Closing):
    """Owns the network at work, the thread that opens the next one, and the prior's.

    `order` may be called from any thread and never waits. The enhance thread calls the object
    with every frame; it takes up what was opened meanwhile and closes what was there before. What
    cannot be opened leaves the old one at work.

    Args:
        open_enhancer: opens a network; none for the one the machine runs best.
        tell: called when something changed, from any thread.
        failed: called with an error that nobody foresaw.
    """

    def __init__(
        self,
        open_enhancer: OpenEnhancer | None,
        tell: Callable[[], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._open_enhancer, self._tell, self._failed = open_enhancer, tell, failed
        self._executor = ThreadPoolExecutor(1, "lowlux-prior", set_up_thread, (1,))
        self._orders = Newest[_Order]()
        self._lock = Lock()
        self._ordered: _Order | None = None
        self._opened: tuple[LiveEnhancer, EnhanceSettings] | None = None
        self._current: LiveEnhancer | None = None
        self._settings: EnhanceSettings | None = None
        self._is_closed = False
        self.trouble = ""
        """What is wrong with the network and what to try; empty where all is well."""
        # No daemon: a runtime that is cut off in the middle takes the whole program down.
        self._thread = Thread(target=self._run, name="lowlux-opener")

    def start(self) -> None:
        """Begin to open what is ordered."""
        self._thread.start()

    def order(self, settings: LiveSettings, info: LiveInfo) -> None:
        """Have a network opened unless the last one ordered will do."""
        order = _Order(settings, info)
        with self._lock:
            if self._ordered is not None and order.is_as(self._ordered):
                return
            self._ordered = order
        self._orders.put(order)

    def __call__(self, frame: Frame, settings: EnhanceSettings) -> Frame | None:
        """The same moment, bright; none while there is no network that works."""
        self._take_up()
        if self._current is None:
            return None
        try:
            if settings != self._settings:
                self._current.change(settings)
                self._settings = settings
            return self._current(frame)
        except CoreError as error:
            self._give_up(error)
            return None

    @property
    def prior_age(self) -> int | None:
        """Of the frame enhanced last; on the enhance thread."""
        return None if self._current is None else self._current.prior_age

    @property
    def plan(self) -> str:
        """What is done now, or from the next frame on, in one line."""
        network, ordered = self._network, self._ordered
        if network is not None:
            return str(network.plan)
        is_awaited = ordered is not None and not self.trouble
        return f"opening {ordered.settings.enhance.model}" if ordered and is_awaited else "off"

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is done so."""
        network = self._network
        return () if network is None else tuple(network.plan.reasons)

    @property
    def notes(self) -> tuple[str, ...]:
        """What went otherwise than planned."""
        network = self._network
        return () if network is None else tuple(network.notes)

    @property
    def _network(self) -> LiveEnhancer | None:
        opened = self._opened
        return self._current if opened is None else opened[0]

    def close(self) -> None:
        """Lets go of everything; waits a bounded time. The enhance thread must have ended."""
        self._orders.discard()
        self._is_closed = True
        if self._thread.ident is not None:
            self._thread.join(CLOSE_PATIENCE_S)
        with self._lock:
            opened, self._opened = self._opened, None
        # What was at work is closed but kept, so that the last status still tells of it.
        if self._current is not None:
            self._current.close()
        if opened is not None:
            opened[0].close()
        self._executor.shutdown(wait=not self._thread.is_alive(), cancel_futures=True)

    def _run(self) -> None:
        try:
            for order in self._orders:
                self._open(order)
                self._tell()
        except BaseException as error:
            # What is left behind finds the executor gone; that is nobody's failure.
            if not self._is_closed:
                self._failed(error)

    def _open(self, order: _Order) -> None:
        try:
            enhancer = _opener(self._open_enhancer)(
                order.settings, order.info, Machine.probe(), self._executor
            )
        except CoreError as error:
            self._refuse(order, error)
            return
        opened = (enhancer, order.settings.enhance)
        with self._lock:
            # What was opened and never taken up makes room; after the end there is none.
            unused, self._opened = (opened, None) if self._is_closed else (self._opened, opened)
            self.trouble = ""
        spare_what_is_there()
        if unused is not None:
            unused[0].close()

    def _refuse(self, order: _Order, error: CoreError) -> None:
        with self._lock:
            has_other = self._current is not None or self._opened is not None
            goes_on = "The network before it stays at work" if has_other else "Nothing is enhanced"
            self.trouble = f"{str(error).rstrip('.')}. {goes_on}"

    def _take_up(self) -> None:
        """Exchanges the networks; on the enhance thread, between two frames."""
        with self._lock:
            opened, self._opened = self._opened, None
            if opened is None:
                return
            old, (self._current, self._settings) = self._current, opened
        set_up_thread(self._current.plan.threads)
        if old is not None:
            old.close()

    def _give_up(self, error: CoreError) -> None:
        """The network failed and has nothing to fall back on: the picture is shown as it comes."""
        with self._lock:
            broken, self._current = self._current, None
            self._ordered = None  # so that it may be tried again
            self.trouble = (
                f"{str(error).rstrip('.')}. The picture is shown as it comes; choose another "
                "model, plan or device"
            )
        if broken is not None:
            broken.close()


def _opener(chosen: OpenEnhancer | None) -> OpenEnhancer:
    if chosen is not None:
        return chosen
    # It brings the runtimes along, which take their time to import.
    from core.enhance.live_enhancer import open_live_enhancer

    return open_live_enhancer
