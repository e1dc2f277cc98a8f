"""Where a picture is on the screen: zoom and pan, as plain arithmetic.

Everything is in device pixels, the screen's own, so that at a scale of 1 a pixel of the picture is
a pixel of the screen whatever the desktop's scaling.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

MOST_SCALE = 64.0
"""No picture is drawn larger."""
_NOTCHES_TO_DOUBLE = 3
_MORE = 16
"""Device pixels beyond what is seen that may be drawn for evenness."""


@dataclass(frozen=True, slots=True)
class Size:
    """Columns and rows."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle; `right` and `bottom` are no longer part of it."""

    left: int
    top: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The first column after it."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """The first row after it."""
        return self.top + self.height

    @property
    def is_empty(self) -> bool:
        """Whether it holds no pixel."""
        return self.width <= 0 or self.height <= 0

    def holds(self, x: float, y: float) -> bool:
        """Whether a point is inside."""
        return self.left <= x < self.right and self.top <= y < self.bottom

    def cut(self, other: Box) -> Box:
        """What both have in common; empty where they do not meet."""
        left, top = max(self.left, other.left), max(self.top, other.top)
        width = min(self.right, other.right) - left
        height = min(self.bottom, other.bottom) - top
        return Box(left, top, max(width, 0), max(height, 0))


@dataclass(frozen=True, slots=True)
class Look:
    """Where in the picture one looks, and how closely; the same for both pictures of a pair."""

    scale: float | None = None
    """Device pixels per pixel of the picture; none: as large as fits."""
    x: float = 0.5
    """What is in the middle, as a share of the picture's width: outlives a change of its size."""
    y: float = 0.5
    """The same of its height."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a picture and where it goes."""

    source: Box
    """In pixels of the picture."""
    target: Box
    """In device pixels; reaches a little beyond what is seen."""


@dataclass(frozen=True, slots=True)
class Pane:
    """A part of the screen and the size of the picture that is seen through it."""

    box: Box
    picture: Size

    @property
    def fit_scale(self) -> float:
        """The scale at which all of the picture is seen."""
        width, height = max(self.box.width, 1), max(self.box.height, 1)
        return min(width / self.picture.width, height / self.picture.height, MOST_SCALE)

    def scale(self, look: Look) -> float:
        """Device pixels per pixel of the picture."""
        return self.fit_scale if look.scale is None else self._bound(look.scale)

    def image(self, look: Look) -> Box:
        """Where the whole picture lies, seen or not."""
        look, scale = self.settle(look), self.scale(look)
        width = max(round(scale * self.picture.width), 1)
        height = max(round(scale * self.picture.height), 1)
        # Rounded before the pane's place is added, so that two panes round alike.
        left = round(self.box.width / 2 - look.x * width)
        top = round(self.box.height / 2 - look.y * height)
        return Box(self.box.left + left, self.box.top + top, width, height)

    def visible(self, look: Look) -> Box:
        """Where picture is seen."""
        return self.image(look).cut(self.box)

    def settle(self, look: Look) -> Look:
        """The nearest look at which no edge of the picture leaves a gap it need not leave."""
        scale = self.scale(look)
        x = _held(look.x, self.box.width / (scale * self.picture.width))
        y = _held(look.y, self.box.height / (scale * self.picture.height))
        return replace(look, x=x, y=y)

    def zoom(self, look: Look, scale: float, x: float, y: float) -> Look:
        """Another scale, while what is at a point of the screen stays there."""
        scale = self._bound(scale)
        image = self.image(look)
        across, down = (x - image.left) / image.width, (y - image.top) / image.height
        width, height = scale * self.picture.width, scale * self.picture.height
        moved = Look(
            None if math.isclose(scale, self.fit_scale) else scale,
            across + (self.box.left + self.box.width / 2 - x) / width,
            down + (self.box.top + self.box.height / 2 - y) / height,
        )
        return self.settle(moved)

    def pan(self, look: Look, right: float, down: float) -> Look:
        """The picture moved by so many device pixels, as far as it may go."""
        look, scale = self.settle(look), self.scale(look)
        x = look.x - right / (scale * self.picture.width)
        y = look.y - down / (scale * self.picture.height)
        return self.settle(replace(look, x=x, y=y))

    def turn_wheel(self, look: Look, notches: float) -> float:
        """The scale after so many notches, forward is larger; halts where it fits and at 1."""
        before = self.scale(look)
        after = before * 2 ** (notches / _NOTCHES_TO_DOUBLE)
        low, high = min(before, after), max(before, after)
        halts = [
            halt
            for halt in (self.fit_scale, 1.0)
            if low < halt < high and not math.isclose(halt, before)
        ]
        return min(halts, key=lambda halt: abs(halt - before)) if halts else after

    def _bound(self, scale: float) -> float:
        return min(max(scale, min(self.fit_scale, 1.0)), MOST_SCALE)

    def part(self, look: Look, clip: Box) -> Part | None:
        """The pixels of the picture that cover what is seen inside `clip`, and where they go."""
        image, scale = self.image(look), self.scale(look)
        seen = image.cut(clip)
        if seen.is_empty:
            return None
        columns = _cover(seen.left - image.left, seen.right - image.left, self.picture.width, scale)
        rows = _cover(seen.top - image.top, seen.bottom - image.top, self.picture.height, scale)
        across, down = _drawn(columns, scale), _drawn(rows, scale)
        return Part(
            Box(columns[0], rows[0], columns[1] - columns[0], rows[1] - rows[0]),
            Box(image.left + across[0], image.top + down[0], across[1], down[1]),
        )


def _held(middle: float, seen: float) -> float:
    """The middle, such that the share that is seen stays inside; halfway if all of it is."""
    return 0.5 if seen >= 1 else min(max(middle, seen / 2), 1 - seen / 2)


def _cover(start: int, end: int, count: int, scale: float) -> tuple[int, int]:
    """First and last of the picture's `count` columns that cover a stretch of the screen.

    A few more are taken where that makes them begin and end between two columns of the screen:
    otherwise the picture would tremble when the wipe line moves.
    """
    more = math.ceil(_MORE / scale)
    first = min(math.floor(start / scale), count - 1)
    last = min(math.ceil(end / scale), count)
    return (
        min(range(first, max(first - more, 0) - 1, -1), key=lambda edge: _unevenness(edge * scale)),
        min(range(last, min(last + more, count) + 1), key=lambda edge: _unevenness(edge * scale)),
    )


def _unevenness(edge: float) -> float:
    return round(abs(edge - round(edge)), 6)


def _drawn(edges: tuple[int, int], scale: float) -> tuple[int, int]:
    """Where these columns begin on the screen, and how many of its columns they fill."""
    start = round(edges[0] * scale)
    return start, max(round(edges[1] * scale) - start, 1)
