"""The cameras that are plugged in, and how each is to be opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.gui.cards import buttons, card, main_button
from app.gui.source_words import KEEPS_RATE, camera_options, camera_uri, format_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.media.camera_list import CameraInfo


class CameraCard(QWidget):
    """A list of cameras; the format and the rest are remembered for each.

    Signals:
        chosen: the address of a camera.
        camerasWanted: the list should be made anew.
        edited: the identity of a camera, and the options of its address as the user set them.
    """

    chosen = pyqtSignal(str)
    camerasWanted = pyqtSignal()
    edited = pyqtSignal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self._options: dict[str, str] = {}
        frame, column = card("Camera")
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(frame)
        self._make_list()
        self._make_options()
        look = QPushButton("Look again")
        look.clicked.connect(self.camerasWanted)
        self.use_camera = main_button("Use camera", self._choose)
        column.addWidget(self.cameras, 100)
        column.addWidget(self._no_camera)
        column.addWidget(self.formats)
        column.addWidget(self.keep_rate)
        column.addStretch(1)
        column.addLayout(buttons(look, self.use_camera))
        self._show_options()

    def recall(self, options: Mapping[str, str]) -> None:
        """Show each camera as it was used last: the options of its address, by its identity."""
        self._options = dict(options)
        self._show_options()

    def show_cameras(self, cameras: Sequence[CameraInfo]) -> None:
        """List these; the one that was chosen stays so."""
        before = self._camera()
        self.cameras.clear()
        for camera in cameras:
            item = QListWidgetItem(camera.name)
            item.setData(Qt.ItemDataRole.UserRole, camera)
            item.setToolTip(camera.path)
            self.cameras.addItem(item)
            if before is not None and camera.id == before.id:
                self.cameras.setCurrentItem(item)
        if self.cameras.currentItem() is None:
            self.cameras.setCurrentRow(0)
        self._no_camera.setText("No camera was found. Plug one in and look again.")
        self._no_camera.setVisible(not cameras)
        self._show_options()

    def _make_list(self) -> None:
        self.cameras = QListWidget()
        self.cameras.setAccessibleName("Cameras")
        self.cameras.setMinimumHeight(96)
        self.cameras.currentItemChanged.connect(lambda *_: self._show_options())
        self.cameras.itemActivated.connect(lambda _: self._choose())
        self._no_camera = QLabel("Looking for cameras…")
        self._no_camera.setProperty("role", "muted")
        self._no_camera.setWordWrap(True)

    def _make_options(self) -> None:
        self.formats = QComboBox()
        self.formats.setAccessibleName("Format of the camera")
        self.formats.activated.connect(lambda _: self._edit())
        self.keep_rate = QCheckBox("Keep the frame rate in the dark")
        self.keep_rate.setToolTip(
            "Locks the exposure where the camera's driver allows it, and lets the network brighten."
        )
        self.keep_rate.clicked.connect(lambda _: self._edit())

    def _show_options(self) -> None:
        camera = self._camera()
        options = "" if camera is None else self._options.get(camera.id, "")
        keeps_rate = KEEPS_RATE in options.split("&")
        self.keep_rate.setChecked(keeps_rate)
        self.formats.clear()
        for form in (None, *(() if camera is None else camera.formats)):
            self.formats.addItem("Best format" if form is None else format_words(form), form)
            if camera_options(form, keep_rate=keeps_rate) == options:
                self.formats.setCurrentIndex(self.formats.count() - 1)
        for widget in (self.cameras, self.formats, self.keep_rate):
            widget.setVisible(camera is not None)
        self.use_camera.setEnabled(camera is not None)

    def _camera(self) -> CameraInfo | None:
        item = self.cameras.currentItem()
        return None if item is None else item.data(Qt.ItemDataRole.UserRole)

    def _wished(self) -> str:
        return camera_options(self.formats.currentData(), keep_rate=self.keep_rate.isChecked())

    def _edit(self) -> None:
        camera = self._camera()
        if camera is not None:
            self._options[camera.id] = self._wished()
            self.edited.emit(camera.id, self._wished())

    def _choose(self) -> None:
        camera = self._camera()
        if camera is not None:
            self.chosen.emit(camera_uri(camera, self._wished()))
