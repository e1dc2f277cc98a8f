"""What pages of the window are put together from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtWidgets import (
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def card(title: str) -> tuple[QWidget, QVBoxLayout]:
    """A frame with a heading, and the column that is filled below it."""
    frame = QFrame()
    frame.setObjectName("card")
    column = QVBoxLayout(frame)
    column.setContentsMargins(18, 16, 18, 16)
    column.setSpacing(10)
    heading = QLabel(title)
    heading.setProperty("role", "heading")
    column.addWidget(heading)
    return frame, column


def main_button(text: str, pressed: Callable[[], object]) -> QPushButton:
    """The one that is meant to be pressed."""
    button = QPushButton(text)
    button.setProperty("role", "main")
    button.clicked.connect(lambda: pressed())
    return button


def buttons(*shown: QPushButton) -> QHBoxLayout:
    """Beside each other, to the right."""
    line = QHBoxLayout()
    line.addStretch(1)
    for button in shown:
        line.addWidget(button)
    return line


def make_form() -> QFormLayout:
    """Labels to the left, fields as wide as there is room."""
    form = QFormLayout()
    form.setVerticalSpacing(8)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return form
