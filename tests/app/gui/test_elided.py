"""Words give way, and their colour is the theme's."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QColor, QImage
from pytestqt.qtbot import QtBot

from app.gui.elided import ElidedLabel

TEXT = "deepspg-lite on 320 px, every 3rd frame (int8, openvino, 1 thread)"


@pytest.mark.parametrize(
    ("cut", "begins", "ends"),
    [(Qt.TextElideMode.ElideRight, "deepspg", "…"), (Qt.TextElideMode.ElideMiddle, "deep", "d)")],
)
def test_what_has_no_room_is_cut(
    qtbot: QtBot, cut: Qt.TextElideMode, begins: str, ends: str
) -> None:
    label = ElidedLabel(cut)
    qtbot.addWidget(label)
    label.setText(TEXT)
    label.resize(2000, 20)
    assert label.shown == TEXT
    label.resize(140, 20)
    assert label.shown.startswith(begins)
    assert label.shown.endswith(ends)
    assert "…" in label.shown
    assert label.text() == TEXT


def test_it_is_painted_in_its_colour(qtbot: QtBot) -> None:
    label = ElidedLabel(Qt.TextElideMode.ElideRight)
    qtbot.addWidget(label)
    label.setStyleSheet("color: #ff0000; background: #ffffff;")
    label.setText(TEXT)
    label.resize(140, 20)
    image = label.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    colours = {
        image.pixelColor(x, y).rgb() for x in range(image.width()) for y in range(image.height())
    }
    assert QColor("#ff0000").rgb() in colours
    assert QColor("#000000").rgb() not in colours
