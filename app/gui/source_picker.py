"""Where the picture comes from: a camera, an address, a file, a test pattern."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QBoxLayout,
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.gui.camera_card import CameraCard
from app.gui.cards import buttons, card, main_button, make_form
from app.gui.source_words import source_words, with_login
from core.media.addresses import is_network, split_login

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PyQt6.QtGui import QResizeEvent

TEST_PATTERN = "test:"
TRIAL = f"fault:drop=0.02,freeze=0.02,late=0.01,corrupt=0.02,disconnect=0.003:{TEST_PATTERN}"
_BESIDE_PX = 640
"""Two cards beside each other need so much."""
_FILMS = "Videos (*.mp4 *.mkv *.mov *.avi *.webm *.m4v *.ts);;All files (*)"


class SourcePicker(QScrollArea):
    """A page with every kind of source.

    Signals:
        chosen: the address of a source, as `open_live` takes it; may hold a password.
    """

    chosen = pyqtSignal(str)

    def __init__(self, recent: Sequence[str]) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setObjectName("picker")
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        page = QWidget()
        page.setObjectName("picker")
        self.setWidget(page)
        self._last = ""
        self.camera = CameraCard()
        self.camera.chosen.connect(self.chosen)
        self._cards = self._make_cards(recent)
        outer = QHBoxLayout(page)
        outer.setContentsMargins(20, 24, 20, 24)
        outer.addStretch(1)
        outer.addLayout(self._column(), 12)
        outer.addStretch(1)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Put the cards below each other where there is no room beside each other."""
        super().resizeEvent(event)
        has_room = self.width() >= _BESIDE_PX
        kind = QBoxLayout.Direction
        self._cards.setDirection(kind.LeftToRight if has_room else kind.TopToBottom)

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

    def _column(self) -> QVBoxLayout:
        title = QLabel("Choose a source")
        title.setProperty("role", "title")
        hint = QLabel("A film can also be dropped onto this window.")
        hint.setProperty("role", "muted")
        hint.setWordWrap(True)
        self.again = QPushButton()
        self.again.setProperty("role", "link")
        self.again.clicked.connect(lambda: self.chosen.emit(self._last))
        self.again.hide()
        top = QHBoxLayout()
        top.addWidget(hint, 1)
        top.addWidget(self.again)
        column = QVBoxLayout()
        column.addStretch(1)
        column.addWidget(title)
        column.addLayout(top)
        column.addSpacing(12)
        column.addLayout(self._cards)
        column.addStretch(2)
        return column

    def _make_cards(self, recent: Sequence[str]) -> QBoxLayout:
        right = QVBoxLayout()
        right.setSpacing(16)
        right.addWidget(self._address_card(recent))
        right.addWidget(self._file_card())
        right.addStretch(1)
        cards = QHBoxLayout()
        cards.setSpacing(16)
        cards.addWidget(self.camera, 1)
        cards.addLayout(right, 1)
        return cards

    def _address_card(self, recent: Sequence[str]) -> QWidget:
        frame, column = card("Network camera or stream")
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
        form = make_form()
        form.addRow("Address", self.address)
        form.addRow("User", self.user)
        form.addRow("Password", self.password)
        column.addLayout(form)
        self.connect_button = main_button("Connect", self._choose_address)
        column.addLayout(buttons(self.connect_button))
        return frame

    def _file_card(self) -> QWidget:
        frame, column = card("Film or test")
        self.loop = QCheckBox("Begin again at the end")
        self.loop.setAccessibleName("Begin the film again at its end")
        self.pattern = QPushButton("Test pattern")
        self.pattern.clicked.connect(lambda: self.chosen.emit(TEST_PATTERN))
        self.trial = QPushButton("Test my setup")
        self.trial.setToolTip(
            "The test pattern as a bad camera sends it: frames lost, frozen, late and damaged, and "
            "now and then the connection."
        )
        self.trial.clicked.connect(lambda: self.chosen.emit(TRIAL))
        column.addWidget(self.loop)
        column.addLayout(buttons(main_button("Open a film…", self._choose_file)))
        column.addLayout(buttons(self.trial, self.pattern))
        return frame

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
