"""The panel beside the picture: how it looks, what is recorded, how it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QScrollArea, QTabWidget, QWidget

from app.gui.controls import SettingsPanel
from app.gui.health_panel import HealthPanel
from app.gui.recording_panel import RecordingPanel

if TYPE_CHECKING:
    from app.gui.preferences import Preferences
    from core.run.live_status import LiveStatus

_WIDTH_PX = 312


class SidePanel(QTabWidget):
    """Three pages, each of which scrolls where the window is low."""

    def __init__(self, preferences: Preferences) -> None:
        super().__init__()
        self.setObjectName("side")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedWidth(_WIDTH_PX)
        self.setDocumentMode(True)
        self.controls = SettingsPanel(preferences.live)
        self.recording = RecordingPanel(preferences.record)
        self.health = HealthPanel()
        for name, page in (
            ("Picture", self.controls),
            ("Record", self.recording),
            ("Health", self.health),
        ):
            self.addTab(_scrolling(page), name)
        self.currentChanged.connect(lambda _: self.show_status(self._status))
        self._status: LiveStatus | None = None

    def show_status(self, status: LiveStatus | None) -> None:
        """Show how it goes."""
        self._status = status
        self.recording.show_status(status)
        if self.health.isVisible():
            self.health.show_status(status)


def _scrolling(page: QWidget) -> QScrollArea:
    scroll = QScrollArea()
    scroll.setObjectName("scroll")
    scroll.setWidgetResizable(True)
    scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    scroll.setWidget(page)
    return scroll
