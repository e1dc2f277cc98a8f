"""Opens the window, or says why there can be none."""

from __future__ import annotations

import os
import sys

from app.report import tell_error

NO_WINDOW = 1
_SCREENS = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")


def open_window(uri: str | None) -> int:
    """Shows the window until it is closed; the program's exit code.

    Args:
        uri: the source to show first; none for the user to choose.
    """
    if sys.platform.startswith("linux") and not any(map(os.environ.get, _SCREENS)):
        # Qt would end the program without a word that we could choose.
        return _refuse("there is no screen")
    try:
        from app.gui.start import start
    except ImportError as error:
        return _refuse(f"PyQt6 cannot be loaded ({error})")
    return start(uri)


def _refuse(reason: str) -> int:
    tell_error(
        f"The window cannot be opened: {reason}. Without one, lowlux live --headless --source ... "
        "does the same."
    )
    return NO_WINDOW
