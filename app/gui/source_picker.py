"""Where the picture comes from: a camera, an address, a file, a test pattern."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from core.media.addresses import is_network, split_login

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.media.camera_list import CameraFormat, CameraInfo

TEST_PATTERN = "test:"
_FILMS = "Videos (*.mp4 *.mkv *.mov *.avi *.webm *.m4v *.ts);;All files (*)"


class SourcePicker(QScrollArea):
    """A page with every kind of source.

    Signals:
        chosen: the address of a source, as `open_live` takes it; may hold a password.
        camerasWanted: the list of cameras should be made anew.
    """

    chosen = pyqtSignal(str)
    camerasWanted = pyqtSignal()

    def __init__(self, recent: Sequence[str]) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setObjectName("picker")
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        page = QWidget()
        page.setObjectName("picker")
        self.setWidget(page)
        title = QLabel("Choose a source")
        title.setProperty("role", "title")
        hint = QLabel("A film can also be dropped onto this window.")
        hint.setProperty("role", "muted")
        cards = QHBoxLayout()
        cards.setSpacing(16)
        right = QVBoxLayout()
        right.setSpacing(16)
        right.addWidget(self._address_card(recent))
        right.addWidget(self._file_card())
        right.addStretch(1)
        cards.addWidget(self._camera_card(), 1)
        cards.addLayout(right, 1)
        inner = QVBoxLayout()
        inner.addStretch(1)
        self.again = QPushButton()
        self.again.setProperty("role", "link")
        self.again.clicked.connect(lambda: self.chosen.emit(self._last))
        self._last = ""
        self.again.hide()
        top = QHBoxLayout()
        top.addWidget(hint, 1)
        top.addWidget(self.again)
        inner.addWidget(title)
        inner.addLayout(top)
        inner.addSpacing(12)
        inner.addLayout(cards)
        inner.addStretch(2)
        outer = QHBoxLayout(page)
        outer.setContentsMargins(20, 24, 20, 24)
        outer.addStretch(1)
        outer.addLayout(inner, 12)
        outer.addStretch(1)

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
        self._show_formats()

    def show_last(self, uri: str) -> None:
        """Offer the last source again; an address without its password."""
        self._last = uri
        self.again.setText(f"Open again: {source_words(uri)}")
        self.again.setVisible(bool(uri))
        self.show_address(uri)

    def show_address(self, uri: str) -> None:
        """Put an address, without its password, into the field."""
        if is_network(uri):
            self.address.setEditText(split_login(uri).bare)

    def _camera_card(self) -> QWidget:
        card, column = _card("Camera")
        self.cameras = QListWidget()
        self.cameras.setAccessibleName("Cameras")
        self.cameras.setMinimumHeight(96)
        self.cameras.currentItemChanged.connect(lambda *_: self._show_formats())
        self.cameras.itemActivated.connect(lambda _: self._choose_camera())
        self._no_camera = QLabel("Looking for cameras…")
        self._no_camera.setProperty("role", "muted")
        self._no_camera.setWordWrap(True)
        self.formats = QComboBox()
        self.formats.setAccessibleName("Format of the camera")
        self.keep_rate = QCheckBox("Keep the frame rate in the dark")
        self.keep_rate.setToolTip(
            "Locks the exposure where the camera's driver allows it, and lets the network brighten."
        )
        look = QPushButton("Look again")
        look.clicked.connect(self.camerasWanted)
        self.use_camera = _main_button("Use camera", self._choose_camera)
        column.addWidget(self.cameras, 100)
        column.addWidget(self._no_camera)
        column.addWidget(self.formats)
        column.addWidget(self.keep_rate)
        column.addStretch(1)
        column.addLayout(_buttons(look, self.use_camera))
        self._show_formats()
        return card

    def _address_card(self, recent: Sequence[str]) -> QWidget:
        card, column = _card("Network camera or stream")
        self.address = QComboBox()
        self.address.setEditable(True)
        self.address.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.address.addItems(list(recent))
        self.address.setCurrentIndex(-1)
        self.address.setAccessibleName("Address of the stream")
        self.address.setMinimumWidth(180)
        self.user, self.password = QLineEdit(), QLineEdit()
        self.user.setPlaceholderText("if it asks for one")
        self.user.setAccessibleName("User name")
        self.password.setAccessibleName("Password")
        self.password.setEchoMode(QLineEdit.EchoMode.Password)
        self.password.setPlaceholderText("never stored")
        field = self.address.lineEdit()
        assert field is not None
        field.setPlaceholderText("rtsp://192.168.1.20:554/stream1")
        for line in (field, self.user, self.password):
            line.returnPressed.connect(self._choose_address)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setVerticalSpacing(8)
        form.addRow("Address", self.address)
        form.addRow("User", self.user)
        form.addRow("Password", self.password)
        column.addLayout(form)
        self.connect_button = _main_button("Connect", self._choose_address)
        column.addLayout(_buttons(self.connect_button))
        return card

    def _file_card(self) -> QWidget:
        card, column = _card("Film or test")
        self.loop = QCheckBox("Begin again at the end")
        self.loop.setAccessibleName("Begin the film again at its end")
        pattern = QPushButton("Test pattern")
        pattern.clicked.connect(lambda: self.chosen.emit(TEST_PATTERN))
        self.pattern = pattern
        column.addWidget(self.loop)
        column.addLayout(_buttons(pattern, _main_button("Open a film…", self._choose_file)))
        return card

    def _show_formats(self) -> None:
        camera = self._camera()
        self.formats.clear()
        self.formats.addItem("Best format", None)
        for form in () if camera is None else camera.formats:
            self.formats.addItem(format_words(form), form)
        for widget in (self.cameras, self.formats, self.keep_rate):
            widget.setVisible(camera is not None)
        self.use_camera.setEnabled(camera is not None)

    def _camera(self) -> CameraInfo | None:
        item = self.cameras.currentItem()
        return None if item is None else item.data(Qt.ItemDataRole.UserRole)

    def _choose_camera(self) -> None:
        camera = self._camera()
        if camera is not None:
            wished = self.formats.currentData()
            self.chosen.emit(camera_uri(camera, wished, keep_rate=self.keep_rate.isChecked()))

    def _choose_address(self) -> None:
        uri = with_login(self.address.currentText(), self.user.text(), self.password.text())
        self.password.clear()
        if uri:
            self.show_address(uri)
            self.chosen.emit(uri)

    def _choose_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Open a film", "", _FILMS)
        if name:
            self.choose_path(name)

    def choose_path(self, path: str | Path) -> None:
        """A film, played once or over and over."""
        self.chosen.emit(f"{path}?loop=1" if self.loop.isChecked() else str(path))


def camera_uri(camera: CameraInfo, wished: CameraFormat | None, *, keep_rate: bool) -> str:
    """The address of a camera in a format; the best one if none is wished."""
    options = []
    if wished is not None:
        options = [
            f"size={wished.width}x{wished.height}",
            *([f"rate={wished.rate}"] if wished.rate else []),
            f"format={wished.pixel_format}",
        ]
    if keep_rate:
        options.append("keep_rate=1")
    return f"camera:{camera.id}" + (f"?{'&'.join(options)}" if options else "")


def with_login(address: str, user: str, password: str) -> str:
    """An address as it is opened; `rtsp` is understood where no scheme was typed."""
    address = address.strip()
    if address and ":" not in address.partition("/")[0] and "://" not in address:
        address = f"rtsp://{address}"
    if not user.strip():
        return address
    scheme, _, rest = split_login(address).bare.partition("://")
    secret = f":{quote(password, safe='')}" if password else ""
    return f"{scheme}://{quote(user.strip(), safe='')}{secret}@{rest}"


def source_words(uri: str) -> str:
    """A source's address, short enough for a button."""
    if is_network(uri):
        return uri.partition("://")[2]
    if uri.startswith("camera:"):
        return "the camera"
    return (
        "the test pattern" if uri.startswith("test:") else Path(uri.rpartition("?")[0] or uri).name
    )


def format_words(form: CameraFormat) -> str:
    """1280 × 720, 30 fps, MJPG."""
    rate = f"{float(form.rate):.4g} fps, " if form.rate else ""
    return f"{form.width} × {form.height}, {rate}{form.pixel_format}"


def _card(title: str) -> tuple[QWidget, QVBoxLayout]:
    card = QFrame()
    card.setObjectName("card")
    column = QVBoxLayout(card)
    column.setContentsMargins(18, 16, 18, 16)
    column.setSpacing(10)
    heading = QLabel(title)
    heading.setProperty("role", "heading")
    column.addWidget(heading)
    return card, column


def _main_button(text: str, pressed: object) -> QPushButton:
    button = QPushButton(text)
    button.setProperty("role", "main")
    button.clicked.connect(lambda: pressed())  # type: ignore[operator]
    return button


def _buttons(*buttons: QPushButton) -> QHBoxLayout:
    line = QHBoxLayout()
    line.addStretch(1)
    for button in buttons:
        line.addWidget(button)
    return line
