"""Cameras through OpenCV's own capture, which reads a film in place of a device."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from core.errors import SettingsError, SourceLostError, SourceOpenError
from core.media.camera import FIRST_LIMIT_S, Camera
from core.media.camera_format import CameraWish, choose_format
from core.media.camera_list import CameraFormat, CameraInfo
from core.media.live import READ_LIMIT_S
from core.media.open_live import open_live
from tests.conftest import night_picture
from tests.media.film_capture import Film
from tests.media.v4l2_device import DYNAMIC, Device

MakeClip = Callable[..., Path]
SECOND_NS = 10**9
NO_CONTROLS = Device().again


class Time:
    """A clock that moves when somebody waits."""

    def __init__(self) -> None:
        self.now_ns = SECOND_NS

    def clock(self) -> int:
        return self.now_ns

    def wait(self, seconds: float) -> None:
        self.now_ns += round(seconds * SECOND_NS)


def opened(
    clip: Path, time: Time | None = None, wish: CameraWish | None = None, **how: Any
) -> Camera:
    """A camera whose device is a film."""
    time = time or Time()
    how = {"open_capture": cv2.VideoCapture, "open_device": NO_CONTROLS, **how}
    camera = CameraInfo("1:2:3", "Night Cam", str(clip), ())
    return Camera(camera, wish, clock=time.clock, wait=time.wait, **how)


def offers(*texts: str) -> tuple[CameraFormat, ...]:
    """`1280x720 30 MJPG` and so on."""
    found = []
    for text in texts:
        sides, rate, letters = text.split()
        width, height = map(int, sides.split("x"))
        found.append(CameraFormat(width, height, Fraction(rate) or None, letters))
    return tuple(found)


USUAL = offers(
    "1920x1080 30 H264", "1920x1080 60 MJPG", "1920x1080 5 YUYV", "1280x720 60 MJPG",
    "1280x720 30 MJPG", "1280x720 10 YUYV", "640x480 30 YUYV", "640x480 30 MJPG",
)  # fmt: skip


def chosen(formats: tuple[CameraFormat, ...], **wish: object) -> CameraFormat:
    camera = CameraInfo("1:2:3", "Night Cam", "", formats)
    return choose_format(camera, CameraWish.model_validate(wish))


def test_colours_are_those_of_the_scene_and_times_those_of_the_driver(make_clip: MakeClip) -> None:
    time = Time()
    clip = make_clip("clip.avi", codec="ffv1", pixel_format="bgr0", colour=(0, 2, 1, 1))
    with opened(clip, time) as camera:
        frames = list(islice(iter(camera.read, None), 10))
        assert camera.info.rate == 25
    steps = {after.pts - before.pts for before, after in pairwise(frames)}
    assert steps == {40_000_000}
    assert {frame.captured_ns for frame in frames} == {SECOND_NS}
    for index, frame in enumerate(frames):
        np.testing.assert_array_equal(frame.pixels, night_picture(index, 96, 64))


def test_where_the_driver_tells_no_time_that_of_arrival_is_taken(plain_clip: Path) -> None:
    class Timeless(Film):
        def get(self, _setting: int) -> float:
            return 0.0

    time = Time()
    with opened(plain_clip, time, CameraWish(rate=Fraction(24)), open_capture=Timeless) as camera:
        moments = []
        for _ in range(4):
            frame = camera.read()
            assert frame is not None
            moments.append(frame.pts)
            time.wait(0.05)
        assert camera.info.rate == 24
    assert moments == [0, 50_000_000, 100_000_000, 150_000_000]


@pytest.mark.parametrize(
    ("wish", "format"),
    [
        ({}, "1280x720 30 MJPG"),
        ({"size": "640x480"}, "640x480 30 YUYV"),
        ({"format": "YUYV"}, "640x480 30 YUYV"),
        ({"size": "1280x720", "format": "YUYV"}, "1280x720 10 YUYV"),
        ({"rate": 60}, "1280x720 60 MJPG"),
        ({"size": "1280x720", "rate": 25}, "1280x720 25 MJPG"),
        ({"size": "1920x1080"}, "1920x1080 60 MJPG"),
    ],
)
def test_what_is_asked_of_a_camera_follows_the_wish(wish: dict[str, object], format: str) -> None:
    assert (chosen(USUAL, **wish),) == offers(format)


def test_slow_large_pictures_are_worth_less_than_fluent_small_ones() -> None:
    assert chosen(offers("1280x720 10 YUYV", "640x480 30 YUYV")).width == 640
    assert chosen(offers("1280x720 10 YUYV", "640x480 15 YUYV")).width == 1280


def test_a_driver_that_lists_nothing_is_asked_for_the_wish() -> None:
    assert chosen((), size="800x600", format="MJPG") == CameraFormat(800, 600, None, "MJPG")
    assert chosen(()) == CameraFormat(0, 0, None, "")


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ({"size": "800x600"}, "800x600"),
        ({"size": "640x480", "rate": 60}, "640x480 with 60 frames per second"),
        ({"format": "H264"}, "H264"),
    ],
)
def test_what_a_camera_cannot_do_is_told_with_what_it_can(
    wish: dict[str, object], told: str
) -> None:
    with pytest.raises(SettingsError, match=f"Night Cam cannot deliver {told}; its sizes are 1920"):
        chosen(USUAL, **wish)


def test_settings_are_made_format_first(plain_clip: Path) -> None:
    captures: list[Film] = []

    def capture(path: str) -> Film:
        captures.append(Film(path))
        return captures[-1]

    wish = CameraWish(size=(1280, 720), rate=Fraction(30), format="MJPG")
    with opened(plain_clip, wish=wish, open_capture=capture):
        pass
    assert captures[0].settings == [
        (cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG")),
        (cv2.CAP_PROP_FRAME_WIDTH, 1280),
        (cv2.CAP_PROP_FRAME_HEIGHT, 720),
        (cv2.CAP_PROP_FPS, 30),
    ]
    assert not captures[0].isOpened()


def test_the_rate_is_held_while_it_is_open_and_let_go_after(plain_clip: Path) -> None:
    device = Device(controls={DYNAMIC: 1})
    with opened(plain_clip, wish=CameraWish(keep_rate=True), open_device=device.again) as camera:
        assert device.values[DYNAMIC] == 0
        assert not camera.info.can_keep_rate, "it does already"
    assert device.values[DYNAMIC] == 1


def test_whether_the_rate_could_be_held_is_known(plain_clip: Path) -> None:
    with opened(plain_clip, open_device=Device(controls={DYNAMIC: 1}).again) as camera:
        assert camera.info.can_keep_rate
    with opened(plain_clip, open_device=Device(controls={}).again) as camera:
        assert not camera.info.can_keep_rate


def test_exposure_is_left_as_it_was_when_it_was_set_from_outside(plain_clip: Path) -> None:
    device = Device(controls={DYNAMIC: 0})
    with opened(plain_clip, open_device=device.again):
        device.values[DYNAMIC] = 1
    assert device.values[DYNAMIC] == 0


def test_a_rate_that_cannot_be_held_is_told_and_the_camera_let_go(plain_clip: Path) -> None:
    captures: list[Film] = []

    def capture(path: str) -> Film:
        captures.append(Film(path))
        return captures[-1]

    with pytest.raises(SettingsError, match="no control that holds its frame rate"):
        opened(plain_clip, wish=CameraWish(keep_rate=True), open_capture=capture)
    assert not captures[0].isOpened()


def until_lost(camera: Camera) -> str:
    with pytest.raises(SourceLostError) as caught:
        deque((camera.read() for _ in range(100)), maxlen=0)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_camera_that_falls_silent_is_lost_in_time(plain_clip: Path) -> None:
    time = Time()
    with opened(plain_clip, time) as camera:
        assert until_lost(camera) == ("Night Cam has sent no picture for 2 s; plug it in again")
        assert time.now_ns - SECOND_NS == pytest.approx(READ_LIMIT_S * SECOND_NS, rel=0.02)


def test_a_camera_that_is_unplugged_is_lost_at_once(plain_clip: Path) -> None:
    time = Time()
    with opened(plain_clip, time) as camera:
        plain_clip.unlink()
        assert until_lost(camera) == "Night Cam was unplugged; plug it in again"
    assert time.now_ns == SECOND_NS


def test_a_damaged_picture_is_stepped_over(plain_clip: Path) -> None:
    class Damaged(Film):
        def read(self) -> tuple[bool, Any]:
            whole = super().read()
            return (False, None) if self.reads % 2 else whole

    time = Time()
    with opened(plain_clip, time, open_capture=Damaged) as camera:
        frames = [camera.read() for _ in range(5)]
    assert all(frames)
    assert frames[-1] is not None
    assert frames[-1].pts == 8 * 40_000_000


@pytest.mark.parametrize("content", [b"", None])
def test_a_camera_in_use_and_one_that_is_gone_are_told_apart(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "video0"
    if content is not None:
        path.write_bytes(content)
    says = "close other programs that use it" if content is not None else "not plugged in any more"
    with pytest.raises(SourceOpenError, match=f"^Night Cam .*{says}"):
        opened(path)


def test_the_real_opener_says_nothing_by_itself(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """What is no camera, through OpenCV's V4L2; the console stays clean."""
    path = tmp_path / "video0"
    path.touch()
    with pytest.raises(SourceOpenError, match="Night Cam cannot be opened"):
        Camera(CameraInfo("1:2:3", "Night Cam", str(path), ()), open_device=NO_CONTROLS)
    assert capfd.readouterr() == ("", "")


def test_a_camera_that_never_sends_is_told_in_time(plain_clip: Path) -> None:
    class Silent(Film):
        def read(self) -> tuple[bool, Any]:
            return False, None

    time = Time()
    with pytest.raises(SourceOpenError, match="Night Cam opens but sends no picture"):
        opened(plain_clip, time, open_capture=Silent)
    assert time.now_ns - SECOND_NS == pytest.approx(FIRST_LIMIT_S * SECOND_NS, rel=0.02)


@pytest.mark.parametrize("uri", ["camera:1:2:nobody?size=640x480&rate=30&keep_rate=1"])
def test_an_unknown_camera_is_told(uri: str) -> None:
    with pytest.raises(SourceOpenError, match=r"no camera 1:2:nobody; plugged|No camera was found"):
        open_live(uri)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("speed=2", "'speed'.*size, rate, format, keep_rate"),
        ("size=640", "'size'"),
        ("rate=0", "'rate'"),
        ("format=x%20y", "'format'"),
        ("keep_rate=maybe", "'keep_rate'"),
    ],
)
def test_a_wrong_option_is_one_clear_sentence(options: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words) as caught:
        open_live(f"camera:?{options}")
    assert "\n" not in str(caught.value)
