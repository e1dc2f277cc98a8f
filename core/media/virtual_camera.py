"""The enhanced picture as a camera that other programs can choose, through pyvirtualcam."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from core.closing import Closing
from core.errors import WriterError

if TYPE_CHECKING:
    from core.frame import Frame, Pixels

_LINUX_DEVICES = Path("/sys/devices/virtual/video4linux")
_DRIVERS = "v4l2loopback on Linux (sudo modprobe v4l2loopback), OBS on Windows and macOS"


class VirtualCamera(Closing):
    """Shows frames to other programs. Passive: starts no thread; one per thread.

    Args:
        width: columns that the other programs see.
        height: rows that they see.
        rate: frames per second that they are promised.

    Raises:
        WriterError: pyvirtualcam or the driver behind it is not installed.
    """

    def __init__(self, width: int, height: int, rate: float) -> None:
        self._shape = (height, width, 3)
        self._camera: Any = _open(width, height, rate)

    @property
    def name(self) -> str:
        """What to choose in the other program."""
        return str(self._camera.device)

    def send(self, frame: Frame) -> None:
        """Show a frame at once; one of another size is fitted in, on black.

        Raises:
            WriterError: the driver failed.
        """
        try:
            self._camera.send(_fitted(_eight_bit(frame.pixels), self._shape))
        except (RuntimeError, OSError) as error:
            raise WriterError(
                "The virtual camera failed; close the programs that show it and switch it on again"
            ) from error

    def close(self) -> None:
        """Takes the camera away from the other programs; safe to call twice."""
        self._camera.close()


def _open(width: int, height: int, rate: float) -> Any:
    try:
        library = import_module("pyvirtualcam")
    except ImportError as error:
        raise WriterError(
            "The virtual camera needs pyvirtualcam: pip install 'lowlux[virtual-camera]'; and a "
            f"driver: {_DRIVERS}"
        ) from error
    missing = f"There is no driver for a virtual camera, or it is in use; install one: {_DRIVERS}"
    # Where it finds none, the library throws, and that ends the program once GStreamer's decoders
    # have brought another C++ runtime along.
    if sys.platform == "linux" and not any(_LINUX_DEVICES.glob("video*")):
        raise WriterError(missing)
    try:
        return library.Camera(width, height, rate)
    except RuntimeError as error:
        raise WriterError(missing) from error


def _eight_bit(pixels: Pixels) -> Pixels:
    return pixels if pixels.dtype == np.uint8 else (pixels >> 8).astype(np.uint8)


def _fitted(pixels: Pixels, shape: tuple[int, int, int]) -> Pixels:
    if pixels.shape == shape:
        return pixels
    height, width = pixels.shape[:2]
    scale = min(shape[0] / height, shape[1] / width)
    rows, columns = max(round(height * scale), 1), max(round(width * scale), 1)
    top, left = (shape[0] - rows) // 2, (shape[1] - columns) // 2
    whole = np.zeros(shape, np.uint8)
    whole[top : top + rows, left : left + columns] = cv2.resize(
        pixels, (columns, rows), interpolation=cv2.INTER_AREA
    )
    return whole
