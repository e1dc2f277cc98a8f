"""The controller: what the user wishes on one side, a live run on the other; no widgets."""

from __future__ import annotations

import logging
from collections import deque
from datetime import datetime
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from app.gui.errands import Errands
from app.gui.notices import Notice, are_fine, notice_of_error, notice_of_files
from app.gui.saving import free_stem, record_wish, write_snapshot
from core.errors import CoreError
from core.media.addresses import without_password
from core.run.live_status import LiveState

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from app.gui.preferences import RecordChoice
    from app.gui.view_contract import MakeRun, PairView, Run
    from core.run.live_status import LiveStatus, Pair
    from core.run.recorder import Recorded
    from core.settings import LiveSettings

_log = logging.getLogger(__name__)

LOOK_EVERY_MS = 250
"""How often the run's status is asked for."""
_REMEMBERED = 240
"""Statuses kept for the support bundle: a minute."""
_OVER = (LiveState.ENDED, LiveState.FAILED)


class RecordingState(Enum):
    """IDLE -> STARTING -> ON -> FINISHING -> IDLE; STARTING -> IDLE where it could not begin."""

    IDLE = "idle"
    STARTING = "starting"
    ON = "on"
    FINISHING = "finishing"


class Session(QObject):
    """Owns the run, its settings and what is recorded of it; lives on the GUI's thread.

    Everything that waits is done in the background, one after the other, so no method does.

    Signals:
        sourceChanged: title of what is being opened, without a password.
        settingsChanged: the LiveSettings now wished.
        statusChanged: a LiveStatus, or None while there is no run.
        recordingChanged: a RecordingState.
        noticed: a Notice.
        found: what `look_up` brought.
        closed: nothing is left running; whether every recording is as it should be.
    """

    sourceChanged = pyqtSignal(str)
    settingsChanged = pyqtSignal(object)
    statusChanged = pyqtSignal(object)
    recordingChanged = pyqtSignal(object)
    noticed = pyqtSignal(object)
    found = pyqtSignal(object)
    closed = pyqtSignal(bool)

    _told = pyqtSignal()

    def __init__(self, view: PairView, settings: LiveSettings, make_run: MakeRun) -> None:
        super().__init__()
        self._view, self._make_run = view, make_run
        self.settings = settings
        self.uri = ""
        """May hold a password: for opening again, never for showing."""
        self.pair: Pair | None = None
        """The newest that was shown."""
        self.recording = RecordingState.IDLE
        self.history: deque[LiveStatus] = deque(maxlen=_REMEMBERED)
        self._run: Run | None = None
        self.is_closed = False
        """Nothing is left running."""
        self._generation = 0
        self._closing = self._has_told = False
        self._errands = Errands()
        self._errands.failed.connect(self.say)
        # From the run's threads, a signal is queued.
        self._told.connect(self._take)
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_EVERY_MS)
        self._timer.timeout.connect(self._look)

    def open(self, uri: str) -> None:
        """Let go of what is open, finishing its recording, and open another source."""
        if self._closing:
            return
        self._generation += 1
        self.uri, self.pair = uri, None
        self._view.show_pair(None)
        self.statusChanged.emit(None)
        self.sourceChanged.emit(without_password(uri))
        _log.info("Opening %s", without_password(uri))
        self._let_go()
        settings, generation = self.settings, self._generation
        self._errands.do(
            lambda: _started(self._make_run(uri, settings, self._tell)),
            lambda run: self._adopt(run, generation, settings),
        )

    def open_again(self) -> None:
        """The same source anew."""
        if self.uri:
            self.open(self.uri)

    def change(self, settings: LiveSettings) -> None:
        """Wish for other settings; the run takes them up at its next frame."""
        if settings == self.settings:
            return
        self.settings = settings
        if self._run is not None:
            self._run.change(settings)
        self.settingsChanged.emit(settings)

    def nudge_strength(self, by: float) -> None:
        """A little more or less, within the range of the setting."""
        enhance = self.settings.enhance
        strength = round(min(max(enhance.strength + by, 0.0), 1.0), 2)
        changed = enhance.model_copy(update={"strength": strength})
        self.change(self.settings.model_copy(update={"enhance": changed}))

    def toggle_pause(self) -> None:
        """Stand still or move; what has ended begins again."""
        state = self.state
        if state in _OVER:
            self.open_again()
        elif self._run is not None:
            if state is LiveState.PAUSED:
                self._run.resume()
            else:
                self._run.pause()
            self._look()

    @property
    def state(self) -> LiveState | None:
        """Of the run; none while there is none."""
        return None if self._run is None else self._run.status.state

    def painted(self, pair: Pair) -> None:
        """A pair is on the screen; the window reports it as soon as it was painted."""
        if self._run is not None:
            self._run.painted(pair)

    def record(self, choice: RecordChoice) -> None:
        """Begin to record; nothing happens while a recording is on."""
        run = self._run
        if run is None or self.recording is not RecordingState.IDLE:
            return
        self._set_recording(RecordingState.STARTING)
        self._errands.do(
            lambda: run.record(record_wish(choice, datetime.now())),
            lambda _: self._begun(run),
            failed=self._not_recording,
        )

    def stop_recording(self) -> None:
        """End the recording; its files are finished and checked in the background."""
        if self._run is not None and self.recording is RecordingState.ON:
            self._set_recording(RecordingState.FINISHING)
            self._errands.do(
                self._run.stop_recording,
                self._recorded,
                failed=self._not_recording,
            )

    def save_last(self, choice: RecordChoice) -> None:
        """Save the last seconds, as far as they were kept."""
        run = self._run
        if run is None:
            return
        if not self.settings.keep_seconds:
            sentence = "No seconds are kept ready; set how many under Record first."
            self.noticed.emit(Notice("trouble", sentence))
            return

        def save() -> Recorded:
            stem = free_stem(choice.folder, datetime.now())
            return run.save_last(choice.folder / f"{stem} last seconds.{choice.container}")

        self._errands.do(save, lambda file: self._tell_of_files((file,)))

    def toggle_lending(self) -> None:
        """Show the enhanced picture to other programs as a camera, or take it away from them."""
        run = self._run
        if run is None:
            return
        if run.status.lent_as:
            self._errands.do(run.stop_lending, lambda _: self._look())
        else:
            self._errands.do(run.lend, lambda _: self._lent())

    def _lent(self) -> None:
        self._look()
        status = self.history[-1] if self.history else None
        if status is not None and status.lent_as:
            sentence = f"Other programs can choose the camera {status.lent_as} now."
            self.noticed.emit(Notice("done", sentence))

    def snapshot(self, choice: RecordChoice) -> None:
        """Save both pictures as they are shown, and the two beside each other."""
        pictures = self._view.snapshot_pair()
        if pictures is None:
            self.noticed.emit(Notice("trouble", "There is no picture to save yet."))
            return
        self._errands.do(
            lambda: write_snapshot(choice.folder, datetime.now(), pictures),
            lambda paths: self.noticed.emit(
                Notice("done", f"{len(paths)} pictures saved: {paths[0].name}", choice.folder)
            ),
        )

    def save(self, work: Callable[[], object], text: str, folder: Path) -> None:
        """Have something written, and tell of it."""
        self._errands.do(work, lambda _: self.noticed.emit(Notice("done", text, folder)))

    def look_up(self, work: Callable[[], object]) -> None:
        """Have something found out that may take its time; `found` brings it."""
        self._errands.do(work, self.found.emit)

    @property
    def can_keep_rate(self) -> bool:
        """Whether the source is a camera that has slowed down and could be kept from it."""
        return bool(self.history) and self.history[-1].can_keep_rate

    def keep_rate(self) -> None:
        """Open the camera again with its exposure locked, so that it keeps its frame rate."""
        self.open(f"{self.uri}{'&' if '?' in self.uri else '?'}keep_rate=1")

    def say(self, error: BaseException) -> None:
        """Tell of an error and log it."""
        if isinstance(error, CoreError):
            _log.warning("%s", error)
        else:
            _log.error("Unexpected", exc_info=error)
        self.noticed.emit(notice_of_error(error))

    def say_later(self, error: BaseException) -> None:
        """The same, from any thread."""
        self._errands.fail_later(error)

    def close(self) -> None:
        """Finish the recording, let go of everything, then say `closed`."""
        if self._closing:
            return
        self._closing = True
        self._generation += 1
        self._timer.stop()
        self._let_go(then=self._end)

    def _let_go(self, then: Callable[[bool], None] = lambda _: None) -> None:
        """Finishes the recording and closes the run, if there are any."""
        run, self._run = self._run, None
        is_recording = self.recording is not RecordingState.IDLE
        if is_recording:
            self._set_recording(RecordingState.FINISHING)
        self._errands.do(
            partial(_ended, run, is_recording=is_recording),
            partial(self._gone, then=then, is_recording=is_recording),
            failed=partial(self._gone, None, then=then, is_recording=is_recording),
        )

    def _gone(
        self,
        files: tuple[Recorded, ...] | None,
        *,
        then: Callable[[bool], None],
        is_recording: bool,
    ) -> None:
        """The run is closed; no files where that failed."""
        if files is None:
            self._not_recording()
        elif is_recording:
            self._recorded(files)
        then(files is not None and are_fine(files))

    def _end(self, fine: bool) -> None:
        # Behind a run that came too late and is being closed as well.
        self._errands.do(lambda: None, lambda _: self._finish(fine))

    def _finish(self, fine: bool) -> None:
        self._errands.close()
        self.is_closed = True
        self.closed.emit(fine)

    def _adopt(self, run: Run, generation: int, settings: LiveSettings) -> None:
        if generation != self._generation:
            # Another source was chosen meanwhile, or the window was closed.
            self._errands.do(run.close)
            return
        self._run = run
        if settings != self.settings:
            run.change(self.settings)
        self._timer.start()
        self._look()
        self._take()

    def _tell(self) -> None:
        """Called from the run's threads; many calls before the next look are one."""
        if not self._has_told:
            self._has_told = True
            self._told.emit()

    def _take(self) -> None:
        self._has_told = False
        pair = None if self._run is None else self._run.newest()
        if pair is not None:
            self.pair = pair
            self._view.show_pair(pair)

    def _look(self) -> None:
        if self._run is None:
            return
        status = self._run.status
        if self.history and self.history[-1].state is not status.state:
            _log.info("%s: %s. %s", status.title, status.state.value, status.trouble)
        self.history.append(status)
        if self.recording is RecordingState.ON and _cannot_go_on(status):
            self.stop_recording()
        self.statusChanged.emit(status)

    def _begun(self, run: Run) -> None:
        if run is self._run:
            self._set_recording(RecordingState.ON)

    def _recorded(self, files: tuple[Recorded, ...]) -> None:
        self._set_recording(RecordingState.IDLE)
        self._tell_of_files(files)

    def _tell_of_files(self, files: tuple[Recorded, ...]) -> None:
        notice = notice_of_files(files)
        _log.info("%s", notice.text)
        self.noticed.emit(notice)

    def _not_recording(self) -> None:
        self._set_recording(RecordingState.IDLE)

    def _set_recording(self, state: RecordingState) -> None:
        self.recording = state
        self.recordingChanged.emit(state)


def _started(run: Run) -> Run:
    run.start()
    return run


def _ended(run: Run | None, *, is_recording: bool) -> tuple[Recorded, ...]:
    """Closes a run, whatever its recording says."""
    if run is None:
        return ()
    try:
        return run.stop_recording() if is_recording else ()
    finally:
        run.close()


def _cannot_go_on(status: LiveStatus) -> bool:
    """The source has ended, the disk is full, the folder is gone."""
    return status.state in _OVER or (status.recording is not None and bool(status.recording.reason))
