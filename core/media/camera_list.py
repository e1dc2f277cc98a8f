"""The cameras that are plugged in: by name, with what each can do.

V4L2, through linuxpy, which is looked for when it is asked for: it exists on Linux alone.

Note [identity]
    The number in /dev/video0 goes to whoever is plugged in first, so settings are remembered by
    hardware: USB's vendor, product and serial number. A camera without a serial number, or with
    one that its twin bears too, is known by its port as well: mistaking one for the other would
    show the wrong room.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from fractions import Fraction
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import SourceOpenError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_SYSTEM = Path("/sys/class/video4linux")
_USUAL_SIZES = ((640, 480), (1280, 720), (1920, 1080), (2560, 1440), (3840, 2160))
"""Offered where a driver can do any size between two."""
_LARGEST_DENOMINATOR = 1001
"""Drivers count in whole hundreds of nanoseconds; 30000/1001 is meant."""


@dataclass(frozen=True, slots=True)
class CameraFormat:
    """One way in which a camera can deliver."""

    width: int
    """Columns, in pixels."""
    height: int
    """Rows, in pixels."""
    rate: Fraction | None
    """Most frames per second; none where the driver does not say."""
    pixel_format: str
    """V4L2's four letters: `MJPG`, `YUYV`, ..."""


@dataclass(frozen=True, slots=True)
class CameraInfo:
    """A camera that is plugged in."""

    id: str
    """Stays the same when it is plugged in again; see Note [identity]."""
    name: str
    """What its maker calls it."""
    path: str
    """Where it is at this moment, such as /dev/video0."""
    formats: tuple[CameraFormat, ...]
    """The largest first; empty where the driver does not say."""


def library() -> Any:
    """The V4L2 side of linuxpy.

    Raises:
        ImportError: it is not installed, as on Windows and macOS.
    """
    return import_module("linuxpy.video.device")


def open_device(path: str) -> Any:
    """A device of linuxpy, to be entered before it is used; others may stream from it meanwhile."""
    return library().Device(path)


def _devices() -> list[Any]:
    if find_spec("linuxpy") is None:
        return []
    return list(library().iter_devices())


def list_cameras(
    devices: Callable[[], Iterable[Any]] = _devices, system: Path = _SYSTEM
) -> tuple[CameraInfo, ...]:
    """Every camera that may be opened; none where the platform has no V4L2.

    Args:
        devices: gives linuxpy's video devices, closed.
        system: where the kernel tells what hardware is behind a device.
    """
    found = [
        camera
        for device in sorted(devices(), key=lambda device: device.index)
        if (camera := _camera(device, system)) is not None
    ]
    twins = Counter(camera.id for camera, _ in found)
    return tuple(
        camera if twins[camera.id] == 1 else replace(camera, id=_at_port(camera.id, port))
        for camera, port in found
    )


def find_camera(wanted: str, cameras: Sequence[CameraInfo]) -> CameraInfo:
    """The camera of an identity or a path; the first for an empty one.

    Raises:
        SourceOpenError: it is not there.
    """
    for camera in cameras:
        if wanted in ("", camera.id, camera.path):
            return camera
    if cameras:
        present = ", ".join(f"{camera.name} ({camera.id})" for camera in cameras)
        raise SourceOpenError(f"There is no camera {wanted}; plugged in: {present}")
    if find_spec("linuxpy") is None:
        raise SourceOpenError(
            "Cameras can be opened on Linux with linuxpy installed; give a video file, an rtsp:// "
            "address or test: instead"
        )
    raise SourceOpenError(
        "No camera was found; plug one in, and see that you may read /dev/video* (the group video)"
    )


def _camera(device: Any, system: Path) -> tuple[CameraInfo, str] | None:
    """The camera and its port; none for what is no camera, or was unplugged at this moment."""
    capture = library().Capability.VIDEO_CAPTURE
    try:
        with device:
            info = device.info
            if capture not in info.device_capabilities:
                return None
            identity = _identity(system / device.filename.name, info.bus_info)
            name, formats = _name(info.card), _formats(info)
            return CameraInfo(identity, name, str(device.filename), formats), info.bus_info
    except (OSError, ValueError):
        return None


def _identity(system: Path, port: str) -> str:
    """See Note [identity]; a second picture of the same camera has its number behind a slash."""
    node = (system / "device").resolve()
    usb = next((at for at in (node, *node.parents) if (at / "idVendor").is_file()), None)
    if usb is None:
        identity = _plain(port)
    else:
        vendor, product, serial = (_read(usb / f) for f in ("idVendor", "idProduct", "serial"))
        hardware = f"{vendor}:{product}"
        identity = f"{hardware}:{_plain(serial)}" if serial else _at_port(hardware, port)
    number = _read(system / "index")
    return f"{identity}/{number}" if number not in ("", "0") else identity


def _at_port(identity: str, port: str) -> str:
    return f"{identity}@{_plain(port)}"


def _plain(text: str) -> str:
    """With nothing in it that an address could stumble over."""
    return re.sub(r"[^\w.:-]", "_", text)


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def _name(card: str) -> str:
    """Drivers say many names twice, and cut the second short: `Cam 9: Cam`."""
    first, _, second = card.partition(": ")
    return first if second and first.startswith(second) else card


def _formats(info: Any) -> tuple[CameraFormat, ...]:
    formats = {
        CameraFormat(width, height, rate, layout.human_str().strip())
        for layout in _layouts(info)
        for width, height in _sizes(info, layout)
        for rate in _rates(info, layout, width, height)
    }
    return tuple(sorted(formats, key=lambda f: (-f.width * f.height, -(f.rate or 0), str(f))))


def _layouts(info: Any) -> list[Any]:
    described = info.buffer_formats(library().BufferType.VIDEO_CAPTURE)
    return [one.pixel_format for one in described]


def _sizes(info: Any, layout: Any) -> Iterator[tuple[int, int]]:
    for size in info.format_frame_sizes(layout):
        if size.type == library().FrameSizeType.DISCRETE:
            yield size.info.width, size.info.height
        else:
            yield from _sizes_between(size.info)


def _sizes_between(limits: Any) -> Iterator[tuple[int, int]]:
    columns = range(limits.min_width, limits.max_width + 1, max(limits.step_width, 1))
    rows = range(limits.min_height, limits.max_height + 1, max(limits.step_height, 1))
    yield columns[-1], rows[-1]
    yield from ((w, h) for w, h in _USUAL_SIZES if w in columns and h in rows)


def _rates(info: Any, layout: Any, width: int, height: int) -> Iterator[Fraction | None]:
    for interval in info.fps_intervals(layout, width, height):
        # The shortest interval is the highest rate, whichever of the two it is called.
        rate = Fraction(max(interval.min_fps, interval.max_fps))
        yield rate.limit_denominator(_LARGEST_DENOMINATOR) or None
