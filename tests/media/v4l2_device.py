"""A stand-in for linuxpy's video device: the part of its contract that cameras are read by.

No camera can be had on every machine that runs the tests. Names, enumerations and the way controls
are looked up are linuxpy's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import pytest

video = pytest.importorskip("linuxpy.video.device", reason="linuxpy is for Linux")

AUTOMATIC = int(video.ControlID.EXPOSURE_AUTO)
LENGTH = int(video.ControlID.EXPOSURE_ABSOLUTE)
DYNAMIC = int(video.ControlID.EXPOSURE_AUTO_PRIORITY)

Sizes = Mapping[tuple[int, ...], tuple[float, ...]]


@dataclass
class Control:
    """One control; in manual exposure alone may the length be set, as with real cameras."""

    id: int
    device: Device

    @property
    def is_writeable(self) -> bool:
        return not self.device.locked

    @property
    def default(self) -> int:
        return self.device.defaults[self.id]

    @property
    def value(self) -> int:
        return self.device.values[self.id]

    @value.setter
    def value(self, value: int) -> None:
        if self.device.refuses is not None:
            raise self.device.refuses
        if self.id == LENGTH and self.device.values.get(AUTOMATIC, 1) != 1:
            raise PermissionError(13, "Permission denied")
        self.device.values[self.id] = value


class Device:
    """Opened and closed like linuxpy's; refuses to be read while closed."""

    def __init__(
        self,
        path: str = "/dev/video0",
        *,
        name: str = "Night Cam",
        port: str = "usb-0000:00:14.0-1",
        sizes: Mapping[str, Sizes] | None = None,
        controls: Mapping[int, int] | None = None,
        rate: Fraction = Fraction(30),
        is_camera: bool = True,
        locked: bool = False,
        fails: OSError | None = None,
        refuses: OSError | None = None,
    ) -> None:
        self.filename, self.index = Path(path), int(path[-1])
        self.values, self.defaults = dict(controls or {}), dict(controls or {})
        self.locked, self.fails, self.refuses = locked, fails, refuses
        self.closed = True
        self._name, self._port, self._sizes = name, port, sizes or {}
        self._rate, self._is_camera = rate, is_camera

    def again(self, _path: str) -> Device:
        """What opens it, for whoever wants to open a path."""
        return self

    def __enter__(self) -> Self:
        if self.fails is not None:
            raise self.fails
        self.closed = False
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True

    @property
    def info(self) -> Any:
        assert not self.closed
        return Info(self._name, self._port, self._sizes, self._is_camera)

    @property
    def controls(self) -> Mapping[int, Control]:
        assert not self.closed
        return {number: Control(number, self) for number in self.values}

    def get_fps(self, kind: Any) -> Fraction:
        assert kind == video.BufferType.VIDEO_CAPTURE
        return self._rate


class Info:
    """What a driver says of a device."""

    def __init__(self, name: str, port: str, sizes: Mapping[str, Sizes], is_camera: bool) -> None:
        self.card, self.bus_info = name, port
        self._sizes = {_layout(letters): offers for letters, offers in sizes.items()}
        kinds = video.Capability
        self.device_capabilities = (
            kinds.VIDEO_CAPTURE | kinds.STREAMING if is_camera else kinds.META_CAPTURE
        )

    def buffer_formats(self, kind: Any) -> list[Any]:
        assert kind == video.BufferType.VIDEO_CAPTURE
        return [video.ImageFormat(kind, "", 0, layout) for layout in self._sizes]

    def format_frame_sizes(self, layout: Any) -> list[Any]:
        return [
            video.FrameSize(index, layout, *_limits(sides))
            for index, sides in enumerate(self._sizes[layout])
        ]

    def fps_intervals(self, layout: Any, width: int, height: int) -> list[Any]:
        for sides, rates in self._sizes[layout].items():
            if sides == (width, height) or len(sides) > 2:
                return [_interval(layout, width, height, rate) for rate in rates]
        raise AssertionError(f"{width}x{height} was never offered")


def _layout(letters: str) -> Any:
    return next(layout for layout in video.PixelFormat if layout.human_str() == letters)


def _limits(sides: tuple[int, ...]) -> tuple[Any, Any]:
    kinds = video.FrameSizeType
    if len(sides) == 2:
        return kinds.DISCRETE, SimpleNamespace(width=sides[0], height=sides[1])
    names = ("min_width", "min_height", "max_width", "max_height", "step_width")
    limits = dict(zip(names, sides, strict=True))
    return kinds.STEPWISE, SimpleNamespace(**limits, step_height=sides[-1])


def _interval(layout: Any, width: int, height: int, rate: float) -> Any:
    kind, exact = video.FrameIntervalType.DISCRETE, Fraction(rate)
    return video.FrameType(kind, layout, width, height, exact, exact, exact)
