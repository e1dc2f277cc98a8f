"""Figures for whoever wants to know how it goes, and the bundle for whoever helps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil
from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.gui.status_words import health_rows, measure_load

if TYPE_CHECKING:
    from core.run.live_status import LiveStatus


_VALUE_PX = 120
"""Figures that grow must not push each other about."""


class HealthPanel(QWidget):
    """Counters of the run and of the program.

    Signals:
        bundleWanted: the support bundle is asked for.
    """

    bundleWanted = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("page")
        self._process = psutil.Process()
        self._values: dict[tuple[str, str], QLabel] = {}
        self._names: tuple[tuple[str, str], ...] = ()
        self._table = QWidget()
        self.notes = QLabel()
        self.notes.setWordWrap(True)
        self.notes.setProperty("role", "muted")
        self.bundle = QPushButton("Save a support bundle…")
        self.bundle.setToolTip(
            "Versions, machine, plan, figures of the last minute, settings and log in one file, "
            "without passwords and without your name."
        )
        self.bundle.clicked.connect(self.bundleWanted)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(16, 10, 16, 14)
        self._column.addWidget(self._table)
        self._column.addWidget(self.notes)
        self._column.addStretch(1)
        self._column.addWidget(self.bundle)
        self.show_status(None)

    def show_status(self, status: LiveStatus | None) -> None:
        """Show the figures of now."""
        groups = health_rows(status, measure_load(self._process))
        names = tuple((group, name) for group, rows in groups for name, _ in rows)
        if names != self._names:
            self._lay_out(groups)
            self._names = names
        for group, rows in groups:
            for name, value in rows:
                self._values[group, name].setText(value)
        self.notes.setText("" if status is None else "\n".join(status.notes))
        self.notes.setVisible(bool(self.notes.text()))

    def _lay_out(self, groups: list[tuple[str, list[tuple[str, str]]]]) -> None:
        table = QWidget()
        grid = QGridLayout(table)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(3)
        grid.setColumnMinimumWidth(1, _VALUE_PX)
        grid.setColumnStretch(0, 1)
        self._values = {}
        for group, rows in groups:
            heading = QLabel(group)
            heading.setProperty("role", "heading")
            heading.setContentsMargins(0, 8, 0, 2)
            grid.addWidget(heading, grid.rowCount(), 0, 1, 2)
            for name, _ in rows:
                line, value = grid.rowCount(), QLabel()
                value.setProperty("role", "value")
                value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                value.setAccessibleName(f"{group}: {name}")
                grid.addWidget(QLabel(name), line, 0)
                grid.addWidget(value, line, 1)
                self._values[group, name] = value
        self._column.replaceWidget(self._table, table)
        self._table.hide()
        self._table.deleteLater()
        self._table = table
