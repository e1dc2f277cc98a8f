"""A camera is known by its hardware, and so is the way in which it is opened."""

from __future__ import annotations

from fractions import Fraction

import pytest
from pytestqt.qtbot import QtBot

from app.gui.camera_card import CameraCard
from app.gui.source_picker import SourcePicker
from app.gui.source_words import camera_options, camera_uri, split_camera
from core.media.camera_list import CameraFormat, CameraInfo

LARGE = CameraFormat(1280, 720, Fraction(30), "MJPG")
SMALL = CameraFormat(640, 480, None, "YUYV")
DESK = CameraInfo("046d:0825:A1", "Desk camera", "/dev/video0", (LARGE, SMALL))
DOOR = CameraInfo("046d:0825@usb-2", "Door camera", "/dev/video2", (LARGE,))
LARGE_KEPT = "size=1280x720&rate=30&format=MJPG&keep_rate=1"
SMALL_ALONE = "size=640x480&format=YUYV"


@pytest.fixture
def camera(qtbot: QtBot) -> CameraCard:
    card = CameraCard()
    qtbot.addWidget(card)
    card.show_cameras([DESK, DOOR])
    return card


def choose(camera: CameraCard, form: int) -> None:
    """As the user does it."""
    camera.formats.setCurrentIndex(form)
    camera.formats.activated.emit(form)


def shown(camera: CameraCard) -> tuple[str, bool]:
    return camera.formats.currentText(), camera.keep_rate.isChecked()


def test_addresses_of_cameras() -> None:
    assert camera_uri(DESK, camera_options(None, keep_rate=False)) == "camera:046d:0825:A1"
    assert camera_options(LARGE, keep_rate=True) == LARGE_KEPT
    assert split_camera(camera_uri(DOOR, LARGE_KEPT)) == (DOOR.id, LARGE_KEPT)
    assert split_camera("walk.mp4?loop=1") == ("", "")


def test_a_camera_is_chosen_by_its_hardware(qtbot: QtBot) -> None:
    picker = SourcePicker([])
    qtbot.addWidget(picker)
    told: list[str] = []
    picker.chosen.connect(told.append)
    picker.camera.show_cameras([])
    assert not picker.camera.use_camera.isEnabled()
    picker.camera.show_cameras([DESK])
    choose(picker.camera, 1)
    assert picker.camera.formats.currentText() == "1280 × 720, 30 fps, MJPG"
    picker.camera.use_camera.click()
    assert told == ["camera:046d:0825:A1?size=1280x720&rate=30&format=MJPG"]


def test_what_was_set_is_there_after_another_camera_and_after_looking_again(
    camera: CameraCard,
) -> None:
    told: list[tuple[str, str]] = []
    camera.edited.connect(lambda *edit: told.append(edit))
    choose(camera, 2)
    camera.keep_rate.click()
    of_desk = shown(camera)
    camera.cameras.setCurrentRow(1)
    assert shown(camera) == ("Best format", False)
    choose(camera, 1)
    camera.show_cameras([DOOR, DESK])
    assert shown(camera) == ("1280 × 720, 30 fps, MJPG", False)
    camera.cameras.setCurrentRow(1)
    assert shown(camera) == of_desk == ("640 × 480, YUYV", True)
    assert told == [
        (DESK.id, SMALL_ALONE),
        (DESK.id, f"{SMALL_ALONE}&keep_rate=1"),
        (DOOR.id, "size=1280x720&rate=30&format=MJPG"),
    ]


def test_what_is_remembered_is_shown_and_what_the_camera_cannot_do_is_not(
    camera: CameraCard,
) -> None:
    camera.recall({DESK.id: LARGE_KEPT, DOOR.id: "size=8x8&format=GREY&keep_rate=1"})
    assert shown(camera) == ("1280 × 720, 30 fps, MJPG", True)
    camera.cameras.setCurrentRow(1)
    assert shown(camera) == ("Best format", True)
