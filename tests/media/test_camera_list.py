"""Cameras by name and hardware, and their exposure: on a device that keeps linuxpy's contract."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from core.errors import SettingsError, SourceOpenError
from core.media.camera_controls import can_keep_rate, exposure, keep_rate, restore_exposure
from core.media.camera_list import CameraFormat, CameraInfo, find_camera, list_cameras
from tests.media.v4l2_device import AUTOMATIC, DYNAMIC, LENGTH, Device, video

RATE_30 = Fraction(30)
UNPLUGGED = "/dev/video9"


@pytest.fixture
def system(tmp_path: Path) -> Callable[..., Path]:
    """Writes what the kernel tells about devices: `system(video0=("046d", "0825", "A1"))`."""

    def write(**hardware: tuple[str, ...]) -> Path:
        for number, (node, (*facts, index)) in enumerate(hardware.items()):
            port = tmp_path / "devices" / f"usb1/1-{number}"
            interface = port / "interface"
            interface.mkdir(parents=True)
            for name, fact in zip(("idVendor", "idProduct", "serial"), facts, strict=False):
                (port / name).write_text(f"{fact}\n")
            entry = tmp_path / "video4linux" / node
            entry.mkdir(parents=True)
            (entry / "device").symlink_to(interface)
            (entry / "index").write_text(f"{index}\n")
        return tmp_path / "video4linux"

    return write


def listed(system: Path, *devices: Device) -> tuple[CameraInfo, ...]:
    return list_cameras(lambda: devices, system)


def test_a_camera_is_told_with_all_it_can_do(system: Callable[..., Path]) -> None:
    device = Device(name="Night Cam: Night C", sizes={"YUYV": {(640, 480): (30, 15)}})
    (camera,) = listed(system(video0=("046d", "0825", "A1", "0")), device)
    assert camera == CameraInfo(
        "046d:0825:A1",
        "Night Cam",
        "/dev/video0",
        (
            CameraFormat(640, 480, RATE_30, "YUYV"),
            CameraFormat(640, 480, Fraction(15), "YUYV"),
        ),
    )
    assert device.closed


def test_rates_are_what_is_meant(tmp_path: Path) -> None:
    (camera,) = listed(tmp_path, Device(sizes={"MJPG": {(1920, 1080): (30000 / 1001, 0)}}))
    assert [offer.rate for offer in camera.formats] == [Fraction(30000, 1001), None]


def test_a_camera_of_any_size_offers_the_usual_ones_and_its_largest(tmp_path: Path) -> None:
    (camera,) = listed(tmp_path, Device(sizes={"NV12": {(64, 64, 2592, 1944, 4): (30,)}}))
    sides = [(offer.width, offer.height) for offer in camera.formats]
    assert sides == [(2592, 1944), (2560, 1440), (1920, 1080), (1280, 720), (640, 480)]


def test_it_keeps_its_identity_at_another_port(system: Callable[..., Path]) -> None:
    known = system(
        video0=("046d", "0825", "A 1?", "0"), video3=("046d", "0825", "A 1?", "0")
    )  # both are the same hardware, before and after
    (before,) = listed(known, Device("/dev/video0", port="usb-0000:00:14.0-1"))
    (after,) = listed(known, Device("/dev/video3", port="usb-0000:00:14.0-2"))
    assert before.id == after.id == "046d:0825:A_1_"
    assert before.path != after.path


@pytest.mark.parametrize("serial", [(), ("SN0001",)])
def test_twins_are_told_apart_by_their_ports(
    system: Callable[..., Path], serial: tuple[str, ...]
) -> None:
    known = system(video0=("0c45", "636b", *serial, "0"), video1=("0c45", "636b", *serial, "0"))
    pair = Device("/dev/video1", port="usb-1.2"), Device("/dev/video0", port="usb-1.1")
    stem = ":".join(("0c45", "636b", *serial))
    assert [(camera.path, camera.id) for camera in listed(known, *pair)] == [
        ("/dev/video0", f"{stem}@usb-1.1"),
        ("/dev/video1", f"{stem}@usb-1.2"),
    ]


def test_a_second_picture_of_one_camera_has_a_number(system: Callable[..., Path]) -> None:
    known = system(video0=("8086", "0b3a", "7", "0"), video2=("8086", "0b3a", "7", "2"))
    found = listed(known, Device("/dev/video0"), Device("/dev/video2"))
    assert [camera.id for camera in found] == ["8086:0b3a:7", "8086:0b3a:7/2"]


def test_a_camera_inside_the_machine_is_known_by_its_place(tmp_path: Path) -> None:
    (camera,) = listed(tmp_path, Device(port="platform:fe801000.csi"))
    assert camera.id == "platform:fe801000.csi"


def test_what_is_no_camera_or_gone_is_left_out(tmp_path: Path) -> None:
    devices = (
        Device("/dev/video0", is_camera=False),
        Device("/dev/video1", fails=OSError(19, "No such device")),
        Device("/dev/video2"),
    )
    assert [camera.path for camera in listed(tmp_path, *devices)] == ["/dev/video2"]


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (video.InfoEx, "card bus_info device_capabilities buffer_formats format_frame_sizes"),
        (video.InfoEx, "fps_intervals"),
        (video.IntegerControl, "value default is_writeable"),
        (video.Device, "get_fps __enter__ __exit__"),
    ],
)
def test_linuxpy_has_what_its_stand_in_has(kind: type, names: str) -> None:
    assert [name for name in names.split() if not hasattr(kind, name)] == []


def test_the_devices_of_this_machine_can_be_listed() -> None:
    cameras = list_cameras()
    assert len({camera.id for camera in cameras}) == len(cameras)
    assert all(Path(camera.path).exists() and camera.name for camera in cameras)


def test_a_camera_is_found_by_identity_path_or_as_the_first() -> None:
    one, two = (CameraInfo(f"id:{n}", f"Cam {n}", f"/dev/video{n}", ()) for n in (1, 2))
    assert find_camera("", (one, two)) is one
    assert find_camera("id:2", (one, two)) is two
    assert find_camera("/dev/video2", (one, two)) is two
    with pytest.raises(SourceOpenError, match=r"no camera id:3; plugged in: Cam 1 \(id:1\), Cam 2"):
        find_camera("id:3", (one, two))
    with pytest.raises(SourceOpenError, match=r"No camera was found|on Linux"):
        find_camera("", ())


def test_the_rate_is_kept_by_the_control_that_is_there_for_it() -> None:
    device = Device(controls={DYNAMIC: 1, AUTOMATIC: 3, LENGTH: 600})
    assert can_keep_rate("", device.again)
    keep_rate("", True, device.again)
    assert device.values == {DYNAMIC: 0, AUTOMATIC: 3, LENGTH: 600}
    keep_rate("", False, device.again)
    assert device.values[DYNAMIC] == 1


def test_without_it_exposure_is_locked_at_the_length_of_a_frame() -> None:
    device = Device(controls={AUTOMATIC: 3, LENGTH: 600}, rate=Fraction(25))
    assert can_keep_rate("", device.again)
    keep_rate("", True, device.again)
    assert device.values == {AUTOMATIC: 1, LENGTH: 400}
    keep_rate("", False, device.again)
    assert device.values[AUTOMATIC] == 3


def test_exposure_comes_back_as_it_was() -> None:
    device = Device(controls={AUTOMATIC: 3, LENGTH: 600})
    before = exposure("", device.again)
    keep_rate("", True, device.again)
    assert device.values != before
    restore_exposure("", before, device.again)
    assert device.values == before == {AUTOMATIC: 3, LENGTH: 600}


def test_a_length_that_the_camera_chooses_does_not_keep_the_rest_from_coming_back() -> None:
    device = Device(controls={AUTOMATIC: 3, LENGTH: 600})
    restore_exposure("", {AUTOMATIC: 0, LENGTH: 500}, device.again)
    assert device.values == {AUTOMATIC: 0, LENGTH: 600}


@pytest.mark.parametrize(
    "device",
    [
        Device(),
        Device(controls={LENGTH: 600}),
        Device(controls={DYNAMIC: 1}, locked=True),
        Device(fails=OSError(19, "No such device")),
    ],
    ids=["no control", "no automatic", "read only", "unplugged"],
)
def test_a_camera_that_cannot_keep_its_rate_says_so(device: Device) -> None:
    assert not can_keep_rate(UNPLUGGED, device.again)
    with pytest.raises(SettingsError, match="/dev/video9 has no control") as caught:
        keep_rate(UNPLUGGED, True, device.again)
    assert "\n" not in str(caught.value)
    restore_exposure(UNPLUGGED, {DYNAMIC: 7}, device.again)
    assert device.values == device.defaults


def test_a_control_that_will_not_be_set_is_told() -> None:
    device: Any = Device(controls={DYNAMIC: 1}, refuses=OSError(5, "Input/output error"))
    with pytest.raises(SettingsError, match="did not let its exposure be set"):
        keep_rate(UNPLUGGED, True, device.again)
