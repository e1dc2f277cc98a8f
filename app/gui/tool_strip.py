"""The line above the picture: the source, the views, and what is done at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from app.gui.elided import ElidedLabel
from app.gui.view_layers import ViewMode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PyQt6.QtGui import QAction, QResizeEvent
    from PyQt6.QtWidgets import QMenu

    from app.gui.theme import Theme

MODE_WORDS = {
    ViewMode.SIDE_BY_SIDE: "Side by side",
    ViewMode.WIPE: "Wipe",
    ViewMode.SWAPPED: "Swapped",
    ViewMode.DIFFERENCE: "Difference",
    ViewMode.ENHANCED: "Enhanced",
}
_PICTURE = ("fit", "actual_size", "overlay", "histogram")
_RECORD = ("record", "snapshot", "save_last")
_WINDOW = ("panel", "full_screen")


class ToolStrip(QWidget):
    """Buttons for the window's actions, and one for each view; a list of them where it is narrow.

    Signals:
        modeChosen: a ViewMode.
        pauseWanted: the pause button was pressed.
    """

    modeChosen = pyqtSignal(object)
    pauseWanted = pyqtSignal()

    def __init__(self, actions: Mapping[str, QAction], menu: QMenu, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._theme = theme
        line = QHBoxLayout(self)
        line.setContentsMargins(10, 6, 10, 6)
        line.setSpacing(3)
        source = _button(actions["source"])
        source.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        # Where the window is narrow the title gives way, not the buttons.
        self.title = ElidedLabel(Qt.TextElideMode.ElideMiddle)
        self.title.setObjectName("sourceTitle")
        line.addWidget(source)
        line.addSpacing(4)
        line.addWidget(self.title, 1)
        self._segments = self._make_segments()
        self.mode_list = self._make_list()
        line.addWidget(self._segments)
        line.addWidget(self.mode_list)
        line.addSpacing(6)
        self.pause = QToolButton()
        self.pause.setIconSize(QSize(20, 20))
        self.pause.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.pause.clicked.connect(self.pauseWanted)
        line.addWidget(self.pause)
        for names in (_RECORD, _PICTURE, _WINDOW):
            line.addWidget(_divider())
            for name in names:
                line.addWidget(_button(actions[name]))
        line.addWidget(_more_button(menu))
        self.show_paused(False)

    def show_mode(self, mode: ViewMode) -> None:
        """Show which view is on."""
        self.modes[mode].setChecked(True)
        self.mode_list.setCurrentIndex(self.mode_list.findData(mode))

    def show_paused(self, paused: bool) -> None:
        """Show whether the picture stands still."""
        text = "Go on (Space)" if paused else "Stand still (Space)"
        self.pause.setIcon(self._theme.icon("play" if paused else "pause"))
        self.pause.setToolTip(text)
        self.pause.setAccessibleName(text)

    def show_title(self, title: str) -> None:
        """Show the source's name."""
        self.title.setText(title)
        self.title.setToolTip(title)

    def minimumSizeHint(self) -> QSize:
        """With the list of views, so that a window may become narrow enough for it."""
        return QSize(self._least_px(self.mode_list), super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Take the buttons where they have room, else the list."""
        has_room = self.width() >= self._least_px(self._segments)
        self._segments.setVisible(has_room)
        self.mode_list.setVisible(not has_room)
        super().resizeEvent(event)

    def _least_px(self, views: QWidget) -> int:
        """How wide the strip must be with one of the two."""
        shown = self.mode_list if self._segments.isHidden() else self._segments
        without = super().minimumSizeHint().width() - shown.minimumSizeHint().width()
        return without + views.minimumSizeHint().width()

    def _make_list(self) -> QComboBox:
        box = QComboBox()
        for mode, word in MODE_WORDS.items():
            box.addItem(word, mode)
        box.setAccessibleName("View")
        box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        box.activated.connect(lambda _: self.modeChosen.emit(box.currentData()))
        box.hide()
        return box

    def _make_segments(self) -> QWidget:
        box = QFrame()
        box.setObjectName("segments")
        box.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        line = QHBoxLayout(box)
        line.setContentsMargins(2, 2, 2, 2)
        line.setSpacing(1)
        self.modes: dict[ViewMode, QToolButton] = {}
        group = QButtonGroup(self)
        for mode, word in MODE_WORDS.items():
            button = QToolButton()
            button.setText(word)
            button.setProperty("role", "segment")
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setAccessibleName(f"View: {word}")
            button.clicked.connect(lambda _, mode=mode: self.modeChosen.emit(mode))
            group.addButton(button)
            line.addWidget(button)
            self.modes[mode] = button
        return box


def _button(action: QAction) -> QToolButton:
    button = QToolButton()
    button.setDefaultAction(action)
    button.setIconSize(QSize(20, 20))
    # A click must leave the keys to the picture; Tab still comes here.
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setAccessibleName(action.toolTip())
    return button


def _divider() -> QWidget:
    line = QFrame()
    line.setFixedSize(9, 18)
    return line


def _more_button(menu: QMenu) -> QToolButton:
    more = QToolButton()
    more.setText("☰")
    more.setAccessibleName("More")
    more.setToolTip("More")
    more.setMenu(menu)
    more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    more.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    more.setStyleSheet("QToolButton::menu-indicator { image: none; }")
    return more
