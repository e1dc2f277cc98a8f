"""All that is seen in the window, and what the session tells shown on it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from app.gui.actions import WITH_ICON
from app.gui.banner import Banner
from app.gui.desktop import dropped_file, open_folder
from app.gui.recording import RecordingState
from app.gui.side_panel import SidePanel
from app.gui.source_picker import SourcePicker
from app.gui.status_strip import StatusStrip
from app.gui.status_words import ON_PICTURE, about_trouble, overlay_lines
from app.gui.tool_strip import ToolStrip
from core.run.live_status import LiveState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PyQt6.QtGui import QAction, QDragEnterEvent, QDropEvent
    from PyQt6.QtWidgets import QMenu

    from app.gui.notices import Notice
    from app.gui.preferences import Preferences
    from app.gui.session import Session
    from app.gui.theme import Theme
    from app.gui.video_view import VideoView
    from core.run.live_status import LiveStatus
    from core.settings import LiveSettings

_OF_A_SOURCE = ("record", "snapshot", "save_last", "lend")
"""Actions that need one."""


class Display(QWidget):
    """The tool strip, a banner, the picture or the choice of sources, the panel, the status line.

    Its title is the window's. What the user does with it is wired by the window.
    """

    def __init__(
        self,
        view: VideoView,
        session: Session,
        actions: Mapping[str, QAction],
        menu: QMenu,
        theme: Theme,
        preferences: Preferences,
    ) -> None:
        super().__init__()
        self._session, self._actions, self._theme = session, actions, theme
        self._has_overlay = preferences.overlay
        self.view = view
        self.tools = ToolStrip(actions, menu, theme)
        self.banner, self.status = Banner(theme), StatusStrip()
        self.picker = SourcePicker(preferences.recent)
        self.picker.show_last(preferences.uri)
        self.picker.camera.recall(preferences.cameras)
        self.side = SidePanel(preferences)
        self.side.recording.show_keep(preferences.live.keep_seconds)
        self.setAcceptDrops(True)
        self._lay_out()
        session.settingsChanged.connect(self._show_settings)
        session.statusChanged.connect(self._show_status)
        session.saver.recordingChanged.connect(self._show_recording)
        session.noticed.connect(self._show_notice)
        session.sourceChanged.connect(self._show_source)
        theme.changed.connect(self._draw_icons)
        self._show_status(None)
        self._draw_icons()

    def show_picker(self, shown: bool) -> None:
        """Show the page with the sources, or the picture."""
        self._actions["source"].setChecked(shown)
        page = self.picker if shown else self.view
        self._stack.setCurrentWidget(page)
        page.setFocus()

    def show_overlay(self, shown: bool) -> None:
        """Show figures over the picture, or none."""
        self._has_overlay = shown
        if not shown:
            self.view.set_overlay(())

    def show_around(self, shown: bool, *, panel: bool) -> None:
        """Show what is around the picture, with the panel or without it."""
        for part in (self.tools, self.status):
            part.setVisible(shown)
        self.side.setVisible(shown and panel)

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        """Take a film."""
        if event is not None and dropped_file(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:
        """Open it."""
        if event is not None and (path := dropped_file(event)):
            event.acceptProposedAction()
            self.picker.choose_path(path)

    def _lay_out(self) -> None:
        self._stack = QStackedWidget()
        self._stack.addWidget(self.picker)
        self._stack.addWidget(self.view)
        body = QHBoxLayout()
        body.setSpacing(0)
        body.addWidget(self._stack, 1)
        body.addWidget(self.side)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.tools)
        column.addWidget(self.banner)
        column.addLayout(body, 1)
        column.addWidget(self.status)
        self.status.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)

    def _draw_icons(self) -> None:
        for name in WITH_ICON:
            if name != "record":
                self._actions[name].setIcon(self._theme.icon(name))
        self._draw_record_icon()
        self.tools.show_paused(self._session.is_paused)

    def _draw_record_icon(self) -> None:
        is_on = self._session.saver.recording is RecordingState.ON
        icon = self._theme.icon("stop" if is_on else "record", self._theme.colours.bad)
        self._actions["record"].setIcon(icon)

    def _show_settings(self, settings: LiveSettings) -> None:
        self.side.controls.show_settings(settings)
        self.side.recording.show_keep(settings.keep_seconds)

    def _show_source(self, title: str) -> None:
        self._show_title(title)
        self.view.set_notice(ON_PICTURE[LiveState.OPENING])

    def _show_title(self, title: str) -> None:
        self.tools.show_title(title)
        self.setWindowTitle(f"{title} – LowLux")

    def _show_status(self, status: LiveStatus | None) -> None:
        self.status.show_status(status)
        self.side.show_status(status)
        for name in _OF_A_SOURCE:
            self._actions[name].setEnabled(status is not None)
        self._actions["lend"].setChecked(status is not None and bool(status.lent_as))
        self.tools.pause.setEnabled(status is not None)
        if status is None:
            self.view.set_overlay(())
            self.banner.stand("")
            self.banner.inform(())
            return
        if self.windowTitle() != f"{status.title} – LowLux":
            self._show_title(status.title)
        self.tools.show_paused(self._session.is_paused)
        self.view.set_still(self._session.is_paused)
        self.view.set_notice(ON_PICTURE.get(status.state, ""))
        self._show_trouble(status)
        self.banner.inform(status.notes)
        if self._has_overlay:
            self.view.set_overlay(overlay_lines(status, self._session.pair))

    def _show_trouble(self, status: LiveStatus) -> None:
        told, session = (status.trouble, about_trouble(status)), self._session
        if status.state is LiveState.FAILED:
            self.banner.stand(*told, "Try again", session.open_again)
        elif session.can_keep_rate:
            self.banner.stand(*told, "Keep the frame rate", session.keep_rate)
        else:
            self.banner.stand(*told)

    def _show_recording(self, state: RecordingState) -> None:
        self.side.recording.show_state(state)
        self._draw_record_icon()

    def _show_notice(self, notice: Notice) -> None:
        folder = notice.folder
        if folder is None:
            self.banner.tell(notice.kind, notice.text)
        else:
            self.banner.tell(notice.kind, notice.text, "Open folder", partial(open_folder, folder))
