"""The window: layout, menus and keys; what they do is the session's."""

from __future__ import annotations

import base64
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtCore import QByteArray, Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QHBoxLayout,
    QMainWindow,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.gui.actions import WITH_ICON, make_actions, make_menu
from app.gui.banner import Banner
from app.gui.desktop import ask_for_bundle, dropped_file, open_folder, show_keys
from app.gui.preferences import load_preferences, log_path, save_preferences
from app.gui.session import RecordingState, Session
from app.gui.side_panel import SidePanel
from app.gui.source_picker import SourcePicker
from app.gui.status_strip import StatusStrip
from app.gui.status_words import ON_PICTURE, overlay_lines
from app.gui.support_bundle import Facts, write_bundle
from app.gui.tool_strip import MODE_WORDS, ToolStrip
from app.gui.video_view import VideoView
from app.gui.view_geometry import ViewMode
from core.errors import WriterError
from core.media.camera_list import list_cameras
from core.run.live_status import LiveState

if TYPE_CHECKING:
    from collections.abc import Callable

    from PyQt6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent

    from app.gui.notices import Notice
    from app.gui.preferences import Preferences, RecordChoice, ThemeName
    from app.gui.theme import Theme
    from app.gui.view_contract import MakeRun
    from core.run.live_status import LiveStatus
    from core.settings import LiveSettings

_STRENGTH_STEP = 0.05


class MainWindow(QMainWindow):
    """Shows a session and hands it what the user does.

    Signals:
        gone: the window was closed and nothing is left running.
    """

    gone = pyqtSignal()

    def __init__(self, theme: Theme, preferences_file: Path, make_run: MakeRun) -> None:
        super().__init__()
        self._theme, self._file = theme, preferences_file
        self.preferences = load_preferences(preferences_file)
        theme.choose(self.preferences.theme)
        self.view = VideoView()
        self.session = Session(self.view, self.preferences.live, make_run)
        self._may_close = self._is_closing = False
        self._actions = make_actions(self)
        self._lay_out()
        self._connect()
        self._recall()

    def open(self, uri: str) -> None:
        """Open a source and show it."""
        self._remember(self.preferences.with_source(uri))
        self._stack.setCurrentWidget(self.view)
        self._actions["source"].setChecked(False)
        self.session.open(uri)
        self.view.setFocus()

    def show_picker(self, shown: bool) -> None:
        """Show the page with the sources, or the picture again."""
        self._actions["source"].setChecked(shown)
        self._stack.setCurrentWidget(self.picker if shown else self.view)
        if shown:
            self.session.look_up(list_cameras)
            self.picker.setFocus()

    # Layout --------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.setWindowTitle("LowLux")
        self.setAcceptDrops(True)
        self.resize(1360, 800)
        menu = make_menu(
            self, self._actions, self.preferences.theme, self.choose_theme, self.save_bundle
        )
        self.tools = ToolStrip(self._actions, menu, self._theme)
        self.banner, self.status = Banner(self._theme), StatusStrip()
        self.picker = SourcePicker(self.preferences.recent)
        self.picker.show_last(self.preferences.uri)
        self.side = SidePanel(self.preferences)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.picker)
        self._stack.addWidget(self.view)
        body = QHBoxLayout()
        body.setSpacing(0)
        body.addWidget(self._stack, 1)
        body.addWidget(self.side)
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.tools)
        column.addWidget(self.banner)
        column.addLayout(body, 1)
        column.addWidget(self.status)
        self.status.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setCentralWidget(whole)

    # Wiring --------------------------------------------------------------------------------------

    def _connect(self) -> None:
        session = self.session
        self.view.framePainted.connect(session.painted)
        session.settingsChanged.connect(self._show_settings)
        session.statusChanged.connect(self._show_status)
        session.recordingChanged.connect(self._show_recording)
        session.noticed.connect(self._show_notice)
        session.sourceChanged.connect(self._show_title)
        session.found.connect(self.picker.show_cameras)
        session.closed.connect(self._closed)
        self.picker.chosen.connect(self.open)
        self.picker.camerasWanted.connect(lambda: session.look_up(list_cameras))
        self.side.controls.edited.connect(session.change)
        self.side.recording.edited.connect(self._choose_recording)
        self.side.recording.keepEdited.connect(self._keep)
        self.side.recording.recordWanted.connect(self.toggle_recording)
        self.side.recording.snapshotWanted.connect(self.snapshot)
        self.side.recording.saveLastWanted.connect(self.save_last)
        self.side.health.bundleWanted.connect(self.save_bundle)
        self.tools.modeChosen.connect(self.choose_mode)
        self.tools.pauseWanted.connect(session.toggle_pause)
        self._theme.changed.connect(self._draw_icons)
        for name, does in self._deeds().items():
            self._actions[name].triggered.connect(does)

    def _deeds(self) -> dict[str, Callable[..., object]]:
        nudge = self.session.nudge_strength
        return {
            "pause": self._space,
            "weaker": lambda: nudge(-_STRENGTH_STEP),
            "stronger": lambda: nudge(_STRENGTH_STEP),
            "next_view": lambda: self._step_mode(1),
            "previous_view": lambda: self._step_mode(-1),
            "fit": self.view.fit,
            "actual_size": self.view.actual_size,
            "overlay": self._show_overlay,
            "histogram": self._show_histogram,
            "record": self.toggle_recording,
            "snapshot": self.snapshot,
            "save_last": self.save_last,
            "lend": self.session.toggle_lending,
            "source": self.show_picker,
            "panel": self._show_panel,
            "full_screen": self._full_screen,
            "on_top": self._keep_on_top,
            "help": lambda: show_keys(self),
            "leave_full_screen": lambda: self._full_screen(False),
            "quit": self.close,
        }

    def _recall(self) -> None:
        """What was remembered."""
        preferences = self.preferences
        known = ViewMode.__members__
        self.choose_mode(known.get(preferences.view, ViewMode.SIDE_BY_SIDE))
        self._actions["overlay"].setChecked(preferences.overlay)
        self._actions["histogram"].setChecked(preferences.histogram)
        self._actions["panel"].setChecked(preferences.panel)
        self._actions["on_top"].setChecked(preferences.on_top)
        self.view.set_histogram(preferences.histogram)
        self.side.setVisible(preferences.panel)
        self.side.recording.show_keep(preferences.live.keep_seconds)
        self.setWindowFlag(Qt.WindowType.WindowStaysOnTopHint, preferences.on_top)
        if preferences.geometry:
            self.restoreGeometry(QByteArray(base64.b64decode(preferences.geometry)))
        self._show_status(None)
        self._draw_icons()
        self.show_picker(True)

    def _draw_icons(self) -> None:
        for name in WITH_ICON:
            colour = self._theme.colours.bad if name == "record" else None
            self._actions[name].setIcon(self._theme.icon(name, colour))
        self.tools.show_paused(self.session.state is LiveState.PAUSED)

    # What the user does --------------------------------------------------------------------------

    def choose_mode(self, mode: ViewMode) -> None:
        """Take another view."""
        self.view.set_mode(mode)
        self.tools.show_mode(mode)
        self._remember(self.preferences.model_copy(update={"view": mode.name}))

    def toggle_recording(self) -> None:
        """Begin or end."""
        if self.session.recording is RecordingState.IDLE:
            self.session.record(self.preferences.record)
        else:
            self.session.stop_recording()

    def snapshot(self) -> None:
        """Save both pictures."""
        self.session.snapshot(self.preferences.record)

    def save_last(self) -> None:
        """Save the last seconds."""
        self.session.save_last(self.preferences.record)

    def save_bundle(self) -> None:
        """Ask where to, and write the support bundle there."""
        path = ask_for_bundle(self)
        if path is not None:
            self.write_bundle(path)

    def write_bundle(self, path: Path) -> None:
        """Write the support bundle into a file."""
        facts = Facts(self._current(), tuple(self.session.history), log_path())
        self.session.save(lambda: write_bundle(path, facts), f"{path.name} saved.", path.parent)

    def _space(self) -> None:
        """Space presses what has the focus, and is the picture's everywhere else."""
        focused = QApplication.focusWidget()
        if isinstance(focused, QAbstractButton):
            focused.click()
        elif isinstance(focused, QComboBox):
            focused.showPopup()
        else:
            self.session.toggle_pause()

    def _step_mode(self, by: int) -> None:
        modes = list(MODE_WORDS)
        self.choose_mode(modes[(modes.index(self.view.mode) + by) % len(modes)])

    def _show_overlay(self, shown: bool) -> None:
        self._remember(self.preferences.model_copy(update={"overlay": shown}))
        if not shown:
            self.view.set_overlay(())

    def _show_histogram(self, shown: bool) -> None:
        self._remember(self.preferences.model_copy(update={"histogram": shown}))
        self.view.set_histogram(shown)

    def _show_panel(self, shown: bool) -> None:
        self._remember(self.preferences.model_copy(update={"panel": shown}))
        self.side.setVisible(shown)

    def _full_screen(self, wanted: bool) -> None:
        self._actions["full_screen"].setChecked(wanted)
        for part in (self.tools, self.status):
            part.setVisible(not wanted)
        self.side.setVisible(not wanted and self.preferences.panel)
        if wanted != self.isFullScreen():
            self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def _keep_on_top(self, wanted: bool) -> None:
        self._remember(self.preferences.model_copy(update={"on_top": wanted}))
        self.setWindowFlag(Qt.WindowType.WindowStaysOnTopHint, wanted)
        self.show()

    def choose_theme(self, name: ThemeName) -> None:
        """Take another theme, or the system's."""
        self._remember(self.preferences.model_copy(update={"theme": name}))
        self._theme.choose(name)

    def _choose_recording(self, choice: RecordChoice) -> None:
        self._remember(self.preferences.model_copy(update={"record": choice}))

    def _keep(self, seconds: float) -> None:
        self.session.change(self.session.settings.model_copy(update={"keep_seconds": seconds}))

    # What the session tells ----------------------------------------------------------------------

    def _show_settings(self, settings: LiveSettings) -> None:
        self.side.controls.show_settings(settings)
        self.side.recording.show_keep(settings.keep_seconds)
        self._remember(self.preferences.model_copy(update={"live": settings}))

    def _show_title(self, title: str) -> None:
        self.tools.show_title(title)
        self.setWindowTitle(f"{title} – LowLux")
        self.view.set_notice(ON_PICTURE[LiveState.OPENING])

    def _show_status(self, status: LiveStatus | None) -> None:
        self.status.show_status(status)
        self.side.show_status(status)
        for name in ("record", "snapshot", "save_last"):
            self._actions[name].setEnabled(status is not None)
        self.tools.pause.setEnabled(status is not None)
        self._actions["lend"].setEnabled(status is not None)
        self._actions["lend"].setChecked(status is not None and bool(status.lent_as))
        if status is None:
            self.view.set_overlay(())
            self.banner.stand("")
            return
        if self.windowTitle() != f"{status.title} – LowLux":
            self.tools.show_title(status.title)
            self.setWindowTitle(f"{status.title} – LowLux")
        is_paused = status.state is LiveState.PAUSED
        self.tools.show_paused(is_paused)
        self.view.set_still(is_paused)
        self.view.set_notice(ON_PICTURE.get(status.state, ""))
        self._show_trouble(status)
        if self.preferences.overlay:
            model = self.session.settings.enhance.model
            self.view.set_overlay(overlay_lines(status, self.session.pair, Path(model).stem))

    def _show_trouble(self, status: LiveStatus) -> None:
        if status.state is LiveState.FAILED:
            self.banner.stand(status.trouble, "Try again", self.session.open_again)
        elif self.session.can_keep_rate:
            self.banner.stand(status.trouble, "Keep the frame rate", self.session.keep_rate)
        else:
            self.banner.stand(status.trouble)

    def _show_recording(self, state: RecordingState) -> None:
        self.side.recording.show_state(state)
        is_on = state is RecordingState.ON
        action = self._actions["record"]
        action.setIcon(self._theme.icon("stop" if is_on else "record", self._theme.colours.bad))

    def _show_notice(self, notice: Notice) -> None:
        folder = notice.folder
        if folder is None:
            self.banner.tell(notice.kind, notice.text)
        else:
            self.banner.tell(notice.kind, notice.text, "Open folder", partial(open_folder, folder))

    # Closing -------------------------------------------------------------------------------------

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """Finish what is under way first; the window goes when that is done."""
        assert event is not None
        if self._may_close:
            event.accept()
            self.gone.emit()
            return
        event.ignore()
        if not self._is_closing:
            self._is_closing = True
            self._save()
            if self.session.recording is RecordingState.IDLE:
                self.hide()
            else:
                self.banner.tell("busy", "Finishing the recording; the window closes after that.")
            self.session.close()

    def _closed(self, fine: bool) -> None:
        self._may_close = True
        if fine:
            self.close()
        else:
            # What went wrong with the recording is told in the banner: it has to be seen.
            self.show()

    def _remember(self, preferences: Preferences) -> None:
        self.preferences = preferences

    def _current(self) -> Preferences:
        geometry = self.saveGeometry().toBase64().data().decode()
        update = {"geometry": geometry, "live": self.session.settings}
        return self.preferences.model_copy(update=update)

    def _save(self) -> None:
        try:
            save_preferences(self._file, self._current())
        except WriterError as error:
            self.banner.tell("trouble", str(error))

    # Drag and drop -------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        """Take a film."""
        if event is not None and dropped_file(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:
        """Open it."""
        if event is not None and (path := dropped_file(event)):
            event.acceptProposedAction()
            self.picker.choose_path(path)
