"""One line above the picture: what is wrong and what to try, what was just done, what to know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton

from app.gui.status_words import without_figures

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from app.gui.theme import Theme

    _Told = tuple["Kind", str, str, Callable[[], object] | None]

Kind = Literal["done", "trouble", "busy", "note"]
DONE_MS = 8000
"""How long good news are shown; bad news stay until they are put away."""
_ICONS = {"done": "done", "trouble": "warning", "busy": "save_last", "note": "help"}


class Banner(QFrame):
    """Shows what stands, over it for a while what passes, and a note where there is neither."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("banner")
        self._theme = theme
        self._standing: _Told | None = None
        self._about = self._put_away = ""
        self._notes: tuple[str, ...] = ()
        self._read: set[str] = set()
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

    def stand(
        self,
        text: str,
        about: str = "",
        button: str = "",
        do: Callable[[], object] | None = None,
    ) -> None:
        """Show what is wrong for as long as it is; an empty text ends it.

        Args:
            text: what is wrong and what to try.
            about: the same for as long as it is the same trouble, which stays away once it was put
                away; none for the text.
            button: what may be done at once.
            do: does it.
        """
        if (text, button) == (self._standing[1:3] if self._standing else ("", "")):
            return
        self._standing = ("trouble", text, button, do) if text else None
        self._about = about or text
        if self._about != self._put_away:
            self._put_away = ""
        if not self._is_passing:
            self._back()

    def inform(self, notes: Sequence[str]) -> None:
        """Show these, one after the other, where nothing is wrong; each until it is put away."""
        if tuple(notes) != self._notes:
            self._notes = tuple(notes)
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
        if self._trouble is not None:
            self._show(*self._trouble)
        elif self._note:
            self._show("note", self._note, "", None)
        else:
            self.hide()

    @property
    def _trouble(self) -> _Told | None:
        """What stands and was not put away."""
        return None if self._about == self._put_away else self._standing

    @property
    def _note(self) -> str:
        """The oldest that was not put away."""
        return next((note for note in self._notes if without_figures(note) not in self._read), "")

    def _dismiss(self) -> None:
        self._timer.stop()
        if not self._is_passing:
            self._put_away_what_is_seen()
        self._back()

    def _put_away_what_is_seen(self) -> None:
        if self._trouble is not None:
            self._put_away = self._about
        else:
            self._read.add(without_figures(self._note))

    def _press(self) -> None:
        if self._do is not None:
            self._do()

    def _show(self, kind: Kind, text: str, button: str, do: Callable[[], object] | None) -> None:
        colours = self._theme.colours
        colour = {"done": colours.good, "trouble": colours.bad}.get(kind, colours.accent)
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
