"""One line above the picture: what is wrong and what to try, or what was just done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.gui.theme import Theme

Kind = Literal["done", "trouble", "busy"]
DONE_MS = 8000
"""How long good news are shown; bad news stay until they are put away."""
_ICONS = {"done": "done", "trouble": "warning", "busy": "save_last"}


class Banner(QFrame):
    """Shows what stands, and over it for a while what passes."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("banner")
        self._theme = theme
        self._standing: tuple[Kind, str, str, Callable[[], object] | None] | None = None
        self._put_away = ""
        self._is_passing = False
        self._do: Callable[[], object] | None = None
        self._icon, self.text = QLabel(), QLabel()
        self.text.setWordWrap(True)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.button = QPushButton()
        self.button.setProperty("role", "link")
        self.button.clicked.connect(self._press)
        self.dismiss = QToolButton()
        self.dismiss.setAccessibleName("Put this message away")
        self.dismiss.setToolTip("Put this message away")
        self.dismiss.clicked.connect(self._dismiss)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DONE_MS)
        self._timer.timeout.connect(self._back)
        line = QHBoxLayout(self)
        line.setContentsMargins(14, 6, 8, 6)
        line.setSpacing(10)
        line.addWidget(self._icon)
        line.addWidget(self.text, 1)
        line.addWidget(self.button)
        line.addWidget(self.dismiss)
        self.hide()

    def stand(self, text: str, button: str = "", do: Callable[[], object] | None = None) -> None:
        """Show what is wrong for as long as it is; an empty text ends it."""
        if (text, button) == (self._standing[1:3] if self._standing else ("", "")):
            return
        self._standing = ("trouble", text, button, do) if text else None
        self._put_away = self._put_away if text else ""
        if not self._is_passing:
            self._back()

    def tell(
        self, kind: Kind, text: str, button: str = "", do: Callable[[], object] | None = None
    ) -> None:
        """Show something that has happened."""
        self._is_passing = True
        self._show(kind, text, button, do)
        if kind == "done":
            self._timer.start()
        else:
            self._timer.stop()

    def _back(self) -> None:
        """What passed is over: what stands is seen again."""
        self._is_passing = False
        if self._standing is None or self._standing[1] == self._put_away:
            self.hide()
        else:
            self._show(*self._standing)

    def _dismiss(self) -> None:
        self._timer.stop()
        if self._standing is not None and not self._is_passing:
            self._put_away = self._standing[1]
        self._back()

    def _press(self) -> None:
        if self._do is not None:
            self._do()

    def _show(self, kind: Kind, text: str, button: str, do: Callable[[], object] | None) -> None:
        colours = self._theme.colours
        colour = {"done": colours.good, "trouble": colours.bad, "busy": colours.accent}[kind]
        self._icon.setPixmap(self._theme.icon(_ICONS[kind], colour).pixmap(20, 20))
        self.dismiss.setIcon(self._theme.icon("close"))
        self.setProperty("kind", kind)
        style = self.style()
        assert style is not None
        style.polish(self)
        self.text.setText(text)
        self.setAccessibleName(text)
        self.button.setText(button)
        self.button.setVisible(bool(button))
        self._do = do
        self.show()
