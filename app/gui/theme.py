"""Light and dark: colours, style sheet and icons; one accent."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtCore import QByteArray, QObject, QRectF, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QIcon, QPainter, QPalette, QPixmap
from PyQt6.QtSvg import QSvgRenderer

if TYPE_CHECKING:
    from PyQt6.QtWidgets import QApplication

    from app.gui.preferences import ThemeName

ASSETS = Path(__file__).parents[2] / "assets"
_ICON_PX = 20
_DENSITIES = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class Colours:
    """Of one theme, as `#rrggbb`; each is an `@name` of the style sheet."""

    stage: str
    """Around the picture: night needs darkness in both themes."""
    window: str
    surface: str
    raised: str
    hover: str
    field: str
    line: str
    edge: str
    text: str
    muted: str
    faint: str
    accent: str
    accentHover: str
    onAccent: str
    knob: str
    good: str
    bad: str
    check: str
    """Name of the icon that is drawn upon the accent."""


DARK = Colours(
    stage="#0b0c0e",
    window="#131518", surface="#1a1d21", raised="#262a30", hover="#2e333a", field="#101215",
    line="#30353c", edge="#4a515b", text="#e8eaed", muted="#9ba4ae", faint="#69717b",
    accent="#efae4a", accentHover="#f6bf69", onAccent="#1d1504", knob="#e8eaed",
    good="#5bb98c", bad="#d9533f", check="check_dark",
)  # fmt: skip
LIGHT = Colours(
    stage="#1d2024",
    window="#f3f4f6", surface="#ffffff", raised="#eef0f3", hover="#e4e7eb", field="#ffffff",
    line="#d9dde2", edge="#aeb6bf", text="#1a1e23", muted="#58626d", faint="#98a1ab",
    accent="#a35f00", accentHover="#8a5000", onAccent="#ffffff", knob="#ffffff",
    good="#23805a", bad="#c03a28", check="check_light",
)  # fmt: skip


class Theme(QObject):
    """Puts a theme on the whole application; lives on the GUI's thread.

    Signals:
        changed: colours are others; icons must be taken anew.
    """

    changed = pyqtSignal()

    def __init__(self, application: QApplication) -> None:
        super().__init__()
        self._application = application
        self._name: ThemeName = "system"
        self.colours = DARK
        hints = application.styleHints()
        if hints is not None:
            hints.colorSchemeChanged.connect(lambda _: self.choose(self._name))

    def choose(self, name: ThemeName) -> None:
        """Take a theme, or the system's."""
        self._name = name
        self.colours = {"light": LIGHT, "dark": DARK, "system": self._of_system()}[name]
        self._application.setStyle("Fusion")
        self._application.setPalette(_palette(self.colours))
        self._application.setStyleSheet(_style_sheet(self.colours))
        self.changed.emit()

    def icon(self, name: str, colour: str | None = None) -> QIcon:
        """An icon in the colour of the text, or another; faint where it is disabled."""
        icon = QIcon()
        for mode, shade in (
            (QIcon.Mode.Normal, colour or self.colours.text),
            (QIcon.Mode.Disabled, self.colours.faint),
        ):
            for density in _DENSITIES:
                icon.addPixmap(_drawn(name, shade, density), mode)
        return icon

    def _of_system(self) -> Colours:
        hints = self._application.styleHints()
        light = hints is not None and hints.colorScheme() is Qt.ColorScheme.Light
        return LIGHT if light else DARK


def _palette(colours: Colours) -> QPalette:
    """For what the style sheet does not reach."""
    palette = QPalette()
    role = QPalette.ColorRole
    for which, colour in {
        role.Window: colours.window,
        role.WindowText: colours.text,
        role.Base: colours.field,
        role.AlternateBase: colours.surface,
        role.Text: colours.text,
        role.Button: colours.raised,
        role.ButtonText: colours.text,
        role.ToolTipBase: colours.raised,
        role.ToolTipText: colours.text,
        role.PlaceholderText: colours.faint,
        role.Highlight: colours.accent,
        role.HighlightedText: colours.onAccent,
        role.Accent: colours.accent,
        role.Link: colours.accent,
        role.Mid: colours.line,
        role.Dark: colours.stage,
    }.items():
        palette.setColor(which, QColor(colour))
    return palette


def _style_sheet(colours: Colours) -> str:
    values = {**asdict(colours), "icons": (ASSETS / "icons").as_posix()}
    sheet = (ASSETS / "theme.qss").read_text(encoding="utf-8")
    sheet = re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL)
    return re.sub(r"@(\w+)", lambda found: values[found[1]], sheet)


@cache
def _drawn(name: str, colour: str, density: int) -> QPixmap:
    drawing = (ASSETS / "icons" / f"{name}.svg").read_text(encoding="utf-8")
    side = _ICON_PX * density
    pixmap = QPixmap(side, side)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    QSvgRenderer(QByteArray(drawing.replace("currentColor", colour).encode())).render(
        painter, QRectF(0, 0, side, side)
    )
    painter.end()
    pixmap.setDevicePixelRatio(density)
    return pixmap
