"""The controller: what the user wishes on one side, a live run on the other; no widgets."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from app.gui.errands import Errands
from app.gui.lender import Lender
from app.gui.notices import notice_of_error
from app.gui.recording import Saver
from app.gui.source_words import keeping_rate
from core.errors import CoreError
from core.media.addresses import without_password
from core.run.live_status import LiveState

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.gui.view_contract import MakeRun, PairView, Run
    from core.run.live_status import LiveStatus, Pair
    from core.settings import LiveSettings

_log = logging.getLogger(__name__)

LOOK_EVERY_MS = 250
"""How often the run's status is asked for."""
_REMEMBERED = 240
"""Statuses kept for the support bundle: a minute."""
_OVER = (LiveState.ENDED, LiveState.FAILED)


class Session(QObject):
    """Owns the run, its settings and what is recorded of it; lives on the GUI's thread.

    Everything that waits is done in the background, one after the other, so no method does.

    Signals:
        sourceChanged: title of what is being opened, without a password.
        settingsChanged: the LiveSettings now wished.
        statusChanged: a LiveStatus, or None while there is no run.
        noticed: a Notice.
        closed: nothing is left running; whether every recording is as it should be.
    """

    sourceChanged = pyqtSignal(str)
    settingsChanged = pyqtSignal(object)
    statusChanged = pyqtSignal(object)
    noticed = pyqtSignal(object)
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
        self.history: deque[LiveStatus] = deque(maxlen=_REMEMBERED)
        self._run: Run | None = None
        self.is_closed = False
        """Nothing is left running."""
        self._generation = 0
        self._closing = self._has_told = self._is_paused = False
        self.errands = Errands()
        """For what may take its time: one after the other, behind what is under way."""
        self.errands.failed.connect(self.say)
        self.saver = Saver(view, self.errands)
        """Records, and saves what is shown."""
        self.saver.noticed.connect(self.noticed)
        self.saver.keeps_ready = settings.keep_seconds > 0
        self.lender = Lender(self.errands)
        """Shows the picture to other programs."""
        self.lender.noticed.connect(self.noticed)
        # From the run's threads, a signal is queued.
        self._told.connect(self._take)
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_EVERY_MS)
        self._timer.timeout.connect(self._look)

    def open(self, uri: str) -> None:
        """Let go of what is open, finishing its recording, and open another source."""
        self._open(uri, goes_on=False)

    def _open(self, uri: str, *, goes_on: bool) -> None:
        """The same; a recording that was finished for it may go on in a new file."""
        if self._closing:
            return
        self._generation += 1
        self._is_paused = False
        self.uri, self.pair = uri, None
        self._view.show_pair(None)
        self.statusChanged.emit(None)
        self.sourceChanged.emit(without_password(uri))
        _log.info("Opening %s", without_password(uri))
        self._let_go()
        settings, generation = self.settings, self._generation
        self.errands.do(
            lambda: _started(self._make_run(uri, settings, self._tell)),
            lambda run: self._adopt(run, generation, settings, goes_on=goes_on),
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
        self.saver.keeps_ready = settings.keep_seconds > 0
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
        if self.state in _OVER:
            self.open_again()
        elif self._run is not None:
            self._is_paused = not self._is_paused
            if self._is_paused:
                self._run.pause()
            else:
                self._run.resume()
            self._look()

    @property
    def is_paused(self) -> bool:
        """Whether the user has it stand still; the state does not say so while it reconnects."""
        return self._is_paused and self.state not in _OVER

    @property
    def state(self) -> LiveState | None:
        """Of the run; none while there is none."""
        return None if self._run is None else self._run.status.state

    def painted(self, pair: Pair) -> None:
        """A pair is on the screen; the window reports it as soon as it was painted."""
        if self._run is not None:
            self._run.painted(pair)

    @property
    def can_keep_rate(self) -> bool:
        """Whether the source is a camera that has slowed down and could be kept from it."""
        return bool(self.history) and self.history[-1].can_keep_rate

    def keep_rate(self) -> None:
        """Open the camera again with its exposure locked; a recording goes on in a new file."""
        self._open(keeping_rate(self.uri), goes_on=self.saver.is_recording)

    def say(self, error: BaseException) -> None:
        """Tell of an error and log it."""
        if isinstance(error, CoreError):
            _log.warning("%s", error)
        else:
            _log.error("Unexpected", exc_info=error)
        self.noticed.emit(notice_of_error(error))

    def say_later(self, error: BaseException) -> None:
        """The same, from any thread."""
        self.errands.fail_later(error)

    def close(self) -> None:
        """Finish the recording, let go of everything, then say `closed`."""
        if self._closing:
            return
        self._closing = True
        self._generation += 1
        self._timer.stop()
        self._let_go(self._end)

    def _let_go(self, then: Callable[[bool], None] = lambda _: None) -> None:
        """Finishes the recording and closes the run, if there are any."""
        self._run = self.lender.run = None
        self.saver.let_go(then)

    def _end(self, fine: bool) -> None:
        # Behind a run that came too late and is being closed as well.
        self.errands.do(lambda: None, lambda _: self._finish(fine))

    def _finish(self, fine: bool) -> None:
        self.errands.close()
        self.is_closed = True
        self.closed.emit(fine)

    def _adopt(self, run: Run, generation: int, settings: LiveSettings, *, goes_on: bool) -> None:
        if generation != self._generation:
            # Another source was chosen meanwhile, or the window was closed.
            self.errands.do(run.close)
            return
        self._run = self.saver.run = self.lender.run = run
        if settings != self.settings:
            run.change(self.settings)
        if goes_on:
            self.saver.go_on()
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
        if _cannot_go_on(status):
            self.saver.stop_recording()
        self.statusChanged.emit(status)


def _started(run: Run) -> Run:
    run.start()
    return run


def _cannot_go_on(status: LiveStatus) -> bool:
    """The source has ended, the disk is full, the folder is gone."""
    return status.state in _OVER or (status.recording is not None and bool(status.recording.reason))
