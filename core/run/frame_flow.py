"""The way of a live run's frames, from the source to the screen and to whatever keeps them.

    capture thread ── frame ──> enhance thread ── pair ──> screen (whoever calls `newest`)
         └── original ──> recorder <── both pictures ──┴──> ring of the last seconds

No hand-over waits: what is late is overtaken and counted, so captured = shown + dropped +
in_flight at every moment, and nothing is in flight once the flow was closed.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from random import Random
from threading import Lock, Thread
from typing import TYPE_CHECKING

from core.closing import Closing
from core.errors import CoreError
from core.run.back_off import BackOff
from core.run.clip_keeper import LastSeconds
from core.run.connection import Connection
from core.run.darkness_switch import DarknessSwitch
from core.run.enhancing import Enhancing
from core.run.knock import knocking
from core.run.lending import Lending
from core.run.live_recording import LiveRecording
from core.run.live_status import LiveState, Pair
from core.run.media_clock import MediaClock
from core.run.newest import Newest
from core.run.reconnect import Connected, Lost, Reconnecting, Waiting
from core.run.screen import Screen
from core.run.tally import Counts, Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from core.frame import Frame
    from core.media.live import LiveInfo, LiveSource
    from core.run.enhancing import OpenEnhancer
    from core.run.reconnect import Change, Wait
    from core.settings import LiveSettings

WAITING, BURST = 2, 6
"""Frames that may wait for a network that is too slow, and for one that only stumbled."""
JOIN_PATIENCE_S = 10.0
"""A thread that takes longer to end hangs in a driver; it is left behind."""
_log = logging.getLogger(__name__)


class FrameFlow(Closing):
    """The parts of a live run and the two threads between them; `LiveRun` has its arguments.

    `start`, `change`, `close` and the parts may be used from any thread; only `close` waits.
    """

    def __init__(
        self,
        uri: str,
        settings: LiveSettings,
        *,
        open_source: Callable[[str], LiveSource],
        open_enhancer: OpenEnhancer | None,
        tell: Callable[[], None],
        wait: Wait | None,
        waits_for_network: bool,
    ) -> None:
        self._settings, self._tell, self._waits_for_network = settings, tell, waits_for_network
        self.tally, self._clock = Tally(), MediaClock()
        self.screen = Screen(self.tally.lock)
        self.connection, self.lending = Connection(), Lending()
        self.recording, self._is_dark = LiveRecording(tell), DarknessSwitch()
        self.enhancing = Enhancing(open_enhancer, tell, self._fail)
        self.last_seconds = LastSeconds(self._fail)
        self.source = Reconnecting(
            partial(open_source, uri),
            self._report,
            BackOff(Random()),
            wait=wait or knocking(uri),
        )
        self.size = (0, 0)
        """Width and height of the newest frame; 0 before the first."""
        self._info: LiveInfo | None = None
        """Of the source, as its frames are now."""
        self.error: BaseException | None = None
        """What it failed of; none where it did not."""
        self._to_enhance = Newest["Frame"](WAITING, BURST, lock=self.tally.lock)
        self._changing, self._ending = Lock(), Lock()
        self._threads = (
            Thread(target=self._capture, name="lowlux-capture", daemon=True),
            # No daemon: a network that is cut off in the middle takes the whole program down.
            Thread(target=self._enhance, name="lowlux-enhance"),
        )

    def start(self) -> None:
        """Begin; does not wait for the source."""
        self.last_seconds.keep(self._settings.keep_seconds)
        self.enhancing.start()
        for thread in self._threads:
            thread.start()

    def change(self, settings: LiveSettings) -> None:
        """Take up other settings at the next frame; another network as soon as it is open."""
        with self._changing:
            before, self._settings = self._settings, settings
            if self._info is not None:
                self.enhancing.order(settings, self._info)
        if settings.keep_seconds != before.keep_seconds:
            self.last_seconds.keep(settings.keep_seconds)

    @property
    def counts(self) -> Counts:
        """Of one moment: no frame is between two places while they are counted."""
        with self.tally.lock:
            return self.tally.counts(self._to_enhance.held + self.screen.held)

    def close(self) -> None:
        """End every thread and finish the recording; waits, a bounded time for each thread."""
        with self._ending:
            self.connection.stopping()
            self._tell()
            self._interrupt()
            for thread in self._threads:
                if thread.ident is not None:
                    thread.join(JOIN_PATIENCE_S)
            self.source.close()
            self.enhancing.close()
            self.last_seconds.close()
            self.lending.close()
            self.recording.close()
            with self.tally.lock:
                self.tally.dropped(self.screen.clear())
            self.connection.ended()
        self._tell()

    def _capture(self) -> None:
        with self._watched():
            while (frame := self.source.read()) is not None:
                self._measure(frame)
                timed = self._clock(frame)
                self.recording.put_original(timed)
                self._hear()
                with self.tally.lock:
                    self.tally.came()
                    self.tally.dropped(self._to_enhance.put(timed))
        self._to_enhance.close()

    def _measure(self, frame: Frame) -> None:
        """A picture that changes its size in mid-stream wants another network."""
        self.size = width, height = frame.pixels.shape[1], frame.pixels.shape[0]
        info = self._info
        if info is not None and self.size != (info.width, info.height):
            self._expect(replace(info, width=width, height=height))

    def _expect(self, info: LiveInfo) -> None:
        """Have a network opened for what comes from now on."""
        with self._changing:
            self._info = info
            self.enhancing.order(self._settings, info)

    def _hear(self) -> None:
        """Whatever sound came with a frame is moved onto its clock."""
        sound = None if self.source.info is None else self.source.info.sound
        for packet in () if sound is None else sound.take():
            self.recording.put_sound(packet.moved(self._clock.offset))

    def _enhance(self) -> None:
        with self._watched():
            for frame in self._to_enhance:
                self._serve(frame)
                self._tell()
            if self.connection.state is not LiveState.STOPPING:
                self.connection.ended()
        self._tell()

    def _serve(self, frame: Frame) -> None:
        """Hand on both pictures of a frame, or count it as dropped."""
        try:
            pair = self._pair(frame)
            self.recording.put_pair(pair)
            self.lending.put(pair.enhanced)
            self.last_seconds.put(pair.enhanced)
        except BaseException:
            with self.tally.lock:
                self._to_enhance.let_go()
                self.tally.dropped(1)
            raise
        with self.tally.lock:
            self._to_enhance.let_go()
            self.tally.dropped(self.screen.offer(pair))

    def _pair(self, frame: Frame) -> Pair:
        settings = self._settings
        is_wanted = not settings.auto or self._is_dark(frame)
        bright = self.enhancing(frame, settings.enhance) if is_wanted else None
        if bright is None:
            return Pair(frame, frame, is_enhanced=False, prior_age=None)
        self.tally.enhanced()
        return Pair(frame, bright, is_enhanced=True, prior_age=self.enhancing.prior_age)

    def _report(self, change: Change) -> None:
        """What becomes of the source; on the capture thread."""
        match change:
            case Connected(info):
                self._clock.reopened()
                self.recording.expect_sound(None if info.sound is None else info.sound.template)
                self._expect(info)
                self.connection.connected()
                if self._waits_for_network:
                    self._await_network()
            case Lost(reason):
                self.connection.lost(reason)
            case Waiting(seconds):
                self.connection.waiting(seconds)
        self._tell()

    def _await_network(self) -> None:
        self.enhancing.is_settled.wait()
        if self.enhancing.trouble and not self.counts.captured:
            raise CoreError(self.enhancing.trouble)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Whatever ends a thread ends the run, and is told."""
        try:
            yield
        except BaseException as error:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        if isinstance(error, CoreError):
            reason = str(error)
        else:
            # An error nobody foresaw may repeat the address, so only the log has its words.
            _log.error("A thread of the live run failed", exc_info=error)
            reason = f"The run failed unexpectedly ({type(error).__name__}); please report this"
        if self.connection.failed(reason):
            self.error = error
        self._interrupt()
        self._tell()

    def _interrupt(self) -> None:
        """Nothing more comes, nobody waits, and what waited is dropped."""
        self.source.interrupt()
        self.enhancing.is_settled.set()
        with self.tally.lock:
            self.tally.dropped(self._to_enhance.discard())
