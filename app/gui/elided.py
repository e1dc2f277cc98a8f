"""Words that give way where a window is narrow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtGui import QPainter
from PyQt6.QtWidgets import QLabel, QSizePolicy, QStyleOption

if TYPE_CHECKING:
    from PyQt6.QtCore import Qt
    from PyQt6.QtGui import QPaintEvent


class ElidedLabel(QLabel):
    """One line of plain text, painted with an ellipsis where there is no room for all of it.

    `text` is always the whole of it, and so is what a screen reader tells.

    Args:
        cut: where the ellipsis stands.
    """

    def __init__(self, cut: Qt.TextElideMode) -> None:
        super().__init__()
        self._cut = cut
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    @property
    def shown(self) -> str:
        """What there is room for."""
        room = self.contentsRect().width()
        return self.fontMetrics().elidedText(self.text(), self._cut, room)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint what there is room for, in the colours of the theme."""
        option, style, painter = QStyleOption(), self.style(), QPainter(self)
        option.initFrom(self)
        assert style is not None
        style.drawItemText(
            *(painter, self.contentsRect(), int(self.alignment()), option.palette),
            *(self.isEnabled(), self.shown, self.foregroundRole()),
        )
