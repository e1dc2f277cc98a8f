"""The pixels that are painted."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import QEvent, QObject
from PyQt6.QtGui import QColor, QPalette
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.gui.video_view import VideoView
from app.gui.view_layers import ViewMode
from tests.app.gui.seen import GREEN, RED, at, flat, numbered, pair, picture

ROOT = Path(__file__).parents[3]


def test_the_original_is_left_and_the_enhanced_right(view: VideoView) -> None:
    assert (at(view, 160, 180), at(view, 480, 180)) == (RED, GREEN)


def test_swapped_has_the_original_right(view: VideoView) -> None:
    view.set_mode(ViewMode.SWAPPED)
    assert (at(view, 160, 180), at(view, 480, 180)) == (GREEN, RED)


def test_enhanced_only_fills_the_view(view: VideoView) -> None:
    view.set_mode(ViewMode.ENHANCED)
    painted = picture(view)
    assert {tuple(painted[y, x]) for y in (5, 180, 355) for x in (200, 400, 635)} == {GREEN}


@pytest.mark.parametrize("share", [0.25, 0.7])
def test_the_wipe_line_is_at_its_place(view: VideoView, share: float) -> None:
    view.set_mode(ViewMode.WIPE)
    view.set_wipe(share)
    row, line = picture(view)[100].astype(int), round(640 * share)
    assert row[line].min() > 200
    assert tuple(row[line - 4]) == RED
    assert tuple(row[line + 4]) == GREEN


def test_the_difference_is_black_where_equal_and_amplified_elsewhere(view: VideoView) -> None:
    original, enhanced = flat((100, 100, 100)), flat((100, 100, 100))
    enhanced[:, 80:] = (140, 90, 250)
    view.set_mode(ViewMode.DIFFERENCE)
    view.show_pair(pair(original, enhanced))
    assert at(view, 100, 100) == (0, 0, 0)
    assert at(view, 500, 100) == (80, 20, 255)


def test_sixteen_bits_are_shown_and_saved_as_eight(view: VideoView) -> None:
    deep = (flat(RED).astype(np.uint16) * 257, flat(GREEN).astype(np.uint16) * 257)
    view.show_pair(pair(*deep))
    assert (at(view, 160, 180), at(view, 480, 180)) == (RED, GREEN)
    saved = view.snapshot_pair()
    assert saved is not None
    assert [picture.dtype for picture in saved] == [np.uint8, np.uint8]
    np.testing.assert_array_equal(saved[1], flat(GREEN))


def test_a_picture_that_is_no_block_of_memory_is_shown_right(view: VideoView) -> None:
    upside_down = numbered()[::-1, ::-1]
    view.set_mode(ViewMode.ENHANCED)
    view.show_pair(pair(upside_down, upside_down))
    assert at(view, 4 * 20 + 2, 4 * 30 + 2) == tuple(upside_down[30, 20])
    view.actual_size()
    assert at(view, 240 + 20, 135 + 30) == tuple(upside_down[30, 20])


def test_a_pixel_is_a_sharp_block_when_enlarged(view: VideoView) -> None:
    dot = flat((0, 0, 0))
    dot[45, 80] = 255
    view.show_pair(pair(dot, dot))
    view.set_zoom(16.0)
    for half in (picture(view)[:, :319], picture(view)[:300, 321:]):
        rows, columns = np.nonzero(half[:300].min(axis=2) == 255)
        assert len(rows) == 16 * 16
        assert np.ptp(rows) == np.ptp(columns) == 15
        assert set(np.unique(half[rows.min() - 1 : rows.max() + 2, columns])) == {0, 255}


def test_at_one_to_one_nothing_is_lost(view: VideoView) -> None:
    view.set_mode(ViewMode.ENHANCED)
    view.show_pair(pair(numbered(), numbered()))
    view.actual_size()
    assert view.zoom == 1.0
    # The caption has its place in the lower left corner.
    np.testing.assert_array_equal(picture(view)[135:180, 240:400], numbered()[:45])


def test_both_pictures_show_the_same_place(view: VideoView) -> None:
    view.show_pair(pair(numbered(), numbered()))
    view.set_zoom(9.0)
    view.pan(133.0, -71.0)
    painted = picture(view)[:300]
    np.testing.assert_array_equal(painted[:, :319], painted[:, 321:640])


def test_a_picture_that_fits_still_fits_when_the_window_grows(
    view: VideoView, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(view.zoomChanged):
        view.resize(1280, 720)
    assert view.zoom == pytest.approx(639 / 160)


def test_a_zoomed_view_outlives_another_resolution(view: VideoView) -> None:
    view.set_zoom(8.0)
    view.pan(-5000.0, 0.0)
    view.show_pair(pair(flat(RED, 17, 9), flat(GREEN, 17, 9)))
    assert at(view, 160, 180) == RED


def test_what_is_set_again_is_not_painted_again(view: VideoView, qtbot: QtBot) -> None:
    painted: list[QEvent.Type] = []

    class Watch(QObject):
        def eventFilter(self, _: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
            if event is not None and event.type() == QEvent.Type.Paint:
                painted.append(event.type())
            return False

    def settle(text: str) -> None:
        view.set_notice(text)
        view.set_still(bool(text))
        view.set_histogram(bool(text))
        view.set_overlay([text])
        QApplication.processEvents()

    with qtbot.waitSignal(view.framePainted):
        settle("Lost")
    watch = Watch()
    view.installEventFilter(watch)
    settle("Lost")
    assert painted == []
    settle("")
    assert len(painted) == 1


def test_each_pair_is_told_once_and_not_while_painting(view: VideoView, qtbot: QtBot) -> None:
    told: list[object] = []
    second = pair(flat(GREEN), flat(RED))

    def note(painted: object) -> None:
        assert not view.paintingActive()
        told.append(painted)
        view.update()

    view.framePainted.connect(note)
    with qtbot.waitSignal(view.framePainted):
        view.repaint()
    with qtbot.waitSignal(view.framePainted):
        view.show_pair(pair(flat(RED), flat(RED)))
        view.show_pair(second)
    view.show_pair(second)
    view.set_mode(ViewMode.WIPE)
    view.repaint()
    QApplication.processEvents()
    assert len(told) == 2
    assert told[1] is second


def test_without_a_picture_there_is_a_hint(view: VideoView) -> None:
    view.show_pair(None)
    assert view.snapshot_pair() is None
    hint = picture(view)
    assert len(np.unique(hint[180:260, 100:540])) > 10
    view.set_notice("Opening the camera")
    assert (picture(view)[180:260] != hint[180:260]).any()
    assert view.accessibleDescription().endswith("Opening the camera")


def test_a_notice_dims_the_picture_until_it_is_taken_back(view: VideoView) -> None:
    view.set_notice("The camera was lost. Trying again.")
    assert 0 < at(view, 160, 130)[0] < RED[0] / 2
    view.set_notice("")
    assert at(view, 160, 130) == RED


@pytest.mark.parametrize(
    ("show", "hide", "place"),
    [
        (lambda view: view.set_overlay(["30 fps"]), lambda view: view.set_overlay([]), (14, 25)),
        (
            lambda view: view.set_histogram(True),
            lambda view: view.set_histogram(False),
            (500, 300),
        ),
    ],
    ids=["overlay", "histogram"],
)
def test_plates_come_and_go(
    view: VideoView,
    show: Callable[[VideoView], None],
    hide: Callable[[VideoView], None],
    place: tuple[int, int],
) -> None:
    view.set_mode(ViewMode.ENHANCED)
    before = at(view, *place)
    show(view)
    assert max(at(view, *place)) < 100, "the plate is dim"
    hide(view)
    assert at(view, *place) == before == GREEN


def test_the_caption_does_not_call_enhanced_what_is_not(view: VideoView) -> None:
    view.set_mode(ViewMode.ENHANCED)
    before = picture(view)
    view.show_pair(pair(flat(GREEN), flat(GREEN), is_enhanced=False))
    assert (picture(view)[300:, :200] != before[300:, :200]).any()


def test_what_surrounds_a_picture_has_the_theme_s_colour(view: VideoView) -> None:
    palette = view.palette()
    palette.setColor(QPalette.ColorRole.Dark, QColor(1, 2, 3))
    view.setPalette(palette)
    assert at(view, 160, 20) == (1, 2, 3)


def test_a_tiny_view_is_painted(view: VideoView) -> None:
    view.setMinimumSize(1, 1)
    view.set_histogram(True)
    for mode in ViewMode:
        view.set_mode(mode)
        view.resize(3, 2)
        assert picture(view).shape == (2, 3, 3)


def test_a_still_picture_is_shrunk_with_care(view: VideoView) -> None:
    stripes = flat((0, 0, 0), 720, 1280)
    stripes[:, ::2] = 200
    view.set_mode(ViewMode.ENHANCED)
    view.show_pair(pair(stripes, stripes))
    assert len(np.unique(picture(view)[100:200])) == 1, "every other column is left out"
    view.set_still(True)
    assert set(np.unique(picture(view)[100:200])) == {100}


def test_it_has_a_name_and_says_what_it_shows(view: VideoView) -> None:
    assert view.accessibleName()
    view.set_mode(ViewMode.WIPE)
    view.set_wipe(0.3)
    assert "30 %" in view.accessibleDescription()


DENSE = """
import numpy as np
from fractions import Fraction
from PyQt6.QtWidgets import QApplication
from app.gui.video_view import VideoView
from app.gui.view_layers import ViewMode
from core.frame import Frame
from core.run.live_status import Pair
application = QApplication([])
pixels = np.zeros((120, 200, 3), np.uint8)
pixels[::2, ::2] = 255
frame = Frame(pixels, 0, Fraction(1))
view = VideoView()
view.resize(200, 120)
view.set_mode(ViewMode.ENHANCED)
view.show_pair(Pair(frame, frame, True, None))
view.actual_size()
image = view.grab().toImage()
print(image.width(), [image.pixelColor(140 + x, 80).red() for x in range(4)], view.zoom)
"""


def test_on_a_dense_screen_a_pixel_is_a_pixel_of_the_screen() -> None:
    done = subprocess.run(
        [sys.executable, "-c", DENSE],
        cwd=ROOT,
        env={**os.environ, "QT_SCALE_FACTOR": "2", "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split("\n")[0] == "400 [255, 0, 255, 0] 1.0"
