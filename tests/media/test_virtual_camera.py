"""The virtual camera: what it sends, and what is said where there is no driver for it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import WriterError
from core.frame import Frame
from core.media import virtual_camera
from core.media.virtual_camera import VirtualCamera

MOMENT = Fraction(1, 30)


class Library(ModuleType):
    """Keeps the contract of pyvirtualcam: one size, 8 bits, and what is sent is shown."""

    def __init__(self) -> None:
        super().__init__("pyvirtualcam")
        self.sent: list[NDArray[Any]] = []
        self.opened: tuple[int, int, float] | None = None
        self.device = "/dev/video7"
        self.broken = False

    def Camera(self, width: int, height: int, fps: float) -> Library:  # noqa: N802
        self.opened = (width, height, fps)
        return self

    def send(self, frame: NDArray[Any]) -> None:
        if self.broken:
            raise RuntimeError("error writing frame: Bad file descriptor")
        assert self.opened is not None
        assert frame.dtype == np.uint8
        assert frame.shape == (self.opened[1], self.opened[0], 3)
        self.sent.append(frame.copy())

    def close(self) -> None:
        self.opened = None


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Library]:
    library = Library()
    (tmp_path / "video7").touch()
    monkeypatch.setattr(virtual_camera, "_LINUX_DEVICES", tmp_path)
    monkeypatch.setitem(sys.modules, "pyvirtualcam", library)
    yield library
    assert library.opened is None


def show(pixels: NDArray[Any], library: Library) -> NDArray[Any]:
    with VirtualCamera(64, 48, 25.0) as camera:
        assert library.opened == (64, 48, 25.0)
        camera.send(Frame(pixels, 0, MOMENT))
        assert camera.name == "/dev/video7"
    return library.sent[-1]


def test_a_frame_is_sent_as_it_is(library: Library) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    np.testing.assert_array_equal(show(pixels, library), pixels)


def test_a_deep_frame_is_sent_in_eight_bits(library: Library) -> None:
    pixels = np.full((48, 64, 3), 0x80FF, np.uint16)
    assert set(show(pixels, library).flat) == {0x80}


@pytest.mark.parametrize(("shape", "bars"), [((24, 64), (24, 0)), ((96, 64), (0, 32))])
def test_a_frame_of_another_size_is_fitted_in(
    library: Library, shape: tuple[int, int], bars: tuple[int, int]
) -> None:
    shown = show(np.full((*shape, 3), 200, np.uint8), library)
    rows, columns = bars
    lit = (shown == 200).all(axis=2)
    assert lit.sum() == (48 - rows) * (64 - columns)
    assert lit[rows // 2 : 48 - rows // 2, columns // 2 : 64 - columns // 2].all()


def test_a_driver_that_fails_is_told(library: Library) -> None:
    with VirtualCamera(64, 48, 25.0) as camera:
        library.broken = True
        with pytest.raises(WriterError, match="The virtual camera failed; close"):
            camera.send(Frame(np.zeros((48, 64, 3), np.uint8), 0, MOMENT))


def test_where_it_is_not_installed_both_parts_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    with pytest.raises(WriterError, match=r"lowlux\[virtual-camera\].*v4l2loopback.*OBS"):
        VirtualCamera(64, 48, 25.0)


def test_where_there_is_no_driver_it_is_named() -> None:
    """The real library, on the machine as it is."""
    try:
        camera = VirtualCamera(64, 48, 25.0)
    except WriterError as error:
        said = str(error)
    else:
        camera.close()
        pytest.skip("this machine has a driver for virtual cameras")
    assert "v4l2loopback on Linux" in said
    assert "OBS on Windows and macOS" in said
    assert "\n" not in said
