"""One widget for each setting, made from the setting's own field: range, kind, explanation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QSignalBlocker, pyqtSignal
from PyQt6.QtWidgets import QVBoxLayout, QWidget

from app.gui.editors import Editor, Row, make_editor
from core.settings import EnhanceSettings, LiveSettings

if TYPE_CHECKING:
    from core.settings import Model

ENHANCE_ROWS = (
    Row("strength", "Strength", "%"),
    Row("protect_highlights", "Protect highlights", "%"),
    Row("steady", "Denoise", "%"),
    Row("prior_every", "Refresh prior every", " frames"),
    Row("model", "Model"),
)
LIVE_ROWS = (
    Row("plan", "Plan", words=("Auto", "Fast", "Full")),
    Row("auto", "Auto: only while it is dark"),
)


class SettingsPanel(QWidget):
    """The controls for a LiveSettings; holds none itself.

    Signals:
        edited: the LiveSettings as the user has made them.
    """

    edited = pyqtSignal(object)

    def __init__(self, settings: LiveSettings) -> None:
        super().__init__()
        self.setObjectName("page")
        self._settings = settings
        self.editors: dict[str, Editor] = {}
        """By the name of the field."""
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(6)
        for kind, rows in ((EnhanceSettings, ENHANCE_ROWS), (LiveSettings, LIVE_ROWS)):
            for row in rows:
                self._add(column, kind, row)
        column.addStretch(1)
        self.show_settings(settings)

    def show_settings(self, settings: LiveSettings) -> None:
        """Show these, without telling of an edit."""
        self._settings = settings
        for name, editor in self.editors.items():
            group: Model = settings.enhance if hasattr(settings.enhance, name) else settings
            with QSignalBlocker(editor):
                editor.show_value(getattr(group, name))

    def _add(self, column: QVBoxLayout, kind: type[Model], row: Row) -> None:
        editor = make_editor(kind.model_fields[row.name], row)
        editor.edited.connect(lambda value: self._edit(row.name, value))
        self.editors[row.name] = editor
        column.addWidget(editor)
        column.addSpacing(6)

    def _edit(self, name: str, value: object) -> None:
        enhance = self._settings.enhance
        if name in EnhanceSettings.model_fields:
            update: dict[str, Any] = {"enhance": enhance.model_copy(update={name: value})}
        else:
            update = {name: value}
        self._settings = self._settings.model_copy(update=update)
        self.edited.emit(self._settings)
