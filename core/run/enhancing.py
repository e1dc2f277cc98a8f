"""The network of a live run: opened beside the pictures, exchanged between two of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event, Lock, Thread
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

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the frames it is for, in pixels."""
        return self.info.width, self.info.height

    @property
    def key(self) -> tuple[object, ...]:
        """The same for all that one network serves."""
        enhance = self.settings.enhance
        wish = (enhance.model, enhance.device, self.settings.plan)
        return (*wish, self.size, self.info.rate)


@dataclass(frozen=True, slots=True)
class _Opened:
    """A network, and what it was opened for."""

    network: LiveEnhancer
    order: _Order


class Enhancing(Closing):
    """Owns the network at work, the thread that opens the next one, and the prior's.

    `order` may be called from any thread and never waits. The enhance thread calls the object
    with every frame; it takes up what was opened meanwhile and closes what was there before. What
    cannot be opened leaves the old one at work. A network serves frames of the size that it was
    ordered for: one for another size takes seconds to open, and no frame waits for it.

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
        self._size = (0, 0)
        """Of the frames that the last order was for."""
        self._opened: _Opened | None = None
        self._current: _Opened | None = None
        self._settings: EnhanceSettings | None = None
        self._is_closed = False
        self.is_settled = Event()
        """The first network is open or could not be opened, or nobody is to wait for it."""
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
            if self._ordered is not None and order.key == self._ordered.key:
                return
            self._ordered, self._size = order, order.size
        self._orders.put(order)

    def __call__(self, frame: Frame, settings: EnhanceSettings) -> Frame | None:
        """The same moment, bright; none while there is no network that works for its size."""
        size = (frame.pixels.shape[1], frame.pixels.shape[0])
        self._take_up(size)
        current = self._current
        if current is None or current.order.size != size:
            return None
        try:
            if settings != self._settings:
                current.network.change(settings)
                self._settings = settings
            return current.network(frame)
        except CoreError as error:
            self._give_up(current, error)
            return None

    @property
    def prior_age(self) -> int | None:
        """Of the frame enhanced last; on the enhance thread."""
        return None if self._current is None else self._current.network.prior_age

    @property
    def plan(self) -> str:
        """What is done now, or from the next frame on, in one line."""
        network, ordered = self._network, self._ordered
        if network is not None:
            return str(network.plan)
        return "off" if ordered is None else f"opening {ordered.settings.enhance.model}"

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
        """What serves the frames that come, now or from the next one on."""
        there = (self._opened, self._current)
        return next((one.network for one in there if one and one.order.size == self._size), None)

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
            self._current.network.close()
        if opened is not None:
            opened.network.close()
        self._executor.shutdown(wait=not self._thread.is_alive(), cancel_futures=True)

    def _run(self) -> None:
        try:
            for order in self._orders:
                self._open(order)
                self.is_settled.set()
                self._tell()
        except BaseException as error:
            # What is left behind finds the executor gone; that is nobody's failure.
            if not self._is_closed:
                self._failed(error)

    def _open(self, order: _Order) -> None:
        try:
            network = _opener(self._open_enhancer)(
                order.settings, order.info, Machine.probe(), self._executor
            )
        except CoreError as error:
            self._refuse(order, error)
            return
        opened = _Opened(network, order)
        with self._lock:
            # What was opened and never taken up makes room; after the end there is none.
            unused, self._opened = (opened, None) if self._is_closed else (self._opened, opened)
            self.trouble = ""
        spare_what_is_there()
        if unused is not None:
            unused.network.close()

    def _refuse(self, order: _Order, error: CoreError) -> None:
        with self._lock:
            self._forget(order)
            has_other = self._network is not None
            goes_on = "The network before it stays at work" if has_other else "Nothing is enhanced"
            self.trouble = f"{str(error).rstrip('.')}. {goes_on}"

    def _take_up(self, size: tuple[int, int]) -> None:
        """Exchanges the networks; on the enhance thread, between two frames.

        One for the frames behind these waits for them.
        """
        with self._lock:
            opened = self._opened
            if opened is None or opened.order.size != size:
                return
            old, self._current, self._opened = self._current, opened, None
            self._settings = opened.order.settings.enhance
        set_up_thread(opened.network.plan.threads)
        if old is not None:
            old.network.close()

    def _give_up(self, broken: _Opened, error: CoreError) -> None:
        """The network failed and has nothing to fall back on: the picture is shown as it comes."""
        with self._lock:
            self._current = None
            self._forget(broken.order)
            self.trouble = (
                f"{str(error).rstrip('.')}. The picture is shown as it comes; choose another "
                "model, plan or device"
            )
        broken.network.close()

    def _forget(self, order: _Order) -> None:
        """What failed may be ordered again; what was ordered after it is still to come."""
        if self._ordered is order:
            self._ordered = None


def _opener(chosen: OpenEnhancer | None) -> OpenEnhancer:
    if chosen is not None:
        return chosen
    # It brings the runtimes along, which take their time to import.
    from core.enhance.live_enhancer import open_live_enhancer

    return open_live_enhancer
