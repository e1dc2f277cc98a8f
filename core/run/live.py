"""A live source, shown and recorded bright while it happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.closing import Closing
from core.errors import SettingsError
from core.media.addresses import without_password
from core.media.open_live import open_live
from core.run.connection import reader_notes
from core.run.frame_flow import FrameFlow
from core.run.live_status import LiveState, LiveStatus

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from core.media.live import LiveSource
    from core.run.enhancing import OpenEnhancer
    from core.run.live_status import Pair
    from core.run.reconnect import Wait
    from core.run.record_ledger import RecordWish
    from core.run.recorder import Recorded
    from core.settings import LiveSettings


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
        waits_for_network: no frame is read before the network is open, and where it cannot be
            opened, the run fails: for one that nobody looks at.
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
        waits_for_network: bool = False,
    ) -> None:
        self._tell, self._title = tell, without_password(uri)
        self._is_paused = False
        self._flow = FrameFlow(
            uri,
            settings,
            open_source=open_source,
            open_enhancer=open_enhancer,
            tell=tell,
            wait=wait,
            waits_for_network=waits_for_network,
        )

    def start(self) -> None:
        """Begin; does not wait for the source."""
        self._flow.start()

    def change(self, settings: LiveSettings) -> None:
        """Take up other settings at the next frame; another network as soon as it is open."""
        self._flow.change(settings)

    def pause(self) -> None:
        """Let the picture stand still; a recording goes on."""
        self._pause(is_paused=True)

    def resume(self) -> None:
        """Let the picture move again, from now and not from where it stood."""
        self._pause(is_paused=False)

    def newest(self) -> Pair | None:
        """The newest pair not taken yet; none when paused or when there is no new one."""
        with self._flow.tally.lock:
            pair, given_up = self._flow.screen.newest()
            self._flow.tally.dropped(given_up)
        return pair

    def painted(self, pair: Pair) -> None:
        """A pair that was taken is on the screen now; once for each, more do no harm."""
        with self._flow.tally.lock:
            is_new, overtaken = self._flow.screen.painted(pair)
            self._flow.tally.dropped(overtaken)
            if is_new:
                self._flow.tally.shown(pair.original.captured_ns)

    def record(self, wish: RecordWish) -> None:
        """Record from the next frame on.

        Raises:
            SettingsError: a recording is under way, or the wish cannot be met.
            WriterError: a file cannot be written, or there is no room for it.
        """
        self._flow.recording.begin(wish)

    def stop_recording(self) -> tuple[Recorded, ...]:
        """Finish the recording and check its files; waits for that. None where none is on."""
        return self._flow.recording.end()

    def save_last(self, path: Path) -> Recorded:
        """Write the last seconds into a file of their own.

        Raises:
            SettingsError: the suffix is of a container that cannot be recorded into.
            WriterError: nothing is kept, or the file cannot be written.
        """
        return self._flow.last_seconds.save(path)

    def lend(self) -> None:
        """Show the enhanced picture to other programs as a camera; the status has its name.

        Raises:
            SettingsError: the source is not open yet.
            WriterError: pyvirtualcam or the driver behind it is not installed.
        """
        info = self._flow.source.info
        if info is None:
            raise SettingsError("There is no picture yet to be lent; wait until the source is open")
        self._flow.lending.begin(info)

    def stop_lending(self) -> None:
        """Take the camera away from the other programs."""
        self._flow.lending.close()

    @property
    def recorded(self) -> tuple[Recorded, ...]:
        """Every file finished so far."""
        return self._flow.recording.files

    @property
    def incomplete(self) -> str:
        """What became of a recording that is not whole; empty where all are."""
        return self._flow.recording.incomplete

    @property
    def error(self) -> BaseException | None:
        """What it failed of; none where it did not."""
        return self._flow.error

    @property
    def status(self) -> LiveStatus:
        """Where it is, at this moment."""
        flow = self._flow
        info, counts = flow.source.info, flow.counts
        state, fps = flow.connection.state, flow.tally.captured_fps
        slowness = flow.connection.slowness(info, fps)
        is_still = self._is_paused and state is LiveState.RUNNING
        return LiveStatus(
            state=LiveState.PAUSED if is_still else state,
            title=self._title if info is None else info.title,
            reader="" if info is None else info.reader,
            width=flow.size[0],
            height=flow.size[1],
            promised_rate=None if info is None else info.rate,
            captured=counts.captured,
            shown=counts.shown,
            dropped=counts.dropped,
            in_flight=counts.in_flight,
            captured_fps=fps,
            enhanced_fps=flow.tally.enhanced_fps,
            latency=flow.tally.latency,
            reconnects=flow.source.reconnects,
            plan=flow.enhancing.plan,
            reasons=flow.enhancing.reasons,
            trouble=self._trouble(slowness),
            notes=(
                *reader_notes(info),
                *flow.enhancing.notes,
                *flow.last_seconds.notes,
            ),
            recording=flow.recording.status,
            kept_seconds=flow.last_seconds.seconds,
            lent_as=flow.lending.name,
            can_keep_rate=bool(slowness) and info is not None and info.can_keep_rate,
        )

    def stop(self) -> None:
        """End every thread and finish the recording; waits, a bounded time for each thread."""
        self._flow.close()

    def close(self) -> None:
        """Stop; safe to call twice."""
        self.stop()

    def _pause(self, *, is_paused: bool) -> None:
        self._is_paused = is_paused
        self._flow.screen.stand_still(still=is_paused)
        self._tell()

    def _trouble(self, slowness: str) -> str:
        flow = self._flow
        troubles = (
            flow.connection.trouble,
            flow.recording.trouble,
            flow.lending.trouble,
            flow.enhancing.trouble,
            flow.last_seconds.trouble,
            slowness,
        )
        return next((trouble for trouble in troubles if trouble), "")
