"""Zoom, pan and wipe are arithmetic; no screen is needed."""

from __future__ import annotations

import pytest

from app.gui.view_geometry import MOST_SCALE, Box, Look, Pane, Size
from app.gui.view_layers import GAP, Shown, ViewMode, layers, wipe_at, wipe_line

HD = Size(1280, 720)
PANE = Pane(Box(0, 0, 640, 480), HD)
SCALES = [0.5, 0.62, 1.0, 1.3, 7.3, 16.0, MOST_SCALE]


def test_a_picture_that_fits_lies_in_the_middle() -> None:
    assert PANE.scale(Look()) == 0.5
    assert PANE.image(Look()) == Box(0, 60, 640, 360)
    assert PANE.visible(Look()) == PANE.image(Look())


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("at", [(320.0, 240.0), (100.0, 130.0), (600.0, 400.0)])
def test_zooming_and_back_is_where_it_was(scale: float, at: tuple[float, float]) -> None:
    start = Look(2.0, 0.4, 0.55)
    there = PANE.zoom(start, scale, *at)
    back = PANE.zoom(there, 2.0, *at)
    if scale >= 2.0:  # a smaller picture meets the edges of the pane
        assert (back.x, back.y) == pytest.approx((start.x, start.y), abs=2 / HD.width)
    assert back.scale == pytest.approx(2.0)


@pytest.mark.parametrize("scale", [3.0, 7.3, MOST_SCALE])
def test_what_is_under_the_cursor_stays_there(scale: float) -> None:
    before = Look(2.0, 0.4, 0.55)
    after = PANE.zoom(before, scale, 123.0, 321.0)

    def under(look: Look) -> tuple[float, float]:
        image = PANE.image(look)
        return (123 - image.left) / image.width, (321 - image.top) / image.height

    assert under(after) == pytest.approx(under(before), abs=1 / HD.width)


def test_the_scale_has_bounds() -> None:
    assert PANE.zoom(Look(), 1000.0, 0, 0).scale == MOST_SCALE
    assert PANE.zoom(Look(5.0), 0.01, 0, 0).scale is None
    small = Pane(Box(0, 0, 640, 480), Size(64, 48))
    assert small.zoom(Look(), 0.01, 0, 0).scale == 1.0


def test_a_picture_cannot_be_lost_by_panning() -> None:
    look = PANE.pan(Look(2.0), 1e6, 1e6)
    image = PANE.image(look)
    assert (image.left, image.top) == (0, 0)
    image = PANE.image(PANE.pan(look, -1e6, -1e6))
    assert (image.right, image.bottom) == (640, 480)
    assert PANE.pan(Look(), 50, 50) == Look()


def test_panning_moves_by_as_many_pixels_of_the_screen() -> None:
    before, after = Look(3.0), PANE.pan(Look(3.0), 30, -20)
    assert PANE.image(after).left - PANE.image(before).left == 30
    assert PANE.image(after).top - PANE.image(before).top == -20


def test_the_wheel_halts_at_one_to_one_and_where_it_fits() -> None:
    assert PANE.turn_wheel(Look(0.9), 1) == 1.0
    assert PANE.turn_wheel(Look(1.0), 1) == pytest.approx(2 ** (1 / 3))
    assert PANE.turn_wheel(Look(0.55), -1) == 0.5
    assert PANE.turn_wheel(Look(4.0), -30) == 1.0, "a fast turn halts at the first of them"


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("line", [1, 3, 200, 333, 640])
def test_a_part_covers_what_is_seen(scale: float, line: int) -> None:
    look, clip = Look(scale, 0.37, 0.61), Box(0, 0, line, 480)
    part = PANE.part(look, clip)
    assert part is not None
    seen = PANE.visible(look).cut(clip)
    assert part.target.cut(seen) == seen
    assert part.source.cut(Box(0, 0, HD.width, HD.height)) == part.source
    exact = part.source.left * scale + PANE.image(look).left
    assert part.target.left == pytest.approx(exact, abs=0.51)


@pytest.mark.parametrize("width", [331, 500, 639, 1601, 2001])
def test_a_picture_does_not_tremble_when_the_wipe_line_moves(width: int) -> None:
    pane = Pane(Box(0, 0, width, width), HD)
    for line in range(10, width - 60, 7):
        part = pane.part(Look(), Box(0, 0, line, width))
        assert part is not None
        exact = part.source.width * pane.fit_scale
        assert part.target.width == pytest.approx(exact, abs=0.25)


def test_nothing_is_drawn_beside_the_picture() -> None:
    assert PANE.part(Look(), Box(0, 0, 640, 60)) is None


def test_an_enormous_picture_in_a_tiny_pane_is_a_pixel() -> None:
    pane = Pane(Box(0, 0, 3, 1), Size(8000, 2))
    assert not pane.image(Look()).is_empty
    assert pane.part(Look(), Box(0, 0, 3, 1)) is not None


def test_the_wipe_line_is_found_again() -> None:
    for share in (0.0, 0.25, 1.0):
        line = wipe_line(PANE, Look(), share)
        assert wipe_at(PANE, Look(), line) == share
    assert wipe_at(PANE, Look(), -50) == 0.0
    assert wipe_at(PANE, Look(), 5000) == 1.0


def test_two_pictures_look_at_the_same_place() -> None:
    left, right = layers(ViewMode.SIDE_BY_SIDE, Size(1002, 480), HD, Look(3.0, 0.2, 0.7), 0.5)
    assert (left.shown, right.shown) == (Shown.ORIGINAL, Shown.ENHANCED)
    first, second = left.pane.part(Look(3.0), left.clip), right.pane.part(Look(3.0), right.clip)
    assert first is not None
    assert second is not None
    assert first.source == second.source
    assert second.target.left - first.target.left == 500 + GAP


def test_swapped_has_the_original_right() -> None:
    shown = [layer.shown for layer in layers(ViewMode.SWAPPED, Size(900, 480), HD, Look(), 0.5)]
    assert shown == [Shown.ENHANCED, Shown.ORIGINAL]


def test_the_sides_of_a_wipe_meet_at_the_line() -> None:
    before, after = layers(ViewMode.WIPE, Size(640, 480), HD, Look(), 0.25)
    assert before.pane == after.pane
    assert before.clip.right == after.clip.left == 160
    assert after.clip.right == 640


@pytest.mark.parametrize(
    ("mode", "shown"),
    [(ViewMode.DIFFERENCE, Shown.DIFFERENCE), (ViewMode.ENHANCED, Shown.ENHANCED)],
)
def test_one_picture_has_the_whole_view(mode: ViewMode, shown: Shown) -> None:
    (layer,) = layers(mode, Size(640, 480), HD, Look(), 0.5)
    assert layer.shown is shown
    assert layer.clip == Box(0, 0, 640, 480)
