"""What is recorded, where to, and how it goes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, get_args

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.gui.cards import make_form
from app.gui.preferences import Container, RecordChoice
from app.gui.recording import RecordingState
from app.gui.status_words import recording_words
from core.settings import LiveSettings

if TYPE_CHECKING:
    from core.run.live_status import LiveStatus
    from core.run.record_ledger import Track
    from core.settings import Model

_TRACKS: dict[Track, str] = {
    "original": "Original",
    "enhanced": "Enhanced",
    "side_by_side": "Both beside each other",
}
_MOST_TRACKS = 2
_MIB_STEP = 100
_BUTTON = {
    RecordingState.IDLE: "Record",
    RecordingState.STARTING: "Starting…",
    RecordingState.ON: "End recording",
    RecordingState.FINISHING: "Finishing…",
}


class RecordingPanel(QWidget):
    """Shows a RecordChoice and how a recording goes; holds no state but what is shown.

    Signals:
        edited: the RecordChoice as the user has made it.
        keepEdited: seconds to keep ready, as a float.
        recordWanted, snapshotWanted, saveLastWanted: a button was pressed.
    """

    edited = pyqtSignal(object)
    keepEdited = pyqtSignal(float)
    recordWanted = pyqtSignal()
    snapshotWanted = pyqtSignal()
    saveLastWanted = pyqtSignal()

    def __init__(self, choice: RecordChoice) -> None:
        super().__init__()
        self.setObjectName("page")
        self._choice = choice
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(8)
        self.record = QPushButton()
        self.record.clicked.connect(self.recordWanted)
        self.clock = QLabel()
        self.clock.setProperty("role", "muted")
        self.clock.setWordWrap(True)
        column.addWidget(self.record)
        column.addWidget(self.clock)
        column.addWidget(_heading("Tracks, at most two"))
        self.tracks = {track: QCheckBox(text) for track, text in _TRACKS.items()}
        for box in self.tracks.values():
            box.toggled.connect(self._edit)
            column.addWidget(box)
        column.addWidget(_heading("Files"))
        column.addLayout(self._form())
        column.addWidget(_heading("Without recording"))
        column.addLayout(self._at_once())
        column.addStretch(1)
        self.show_choice(choice)
        self.show_state(RecordingState.IDLE)
        self.show_status(None)

    def show_choice(self, choice: RecordChoice) -> None:
        """Show this one, without telling of an edit."""
        self._choice = choice
        widgets = (*self.tracks.values(), self.container, self.minutes, self.mib)
        for widget in widgets:
            widget.blockSignals(True)
        for track, box in self.tracks.items():
            box.setChecked(track in choice.tracks)
        self.container.setCurrentIndex(self.container.findData(choice.container))
        self.minutes.setValue(choice.segment_minutes)
        self.mib.setValue(choice.segment_mib)
        for widget in widgets:
            widget.blockSignals(False)
        self.folder.setText(_short(choice.folder))
        self.folder.setToolTip(str(choice.folder))
        self._limit_tracks()

    def show_keep(self, seconds: float) -> None:
        """Show how much is kept ready."""
        self.keep.blockSignals(True)
        self.keep.setValue(round(seconds))
        self.keep.blockSignals(False)

    def show_state(self, state: RecordingState) -> None:
        """Show whether there is a recording; what it is made of cannot change meanwhile."""
        idle = state is RecordingState.IDLE
        self.record.setText(_BUTTON[state])
        self.record.setProperty("role", "main" if idle else "danger")
        style = self.record.style()
        assert style is not None
        style.polish(self.record)
        files = (self.container, self.minutes, self.mib, self.choose)
        for widget in (*self.tracks.values(), *files):
            widget.setEnabled(idle)
        if idle:
            self._limit_tracks()
            self.clock.setText("Not recording")

    def show_status(self, status: LiveStatus | None) -> None:
        """Show how far a recording and the last seconds are."""
        for button in (self.record, self.snapshot, self.save_last):
            button.setEnabled(status is not None)
        if status is None:
            self.kept.setText("")
            return
        if status.recording is not None and not self.choose.isEnabled():
            self.clock.setText(recording_words(status.recording))
        self.kept.setText(f"{status.kept_seconds:.0f} s ready")

    def _form(self) -> QFormLayout:
        self.container = QComboBox()
        for container in get_args(Container):
            self.container.addItem(container.upper(), container)
        self.container.setAccessibleName("Container of the recording")
        self.container.setToolTip(f"{RecordChoice.model_fields['container'].description}.")
        self.container.activated.connect(self._edit)
        self.minutes = _number(RecordChoice, "segment_minutes", " min", "one file")
        self.minutes.setAccessibleName("Minutes of each file")
        self.minutes.valueChanged.connect(self._edit)
        self.mib = _number(RecordChoice, "segment_mib", " MiB", "any size")
        self.mib.setAccessibleName("Size of each file")
        self.mib.setSingleStep(_MIB_STEP)
        self.mib.valueChanged.connect(self._edit)
        self.folder = QLabel()
        self.folder.setProperty("role", "value")
        self.choose = QPushButton("Choose…")
        self.choose.setAccessibleName("Choose the folder for recordings")
        self.choose.clicked.connect(self._choose_folder)
        line = QHBoxLayout()
        line.addWidget(self.folder, 1)
        line.addWidget(self.choose)
        form = make_form()
        form.addRow("Container", self.container)
        form.addRow("Split every", self.minutes)
        form.addRow("Split at", self.mib)
        form.addRow("Folder", line)
        return form

    def _at_once(self) -> QFormLayout:
        self.keep = _number(LiveSettings, "keep_seconds", " s", "nothing")
        # On the way to 60 there is a 6, which would forget what is held.
        self.keep.setKeyboardTracking(False)
        self.keep.setAccessibleName("Seconds to keep ready")
        self.keep.valueChanged.connect(lambda seconds: self.keepEdited.emit(float(seconds)))
        self.kept = QLabel()
        self.kept.setProperty("role", "muted")
        self.save_last = QPushButton("Save them")
        self.save_last.setAccessibleName("Save the last seconds")
        self.save_last.clicked.connect(self.saveLastWanted)
        self.snapshot = QPushButton("Save a snapshot pair")
        self.snapshot.clicked.connect(self.snapshotWanted)
        line = QHBoxLayout()
        line.addWidget(self.kept, 1)
        line.addWidget(self.save_last)
        form = make_form()
        form.addRow("Keep the last", self.keep)
        form.addRow(line)
        form.addRow(self.snapshot)
        return form

    def _edit(self) -> None:
        self._limit_tracks()
        chosen = tuple(track for track, box in self.tracks.items() if box.isChecked())
        update = {
            "tracks": chosen or self._choice.tracks,
            "container": self.container.currentData(),
            "segment_minutes": self.minutes.value(),
            "segment_mib": self.mib.value(),
        }
        self._choice = self._choice.model_copy(update=update)
        self.edited.emit(self._choice)

    def _limit_tracks(self) -> None:
        """At least one, at most two: the box that would break this cannot be pressed."""
        chosen = [box for box in self.tracks.values() if box.isChecked()]
        for box in self.tracks.values():
            alone, full = chosen == [box], len(chosen) >= _MOST_TRACKS
            box.setEnabled(not alone if box.isChecked() else not full)

    def _choose_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(
            self, "Folder for recordings and snapshots", str(self._choice.folder)
        )
        if name:
            self.show_choice(self._choice.model_copy(update={"folder": Path(name)}))
            self.edited.emit(self._choice)


def _number(kind: type[Model], name: str, suffix: str, at_zero: str) -> QSpinBox:
    """A field for a setting, with its range and explanation."""
    field = kind.model_fields[name]
    bounds = {
        end: round(getattr(bound, end))
        for bound in field.metadata
        for end in ("ge", "le")
        if hasattr(bound, end)
    }
    spin = QSpinBox()
    spin.setRange(bounds["ge"], bounds["le"])
    spin.setSuffix(suffix)
    spin.setSpecialValueText(at_zero)
    spin.setToolTip(f"{field.description}.")
    return spin


def _heading(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "heading")
    label.setContentsMargins(0, 10, 0, 0)
    return label


def _short(folder: Path) -> str:
    """The end of a path, as much as a narrow panel holds."""
    return "/".join(folder.parts[-2:]).lstrip("/") or str(folder)
