"""Widgets that change one value each; a field's type and range say which it needs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from PyQt6.QtCore import QSignalBlocker, Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QSlider,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.gui.theme import ASSETS

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

_OTHER = "Another file…"
_FIELD_PX = 140


@dataclass(frozen=True, slots=True)
class Row:
    """Which field is shown, and what it is called."""

    name: str
    """Of the field."""
    label: str
    """A word or two."""
    unit: str = ""
    """Behind the number."""
    words: tuple[str, ...] = ()
    """For the choices of a Literal, in its order."""


class Editor(QWidget):
    """A label and what changes one value.

    Signals:
        edited: the value as the user has made it.
    """

    edited = pyqtSignal(object)

    def __init__(self, row: Row, explanation: str) -> None:
        super().__init__()
        self.setToolTip(explanation)
        self.row, self.explanation = row, explanation

    def show_value(self, value: Any) -> None:
        """Show a value."""
        raise NotImplementedError

    def name(self, widget: QWidget) -> None:
        """Give the widget its name and meaning for screen readers."""
        widget.setAccessibleName(self.row.label)
        widget.setAccessibleDescription(self.explanation)

    def label(self, widget: QWidget) -> QLabel:
        """A label that belongs to the widget."""
        self.name(widget)
        label = QLabel(self.row.label)
        label.setBuddy(widget)
        return label


def make_editor(field: FieldInfo, row: Row) -> Editor:
    """The widget a field asks for by its type and range.

    Raises:
        TypeError: there is no widget for such a field.
    """
    explanation = f"{field.description}."
    bounds = {
        name: getattr(bound, name)
        for bound in field.metadata
        for name in ("ge", "le")
        if hasattr(bound, name)
    }
    if get_origin(field.annotation) is Literal:
        return ChoiceEditor(row, explanation, get_args(field.annotation))
    if field.annotation is bool:
        return SwitchEditor(row, explanation)
    if field.annotation is int:
        return CountEditor(row, explanation, bounds["ge"], bounds["le"])
    if field.annotation is float:
        return ShareEditor(row, explanation, bounds["ge"], bounds["le"])
    if field.annotation is str:
        return ModelEditor(row, explanation)
    raise TypeError(f"{row.name} is of a type that has no widget: {field.annotation}")


class ShareEditor(Editor):
    """A slider in hundredths."""

    def __init__(self, row: Row, explanation: str, least: float, most: float) -> None:
        super().__init__(row, explanation)
        self._unit = row.unit
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(round(100 * least), round(100 * most))
        self.slider.setPageStep(10)
        self._value = QLabel()
        self._value.setProperty("role", "value")
        top = QHBoxLayout()
        top.addWidget(self.label(self.slider))
        top.addStretch(1)
        top.addWidget(self._value)
        column = _column(self)
        column.addLayout(top)
        column.addWidget(self.slider)
        self.slider.valueChanged.connect(self._slid)

    def show_value(self, value: Any) -> None:
        """Show a share."""
        with QSignalBlocker(self.slider):
            self.slider.setValue(round(100 * value))
        self._value.setText(f"{self.slider.value()} {self._unit}")

    def _slid(self, hundredths: int) -> None:
        self._value.setText(f"{hundredths} {self._unit}")
        self.edited.emit(hundredths / 100)


class CountEditor(Editor):
    """A number that is typed or stepped."""

    def __init__(self, row: Row, explanation: str, least: int, most: int) -> None:
        super().__init__(row, explanation)
        self.spin = QSpinBox()
        self.spin.setRange(least, most)
        self.spin.setSuffix(row.unit)
        # "120" is meant to be one change, not three.
        self.spin.setKeyboardTracking(False)
        _line(self, self.label(self.spin), self.spin)
        self.spin.valueChanged.connect(lambda count: self.edited.emit(count))

    def show_value(self, value: Any) -> None:
        """Show a count."""
        with QSignalBlocker(self.spin):
            self.spin.setValue(value)


class ChoiceEditor(Editor):
    """One of a few."""

    def __init__(self, row: Row, explanation: str, choices: tuple[Any, ...]) -> None:
        super().__init__(row, explanation)
        self.box = QComboBox()
        for choice, word in zip(choices, row.words, strict=True):
            self.box.addItem(word, choice)
        _line(self, self.label(self.box), self.box)
        self.box.activated.connect(lambda _: self.edited.emit(self.box.currentData()))

    def show_value(self, value: Any) -> None:
        """Show a choice."""
        self.box.setCurrentIndex(self.box.findData(value))


class SwitchEditor(Editor):
    """Yes or no."""

    def __init__(self, row: Row, explanation: str) -> None:
        super().__init__(row, explanation)
        self.box = QCheckBox(row.label)
        self.name(self.box)
        _column(self).addWidget(self.box)
        self.box.toggled.connect(lambda on: self.edited.emit(on))

    def show_value(self, value: Any) -> None:
        """Show whether it is on."""
        with QSignalBlocker(self.box):
            self.box.setChecked(value)


class ModelEditor(Editor):
    """A shipped model, or a file."""

    def __init__(self, row: Row, explanation: str) -> None:
        super().__init__(row, explanation)
        self.box = QComboBox()
        self._shown = ""
        for model in shipped_models():
            self.box.addItem(model, model)
        self.box.addItem(_OTHER)
        _line(self, self.label(self.box), self.box)
        self.box.activated.connect(self._chosen)

    def show_value(self, value: Any) -> None:
        """Show a model's name; a file is added to the list."""
        self._shown = value
        if self.box.findData(value) < 0:
            self.box.insertItem(self.box.count() - 1, Path(value).stem, value)
        self.box.setCurrentIndex(self.box.findData(value))

    def _chosen(self, _: int) -> None:
        model = self.box.currentData()
        if model is None:
            model, _kind = QFileDialog.getOpenFileName(
                self, "Choose a model", "", "Models (*.safetensors)"
            )
        if model and model != self._shown:
            self.show_value(model)
            self.edited.emit(model)
        else:
            self.show_value(self._shown)


def shipped_models() -> list[str]:
    """Names of the models that enhance; the semantic priors beside them do not."""
    return sorted(path.stem for path in (ASSETS / "models").glob("deepspg*.safetensors"))


def _column(parent: QWidget) -> QVBoxLayout:
    column = QVBoxLayout(parent)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(2)
    return column


def _line(parent: QWidget, label: QLabel, widget: QWidget) -> None:
    line = QHBoxLayout(parent)
    line.setContentsMargins(0, 0, 0, 0)
    line.addWidget(label, 1)
    line.addWidget(widget)
    widget.setFixedWidth(_FIELD_PX)
