"""Levels and clipped pixels, and that a person can see them."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt6.QtCore import QRectF
from PyQt6.QtGui import QColor, QImage, QPainter
from pytestqt.qtbot import QtBot

from app.gui.histogram import HEIGHT, WIDTH, Histogram, draw_histogram, measure


def flat(colour: tuple[int, int, int], height: int = 40, width: int = 60) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


def test_each_channel_is_counted_at_its_level() -> None:
    found = measure(flat((10, 100, 200)))
    assert [int(channel.argmax()) for channel in found.counts] == [10, 100, 200]
    assert [int(channel.max()) for channel in found.counts] == [2400] * 3
    assert (found.black, found.white) == (0.0, 0.0)


def test_shadows_are_clipped_where_nothing_is_left() -> None:
    picture = flat((0, 0, 0))
    picture[:10] = (0, 0, 1)
    assert measure(picture).black == 0.75


def test_highlights_are_clipped_where_a_colour_is_lost() -> None:
    picture = flat((254, 254, 254))
    picture[:10] = (255, 200, 0)
    assert measure(picture).white == 0.25


def test_a_large_picture_is_sampled_evenly() -> None:
    picture = flat((50, 50, 50), 1080, 1920)
    picture[:270] = 0
    picture[:, :480] = 255
    found = measure(picture)
    assert found.counts[0].sum() < 200_000
    assert found.white == pytest.approx(0.25, abs=0.01)
    assert found.black == pytest.approx(0.25 * 0.75, abs=0.01)


def drawn(histogram: Histogram) -> QImage:
    image = QImage(int(WIDTH), int(HEIGHT), QImage.Format.Format_RGB32)
    image.fill(0)
    with QPainter(image) as painter:
        draw_histogram(painter, QRectF(0, 0, WIDTH, HEIGHT), histogram, "Original")
    return image


def colour(image: QImage, share: float) -> QColor:
    """Near the chart's bottom, at a share of its width; beyond it are the marks."""
    return image.pixelColor(round(13 + share * (WIDTH - 27)), int(HEIGHT) - 10)


@pytest.mark.usefixtures("qtbot")
def test_a_level_is_seen_at_its_place() -> None:
    image = drawn(measure(flat((20, 128, 235))))
    red, green, blue = (colour(image, level / 255) for level in (20, 128, 235))
    assert red.red() > red.green() + 50
    assert green.green() > green.red() + 50
    assert blue.blue() > blue.green() + 50
    assert colour(image, 0.3).lightness() < 40


@pytest.mark.parametrize(("level", "left", "right"), [(0, True, False), (255, False, True)])
def test_clipped_ends_are_marked(qtbot: QtBot, level: int, left: bool, right: bool) -> None:
    image = drawn(measure(flat((level, level, level))))
    ends = [image.pixelColor(x, int(HEIGHT) // 2) for x in (9, int(WIDTH) - 10)]
    assert [end.saturation() > 80 and end.lightness() > 120 for end in ends] == [left, right]
