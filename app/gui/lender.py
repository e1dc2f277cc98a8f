"""The enhanced picture as a camera for other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, pyqtSignal

from app.gui.notices import Notice

if TYPE_CHECKING:
    from app.gui.errands import Errands
    from app.gui.view_contract import Run


class Lender(QObject):
    """Lends the picture of a run; lives on the GUI's thread, and no method waits.

    Signals:
        noticed: a Notice of what was lent.
    """

    noticed = pyqtSignal(object)

    def __init__(self, errands: Errands) -> None:
        super().__init__()
        self._errands = errands
        self.run: Run | None = None
        """What is lent; none while no source is open."""

    def toggle(self) -> None:
        """Show the enhanced picture to other programs as a camera, or take it away from them."""
        run = self.run
        if run is None:
            return
        if run.status.lent_as:
            self._errands.do(run.stop_lending)
        else:
            self._errands.do(run.lend, lambda _: self._lent(run.status.lent_as))

    def _lent(self, name: str) -> None:
        if name:
            sentence = f"Other programs can choose the camera {name} now."
            self.noticed.emit(Notice("done", sentence))
