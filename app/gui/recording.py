"""What becomes a file: recordings, the last seconds, snapshots; written in the background."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, pyqtSignal

from app.gui.notices import Notice, are_fine, notice_of_files
from app.gui.preferences import RecordChoice
from app.gui.saving import free_stem, record_wish, write_snapshot

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from app.gui.errands import Errands
    from app.gui.view_contract import PairView, Run
    from core.run.recorder import Recorded

_log = logging.getLogger(__name__)


class RecordingState(Enum):
    """IDLE -> STARTING -> ON -> FINISHING -> IDLE; STARTING -> IDLE where it could not begin."""

    IDLE = "idle"
    STARTING = "starting"
    ON = "on"
    FINISHING = "finishing"


class Saver(QObject):
    """Writes what the user wants of a run; lives on the GUI's thread, and no method waits.

    Signals:
        recordingChanged: a RecordingState.
        noticed: a Notice of what was written.
    """

    recordingChanged = pyqtSignal(object)
    noticed = pyqtSignal(object)

    def __init__(self, view: PairView, errands: Errands) -> None:
        super().__init__()
        self._view, self._errands = view, errands
        self.choice = RecordChoice()
        """What is recorded, and where everything goes."""
        self.keeps_ready = False
        """Whether the last seconds are to be kept."""
        self.recording = RecordingState.IDLE
        self.run: Run | None = None
        """What is recorded; none while no source is open."""
        self._finished: Notice | None = None
        """Of the recording before."""

    @property
    def is_recording(self) -> bool:
        """Whether a recording is wished for and was not ended."""
        return self.recording in (RecordingState.STARTING, RecordingState.ON)

    def toggle_recording(self) -> None:
        """Begin or end."""
        if self.recording is RecordingState.IDLE:
            self.record()
        else:
            self.stop_recording()

    def record(self) -> None:
        """Begin to record; nothing happens while a recording is on."""
        self._record(lambda: None)

    def go_on(self) -> None:
        """Record anew what had to be finished because its source was opened again, and say so."""
        self._record(self._tell_of_going_on)

    def _record(self, begun: Callable[[], None]) -> None:
        run, choice = self.run, self.choice
        if run is None or self.recording is not RecordingState.IDLE:
            return
        self._set(RecordingState.STARTING)
        self._errands.do(
            lambda: run.record(record_wish(choice, datetime.now())),
            lambda _: self._begun(run, begun),
            failed=self._not_recording,
        )

    def stop_recording(self) -> None:
        """End the recording; its files are finished and checked in the background."""
        if self.run is not None and self.recording is RecordingState.ON:
            self._set(RecordingState.FINISHING)
            self._errands.do(
                self.run.stop_recording,
                self._recorded,
                failed=self._not_recording,
            )

    def let_go(self, then: Callable[[bool], None] = lambda _: None) -> None:
        """Finish the recording and close the run, if there are any.

        Args:
            then: called when that is done, with whether the recording is as it should be.
        """
        run, self.run = self.run, None
        is_recording = self.recording is not RecordingState.IDLE
        if is_recording:
            self._set(RecordingState.FINISHING)
        self._errands.do(
            partial(_ended, run, is_recording=is_recording),
            partial(self._gone, then=then, is_recording=is_recording),
            failed=partial(self._gone, None, then=then, is_recording=is_recording),
        )

    def save_last(self) -> None:
        """Save the last seconds, as far as they were kept."""
        run, choice = self.run, self.choice
        if run is None:
            return
        if not self.keeps_ready:
            sentence = "No seconds are kept ready; set how many under Record first."
            self.noticed.emit(Notice("trouble", sentence))
            return

        def save() -> Recorded:
            stem = free_stem(choice.folder, datetime.now())
            return run.save_last(choice.folder / f"{stem} last seconds.{choice.container}")

        self._errands.do(save, lambda file: self._tell_of_files((file,)))

    def snapshot(self) -> None:
        """Save both pictures as they are shown, and the two beside each other."""
        choice, pictures = self.choice, self._view.snapshot_pair()
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
        """Have something else written, and tell of it."""
        self._errands.do(work, lambda _: self.noticed.emit(Notice("done", text, folder)))

    def _begun(self, run: Run, then: Callable[[], None]) -> None:
        if run is self.run:
            self._set(RecordingState.ON)
            then()

    def _tell_of_going_on(self) -> None:
        """In one notice with what became of the first file, which this one would hide."""
        sentence = "The source was opened again; the recording goes on in a new file."
        before = self._finished or Notice("done", "")
        self.noticed.emit(replace(before, text=f"{before.text} {sentence}".lstrip()))

    def _recorded(self, files: tuple[Recorded, ...]) -> None:
        self._set(RecordingState.IDLE)
        self._finished = self._tell_of_files(files)

    def _not_recording(self) -> None:
        self._finished = None
        self._set(RecordingState.IDLE)

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

    def _tell_of_files(self, files: tuple[Recorded, ...]) -> Notice:
        notice = notice_of_files(files)
        _log.info("%s", notice.text)
        self.noticed.emit(notice)
        return notice

    def _set(self, state: RecordingState) -> None:
        self.recording = state
        self.recordingChanged.emit(state)


def _ended(run: Run | None, *, is_recording: bool) -> tuple[Recorded, ...]:
    """Closes a run, whatever its recording says."""
    if run is None:
        return ()
    try:
        return run.stop_recording() if is_recording else ()
    finally:
        run.close()
