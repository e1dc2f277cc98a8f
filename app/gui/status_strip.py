"""The line below the picture: what comes, what is shown, how late, on what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QWidget

from app.gui.elided import ElidedLabel
from app.gui.status_words import bar_words, plan_words

if TYPE_CHECKING:
    from core.run.live_status import LiveStatus

_MEANINGS = {
    "state": "State of the source",
    "source": "Size of its pictures",
    "captured": "Pictures a second that come, of those that were promised",
    "enhanced": "Pictures a second that are enhanced",
    "latency": "From a picture's arrival until it is on the screen: half of them sooner than the "
    "first figure, 19 of 20 sooner than the second",
    "dropped": "Pictures that a newer one overtook before they were shown",
    "reconnects": "How often the source was lost and came back",
    "plan": "What was chosen to run on",
}


class StatusStrip(QWidget):
    """Shows a LiveStatus in one line."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("status")
        line = QHBoxLayout(self)
        line.setContentsMargins(14, 5, 14, 5)
        line.setSpacing(18)
        # A long plan is cut, and told whole in its tooltip, rather than widening the window.
        plan = ElidedLabel(Qt.TextElideMode.ElideRight)
        self.parts = {name: plan if name == "plan" else QLabel() for name in _MEANINGS}
        for name, part in self.parts.items():
            part.setToolTip(f"{_MEANINGS[name]}.")
            part.setObjectName(name)
            line.addWidget(part)
        plan.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        line.setStretchFactor(plan, 1)
        self.show_status(None)

    def show_status(self, status: LiveStatus | None) -> None:
        """Show it; none while there is no source."""
        words = {"state": "No source"} if status is None else bar_words(status)
        for name, part in self.parts.items():
            text = words.get(name, "")
            part.setText(text)
            part.setVisible(bool(text) or name == "plan")
            part.setAccessibleName(f"{_MEANINGS[name]}: {text}")
        if status is not None:
            self.parts["plan"].setToolTip(plan_words(status))
