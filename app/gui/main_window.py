"""The window: what the user does with it, what it remembers, how it is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QMainWindow

from app.gui.actions import make_actions, make_menu
from app.gui.desktop import ask_for_bundle, geometry_of, place, press_focused, show_keys
from app.gui.display import Display
from app.gui.preferences import load_preferences, log_path, save_preferences
from app.gui.recording import RecordingState
from app.gui.session import Session
from app.gui.support_bundle import Facts, write_bundle
from app.gui.tool_strip import MODE_WORDS
from app.gui.video_view import VideoView
from app.gui.view_layers import ViewMode
from core.errors import WriterError
from core.media.camera_list import list_cameras

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from PyQt6.QtGui import QCloseEvent

    from app.gui.preferences import Preferences, RecordChoice, ThemeName
    from app.gui.theme import Theme
    from app.gui.view_contract import MakeRun

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
        self.session.saver.choice = self.preferences.record
        self._may_close = self._is_closing = False
        self._actions = make_actions(self)
        menu = make_menu(
            self, self._actions, self.preferences.theme, self.choose_theme, self.save_bundle
        )
        self.display = Display(
            self.view, self.session, self._actions, menu, theme, self.preferences
        )
        self.display.windowTitleChanged.connect(self.setWindowTitle)
        self.setWindowTitle("LowLux")
        self.resize(1360, 800)
        self.setCentralWidget(self.display)
        self._connect()
        self._recall()

    def open(self, uri: str) -> None:
        """Open a source and show it."""
        self.display.show_picker(False)
        self.session.open(uri)

    def show_picker(self, shown: bool) -> None:
        """Show the page with the sources, or the picture again."""
        self.display.show_picker(shown)
        if shown:
            self._look_for_cameras()

    # Wiring --------------------------------------------------------------------------------------

    def _connect(self) -> None:
        session, display, side = self.session, self.display, self.display.side
        self.view.framePainted.connect(session.painted)
        session.closed.connect(self._closed)
        session.sourceChanged.connect(self._remember_source)
        display.picker.chosen.connect(self.open)
        display.picker.camera.camerasWanted.connect(self._look_for_cameras)
        display.picker.camera.edited.connect(self._remember_camera)
        display.tools.modeChosen.connect(self.choose_mode)
        display.tools.pauseWanted.connect(session.toggle_pause)
        side.controls.edited.connect(session.change)
        side.recording.edited.connect(self._choose_recording)
        side.recording.keepEdited.connect(self._keep)
        side.recording.recordWanted.connect(session.saver.toggle_recording)
        side.recording.snapshotWanted.connect(session.saver.snapshot)
        side.recording.saveLastWanted.connect(session.saver.save_last)
        side.health.bundleWanted.connect(self.save_bundle)
        for name, does in self._deeds().items():
            self._actions[name].triggered.connect(does)

    def _deeds(self) -> dict[str, Callable[..., object]]:
        nudge, saver = self.session.nudge_strength, self.session.saver
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
            "record": saver.toggle_recording,
            "snapshot": saver.snapshot,
            "save_last": saver.save_last,
            "lend": self.session.lender.toggle,
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
        self.choose_mode(ViewMode.__members__.get(preferences.view, ViewMode.SIDE_BY_SIDE))
        for name in ("overlay", "histogram", "panel", "on_top"):
            self._actions[name].setChecked(getattr(preferences, name))
        self.view.set_histogram(preferences.histogram)
        self.display.side.setVisible(preferences.panel)
        self.setWindowFlag(Qt.WindowType.WindowStaysOnTopHint, preferences.on_top)
        place(self, preferences.geometry)
        self.show_picker(True)

    def _look_for_cameras(self) -> None:
        self.session.errands.do(list_cameras, self.display.picker.camera.show_cameras)

    # What the user does --------------------------------------------------------------------------

    def choose_mode(self, mode: ViewMode) -> None:
        """Take another view."""
        self.view.set_mode(mode)
        self.display.tools.show_mode(mode)
        self._remember(view=mode.name)

    def save_bundle(self) -> None:
        """Ask where to, and write the support bundle there."""
        if (path := ask_for_bundle(self)) is not None:
            self.write_bundle(path)

    def write_bundle(self, path: Path) -> None:
        """Write the support bundle into a file."""
        facts = Facts(self._current(), tuple(self.session.history), log_path())
        saver = self.session.saver
        saver.save(lambda: write_bundle(path, facts), f"{path.name} saved.", path.parent)

    def _space(self) -> None:
        if not press_focused():
            self.session.toggle_pause()

    def _step_mode(self, by: int) -> None:
        modes = list(MODE_WORDS)
        self.choose_mode(modes[(modes.index(self.view.mode) + by) % len(modes)])

    def _show_overlay(self, shown: bool) -> None:
        self._remember(overlay=shown)
        self.display.show_overlay(shown)

    def _show_histogram(self, shown: bool) -> None:
        self._remember(histogram=shown)
        self.view.set_histogram(shown)

    def _show_panel(self, shown: bool) -> None:
        self._remember(panel=shown)
        self.display.side.setVisible(shown)

    def _full_screen(self, wanted: bool) -> None:
        self._actions["full_screen"].setChecked(wanted)
        self.display.show_around(not wanted, panel=self.preferences.panel)
        if wanted != self.isFullScreen():
            self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def _keep_on_top(self, wanted: bool) -> None:
        self._remember(on_top=wanted)
        self.setWindowFlag(Qt.WindowType.WindowStaysOnTopHint, wanted)
        self.show()

    def choose_theme(self, name: ThemeName) -> None:
        """Take another theme, or the system's."""
        self._remember(theme=name)
        self._theme.choose(name)

    def _choose_recording(self, choice: RecordChoice) -> None:
        self._remember(record=choice)
        self.session.saver.choice = choice

    def _keep(self, seconds: float) -> None:
        self.session.change(self.session.settings.model_copy(update={"keep_seconds": seconds}))

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
            if self.session.saver.recording is RecordingState.IDLE:
                self.hide()
            else:
                self.display.banner.tell(
                    "busy", "Finishing the recording; the window closes after that."
                )
            self.session.close()

    def _closed(self, fine: bool) -> None:
        self._may_close = True
        if fine:
            self.close()
        else:
            # What went wrong with the recording is told in the banner: it has to be seen.
            self.show()

    def _remember(self, **update: object) -> None:
        self.preferences = self.preferences.model_copy(update=update)

    def _remember_source(self) -> None:
        self.preferences = self.preferences.with_source(self.session.uri)
        self.display.picker.camera.recall(self.preferences.cameras)

    def _remember_camera(self, identity: str, options: str) -> None:
        self.preferences = self.preferences.with_camera(identity, options)

    def _current(self) -> Preferences:
        update = {"geometry": geometry_of(self), "live": self.session.settings}
        return self.preferences.model_copy(update=update)

    def _save(self) -> None:
        try:
            save_preferences(self._file, self._current())
        except WriterError as error:
            self.display.banner.tell("trouble", str(error))
