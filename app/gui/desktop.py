"""What is asked of the desktop: folders, files, what has the focus, the window of the keys."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtCore import QByteArray, Qt, QUrl
from PyQt6.QtGui import QDesktopServices
from PyQt6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QFileDialog,
    QMessageBox,
)

from app.gui.shortcuts import help_text

if TYPE_CHECKING:
    from PyQt6.QtGui import QDropEvent
    from PyQt6.QtWidgets import QWidget


def open_folder(folder: Path) -> None:
    """Show a folder in the desktop's own program."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))


def dropped_file(event: QDropEvent) -> str:
    """The first file that is dragged; empty if there is none."""
    data = event.mimeData()
    urls = [] if data is None else data.urls()
    return next((url.toLocalFile() for url in urls if url.isLocalFile()), "")


def geometry_of(window: QWidget) -> str:
    """Where a window is and how large, as `place` takes it."""
    return window.saveGeometry().toBase64().data().decode()


def place(window: QWidget, geometry: str) -> None:
    """Put a window where it was; nothing happens for an empty geometry."""
    window.restoreGeometry(QByteArray.fromBase64(geometry.encode()))


def press_focused() -> bool:
    """Do what Space does to what has the focus; false where that has no use for it."""
    focused = QApplication.focusWidget()
    if isinstance(focused, QAbstractButton):
        focused.click()
    elif isinstance(focused, QComboBox):
        focused.showPopup()
    else:
        return False
    return True


def ask_for_bundle(window: QWidget) -> Path | None:
    """Where the support bundle is to go; none if that was called off."""
    name = f"lowlux-support-{datetime.now():%Y%m%d-%H%M%S}.zip"
    path, _ = QFileDialog.getSaveFileName(
        window, "Save a support bundle", str(Path.home() / name), "Zip files (*.zip)"
    )
    return Path(path) if path else None


def show_keys(window: QWidget) -> None:
    """Every key, in a window of their own that waits for nobody."""
    box = QMessageBox(window)
    box.setWindowTitle("Keys")
    box.setTextFormat(Qt.TextFormat.RichText)
    box.setText(help_text())
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.open()
