"""Starts the window."""

from __future__ import annotations

import logging
import sys
from importlib.metadata import version
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING

from PyQt6.QtGui import QIcon
from PyQt6.QtWidgets import QApplication

from app.discreet import DiscreetFormatter
from app.gui.main_window import MainWindow
from app.gui.preferences import log_path, preferences_path
from app.gui.quit_signals import heeding_signals
from app.gui.theme import ASSETS, Theme
from core.run.background import tell_of_failed_threads

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from app.gui.view_contract import Run
    from core.settings import LiveSettings

_log = logging.getLogger("lowlux")
_LOG_BYTES = 1_000_000


def start(uri: str | None) -> int:
    """Shows the window until it is closed.

    Args:
        uri: what to open at once; see `open_live`. None shows the choice of sources.

    Returns:
        The program's exit code.
    """
    application = QApplication(sys.argv[:1])
    application.setApplicationName("lowlux")
    application.setApplicationDisplayName("LowLux")
    application.setDesktopFileName("lowlux")
    application.setWindowIcon(QIcon(str(ASSETS / "icons" / "lowlux.svg")))
    # The window says itself when it is gone; a hidden one may still be finishing a recording.
    application.setQuitOnLastWindowClosed(False)
    _write_log()
    window = MainWindow(Theme(application), preferences_path(), make_run)
    _catch_errors(window)
    window.gone.connect(application.quit)
    with heeding_signals(lambda: _leave(application, window)):
        window.show()
        _log.info("LowLux %s, its window is open", version("lowlux"))
        if uri is not None:
            window.open(uri)
        return application.exec()


def make_run(uri: str, settings: LiveSettings, tell: Callable[[], None]) -> Run:
    """A live run; PyTorch comes with it, which takes its time, so this runs in the background."""
    from core.run.live import LiveRun

    return LiveRun(uri, settings, tell=tell)


def _leave(application: QApplication, window: MainWindow) -> None:
    """Finish what is under way and end, even where the window would stay to tell of trouble."""
    window.session.closed.connect(lambda _: application.quit())
    window.close()


def _write_log() -> None:
    """Into a file that is small and bears no secret; without one where it cannot be written."""
    path = log_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(path, maxBytes=_LOG_BYTES, backupCount=1, encoding="utf-8")
    except OSError:
        return
    handler.setFormatter(DiscreetFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def _catch_errors(window: MainWindow) -> None:
    """What nobody caught goes into the log and is told, instead of ending the program."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            window.close()
            return
        _log.critical("Nobody caught this", exc_info=(kind, error, trace))
        window.session.say(error)

    sys.excepthook = hook
    tell_of_failed_threads(window.session.say_later)
