"""Live sources on a clock that the test holds."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from core.frame import Frame
from core.media.camera import Camera
from core.media.camera_list import CameraInfo
from core.media.faults import FaultPlan, Faulty
from core.media.live import LiveSource
from core.media.test_pattern import PatternSettings
from core.media.test_pattern import TestPattern as Pattern  # Test* would be collected.
from tests.media.film_capture import Endless

SMALL = (96, 64)
SECOND_NS = 10**9


class Time:
    """A clock that moves when somebody waits, and when it is told to."""

    def __init__(self) -> None:
        self.now_ns = 5 * SECOND_NS
        self.waits: list[float] = []
        """Every wait, in seconds."""

    def clock(self) -> int:
        return self.now_ns

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now_ns += round(seconds * SECOND_NS)


def pattern(time: Time, *, seconds: float | None = 0.4, **what: object) -> Pattern:
    settings = PatternSettings.model_validate({"size": SMALL, "seconds": seconds, **what})
    return Pattern(settings, clock=time.clock, wait=time.wait)


def faulty(time: Time, *, seconds: float | None = 0.4, **plan: float) -> Faulty:
    faults = FaultPlan.model_validate({"seed": 7, **plan})
    return Faulty(pattern(time, seconds=seconds), faults, clock=time.clock, wait=time.wait)


def camera(clip: Path, time: Time) -> Camera:
    """One whose pictures come from a film, 40 ms apart, and that has no controls."""

    def device(path: str) -> NoReturn:
        raise OSError(path)

    def capture(path: str) -> Endless:
        return Endless(path, lambda: time.wait(0.04))

    known = CameraInfo("1:2:3", "Night Cam", str(clip), ())
    return Camera(known, open_capture=capture, open_device=device, clock=time.clock)


def rest(source: LiveSource) -> list[Frame]:
    """What is left of a source that ends."""
    frames = []
    while (frame := source.read()) is not None:
        frames.append(frame)
    return frames
