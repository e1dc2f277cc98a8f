"""What each view consists of, and where its wipe line is, as plain arithmetic in device pixels."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from app.gui.view_geometry import Box, Look, Pane, Size

GAP = 2
"""Between two pictures beside each other."""


class ViewMode(Enum):
    """What of a pair is shown; the value is what a person reads."""

    SIDE_BY_SIDE = "Original and enhanced side by side"
    WIPE = "Original left, enhanced right of a line"
    SWAPPED = "Enhanced and original side by side"
    DIFFERENCE = "Difference"
    ENHANCED = "Enhanced only"


class Shown(Enum):
    """A picture that can be made of a pair."""

    ORIGINAL = "Original"
    ENHANCED = "Enhanced"
    DIFFERENCE = "Difference"


@dataclass(frozen=True, slots=True)
class Layer:
    """One picture of a view."""

    shown: Shown
    pane: Pane
    clip: Box
    """Nothing of the picture is drawn outside."""


def layers(mode: ViewMode, view: Size, picture: Size, look: Look, wipe: float) -> tuple[Layer, ...]:
    """What a view consists of, the first drawn first.

    Args:
        mode: which view.
        view: of the widget, in device pixels.
        picture: of both pictures of the pair.
        look: where one looks.
        wipe: where the line is, as a share of what is seen of the picture.
    """
    whole = Pane(Box(0, 0, view.width, view.height), picture)
    if mode is ViewMode.WIPE:
        line = wipe_line(whole, look, wipe)
        before = Box(0, 0, line, view.height)
        after = Box(line, 0, view.width - line, view.height)
        return Layer(Shown.ORIGINAL, whole, before), Layer(Shown.ENHANCED, whole, after)
    if mode in (ViewMode.SIDE_BY_SIDE, ViewMode.SWAPPED):
        width = max((view.width - GAP) // 2, 1)
        boxes = Box(0, 0, width, view.height), Box(width + GAP, 0, width, view.height)
        order = (Shown.ORIGINAL, Shown.ENHANCED)
        order = order if mode is ViewMode.SIDE_BY_SIDE else order[::-1]
        beside = zip(order, boxes, strict=True)
        return tuple(Layer(shown, Pane(box, picture), box) for shown, box in beside)
    shown = Shown.DIFFERENCE if mode is ViewMode.DIFFERENCE else Shown.ENHANCED
    return (Layer(shown, whole, whole.box),)


def wipe_line(pane: Pane, look: Look, wipe: float) -> int:
    """The first column that shows the enhanced picture."""
    seen = pane.visible(look)
    return round(seen.left + wipe * seen.width)


def wipe_at(pane: Pane, look: Look, x: float) -> float:
    """The share at which the wipe line is nearest to a column."""
    seen = pane.visible(look)
    return min(max((x - seen.left) / max(seen.width, 1), 0.0), 1.0)
