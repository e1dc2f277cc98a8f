"""A live source, shown and recorded bright while it happens.

    capture thread ── frame ──> enhance thread ── pair ──> screen (whoever calls `newest`)
         └── original ──> recorder <── both pictures ──┴──> ring of the last seconds

No hand-over waits: what is late is overtaken and counted, so captured = shown + dropped +
in_flight at every moment, and nothing is in flight once the run was stopped.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from functools import partial
from random import Random
from threading import Lock, Thread
from typing import TYPE_CHECKING

from core.closing import Closing
from core.errors import CoreError, SettingsError
from core.media.addresses import without_password
from core.media.open_live import open_live
from core.run.back_off import BackOff
from core.run.clip_keeper import LastSeconds
from core.run.connection import Connection, reader_notes
from core.run.darkness_switch import DarknessSwitch
from core.run.enhancing import Enhancing
from core.run.knock import knocking
from core.run.lending import Lending
from core.run.live_recording import LiveRecording
from core.run.live_status import LiveState, LiveStatus, Pair
from core.run.media_clock import MediaClock
from core.run.newest import Newest
from core.run.reconnect import Connected, Lost, Reconnecting, Waiting
from core.run.screen import Screen
from core.run.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from core.frame import Frame
    from core.media.live import LiveSource
    from core.run.enhancing import OpenEnhancer
    from core.run.reconnect import Change, Wait
    from core.run.record_ledger import RecordWish
    from core.run.recorder import Recorded
    from core.settings import LiveSettings

WAITING = 2
"""Frames that may wait for the network: one hiccup as long as a frame costs none."""
JOIN_PATIENCE_S = 10.0
"""A thread that takes longer to end hangs in a driver; it is left behind."""
_log = logging.getLogger(__name__)


class LiveRun(Closing):
    """Reads a source, makes its frames bright, hands pairs to a screen and to a recorder.

        OPENING ──> RUNNING <──> RECONNECTING
           │         │   ^
           │         v   │ resume            every state but the last two
           │        PAUSED                      ├── stop ──> STOPPING ──> ENDED
           └──> FAILED <── any thread's error ──┴── the source ends ──────> ENDED

    All methods may be called from any thread; only `stop`, `close`, `stop_recording` and
    `save_last` wait. A run serves once.

    Args:
        uri: what to read; see `open_live`.
        settings: how it is shown.
        open_source: opens the source, at first and after each loss.
        open_enhancer: opens the network; none for the one that suits the machine.
        tell: called from threads of the run whenever there is a new pair or the status changed; it
            must not wait.
        wait: waits for an event for some seconds, before the next try to reconnect; none for a wait
            that ends early when the server is back.
    """

    def __init__(
        self,
        uri: str,
        settings: LiveSettings,
        *,
        open_source: Callable[[str], LiveSource] = open_live,
        open_enhancer: OpenEnhancer | None = None,
        tell: Callable[[], None] = lambda: None,
        wait: Wait | None = None,
    ) -> None:
        self._settings, self._tell = settings, tell
        self._tally, self._screen, self._clock = Tally(), Screen(), MediaClock()
        self._recording, self._is_dark = LiveRecording(tell), DarknessSwitch()
        self._lending = Lending()
        self._to_enhance = Newest["Frame"](WAITING)
        self._title = without_password(uri)
        self._connection = Connection()
        self._enhancing = Enhancing(open_enhancer, tell, self._fail)
        self._source = Reconnecting(
            partial(open_source, uri),
            self._report,
            BackOff(Random()),
            wait=wait or knocking(uri),
        )
        self._is_paused, self._size = False, (0, 0)
        self._last_seconds = LastSeconds(self._fail)
        self._changing, self._ending = Lock(), Lock()
        self._threads = (
            Thread(target=self._capture, name="lowlux-capture", daemon=True),
            # No daemon: a network that is cut off in the middle takes the whole program down.
            Thread(target=self._enhance, name="lowlux-enhance"),
        )
        self.error: BaseException | None = None
        """What it failed of; none where it did not."""

    def start(self) -> None:
        """Begin; does not wait for the source."""
        self._last_seconds.keep(self._settings.keep_seconds)
        self._enhancing.start()
        for thread in self._threads:
            thread.start()

    def change(self, settings: LiveSettings) -> None:
        """Take up other settings at the next frame; another network as soon as it is open."""
        with self._changing:
            before, self._settings = self._settings, settings
            info = self._source.info
            if info is not None:
                self._enhancing.order(settings, info)
        if settings.keep_seconds != before.keep_seconds:
            self._last_seconds.keep(settings.keep_seconds)

    def pause(self) -> None:
        """Let the picture stand still; a recording goes on."""
        self._pause(is_paused=True)

    def resume(self) -> None:
        """Let the picture move again, from now and not from where it stood."""
        self._pause(is_paused=False)

    def newest(self) -> Pair | None:
        """The newest pair not taken yet; none when paused or when there is no new one."""
        pair, given_up = self._screen.newest()
        self._tally.dropped(given_up)
        return pair

    def painted(self, pair: Pair) -> None:
        """A pair that was taken is on the screen now; once for each, more do no harm."""
        is_new, overtaken = self._screen.painted(pair)
        self._tally.dropped(overtaken)
        if is_new:
            self._tally.shown(pair.original.captured_ns)

    def record(self, wish: RecordWish) -> None:
        """Record from the next frame on.

        Raises:
            SettingsError: a recording is under way, or the wish cannot be met.
            WriterError: a file cannot be written, or there is no room for it.
        """
        self._recording.begin(wish)

    def stop_recording(self) -> tuple[Recorded, ...]:
        """Finish the recording and check its files; waits for that. None where none is on."""
        return self._recording.end()

    def save_last(self, path: Path) -> Recorded:
        """Write the last seconds into a file of their own.

        Raises:
            SettingsError: the suffix is of a container that cannot be recorded into.
            WriterError: nothing is kept, or the file cannot be written.
        """
        return self._last_seconds.save(path)

    def lend(self) -> None:
        """Show the enhanced picture to other programs as a camera; the status has its name.

        Raises:
            SettingsError: the source is not open yet.
            WriterError: pyvirtualcam or the driver behind it is not installed.
        """
        info = self._source.info
        if info is None:
            raise SettingsError("There is no picture yet to be lent; wait until the source is open")
        self._lending.begin(info)

    def stop_lending(self) -> None:
        """Take the camera away from the other programs."""
        self._lending.close()

    @property
    def recorded(self) -> tuple[Recorded, ...]:
        """Every file finished so far."""
        return self._recording.files

    @property
    def status(self) -> LiveStatus:
        """Where it is, at this moment."""
        info, counts = self._source.info, self._tally.counts
        state, fps = self._connection.state, self._tally.captured_fps
        slowness = self._connection.slowness(info, fps)
        is_still = self._is_paused and state is LiveState.RUNNING
        return LiveStatus(
            state=LiveState.PAUSED if is_still else state,
            title=self._title if info is None else info.title,
            reader="" if info is None else info.reader,
            width=self._size[0],
            height=self._size[1],
            promised_rate=None if info is None else info.rate,
            captured=counts.captured,
            shown=counts.shown,
            dropped=counts.dropped,
            in_flight=counts.in_flight,
            captured_fps=fps,
            enhanced_fps=self._tally.enhanced_fps,
            latency=self._tally.latency,
            reconnects=self._source.reconnects,
            plan=self._enhancing.plan,
            reasons=self._enhancing.reasons,
            trouble=self._trouble(slowness),
            notes=(*reader_notes(info), *self._enhancing.notes, *self._last_seconds.notes),
            recording=self._recording.status,
            kept_seconds=self._last_seconds.seconds,
            lent_as=self._lending.name,
            can_keep_rate=bool(slowness) and info is not None and info.can_keep_rate,
        )

    def stop(self) -> None:
        """End every thread and finish the recording; waits, a bounded time for each thread."""
        with self._ending:
            self._connection.stopping()
            self._tell()
            self._source.interrupt()
            self._tally.dropped(self._to_enhance.discard())
            for thread in self._threads:
                if thread.ident is not None:
                    thread.join(JOIN_PATIENCE_S)
            self._source.close()
            self._enhancing.close()
            self._last_seconds.close()
            self._lending.close()
            self._recording.close()
            self._tally.dropped(self._screen.clear())
            self._connection.ended()
        self._tell()

    def close(self) -> None:
        """Stop; safe to call twice."""
        self.stop()

    def _capture(self) -> None:
        with self._watched():
            while (frame := self._source.read()) is not None:
                self._size = (frame.pixels.shape[1], frame.pixels.shape[0])
                timed = self._clock(frame)
                self._recording.put_original(timed)
                self._hear()
                self._tally.came()
                self._tally.dropped(self._to_enhance.put(timed))
        self._to_enhance.close()

    def _hear(self) -> None:
        """Whatever sound came with a frame is moved onto its clock."""
        sound = None if self._source.info is None else self._source.info.sound
        for packet in () if sound is None else sound.take():
            self._recording.put_sound(packet.moved(self._clock.offset))

    def _enhance(self) -> None:
        with self._watched():
            for frame in self._to_enhance:
                self._tally.dropped(self._serve(frame))
                self._tell()
            if self._connection.state is not LiveState.STOPPING:
                self._connection.ended()
        self._tell()

    def _serve(self, frame: Frame) -> int:
        """Hand on both pictures of a frame; how many frames were overtaken."""
        try:
            pair = self._pair(frame)
            self._recording.put_pair(pair)
            self._lending.put(pair.enhanced)
            self._last_seconds.put(pair.enhanced)
        except BaseException:
            self._tally.dropped(1)
            raise
        return self._screen.offer(pair)

    def _pair(self, frame: Frame) -> Pair:
        settings = self._settings
        is_wanted = not settings.auto or self._is_dark(frame)
        bright = self._enhancing(frame, settings.enhance) if is_wanted else None
        if bright is None:
            return Pair(frame, frame, is_enhanced=False, prior_age=None)
        self._tally.enhanced()
        return Pair(frame, bright, is_enhanced=True, prior_age=self._enhancing.prior_age)

    def _report(self, change: Change) -> None:
        """What becomes of the source; on the capture thread."""
        match change:
            case Connected(info):
                self._clock.reopened()
                self._recording.expect_sound(None if info.sound is None else info.sound.template)
                with self._changing:
                    self._enhancing.order(self._settings, info)
                self._connection.connected()
            case Lost(reason):
                self._connection.lost(reason)
            case Waiting(seconds):
                self._connection.waiting(seconds)
        self._tell()

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
        if self._connection.failed(reason):
            self.error = error
        self._source.interrupt()
        self._tally.dropped(self._to_enhance.discard())
        self._tell()

    def _pause(self, *, is_paused: bool) -> None:
        self._is_paused = is_paused
        self._screen.stand_still(still=is_paused)
        self._tell()

    def _trouble(self, slowness: str) -> str:
        troubles = (
            self._connection.trouble,
            self._recording.trouble,
            self._lending.trouble,
            self._enhancing.trouble,
            self._last_seconds.trouble,
            slowness,
        )
        return next((trouble for trouble in troubles if trouble), "")
