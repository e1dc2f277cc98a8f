"""A camera as a live source: chosen by hardware, opened through OpenCV."""

from __future__ import annotations

import os
import time
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2

from core.clock import arrival_ns
from core.closing import Closing
from core.errors import SourceLostError, SourceOpenError
from core.frame import Frame
from core.media.camera_controls import can_keep_rate, exposure, keep_rate, restore_exposure
from core.media.camera_format import CameraWish, choose_format
from core.media.camera_list import find_camera, list_cameras, open_device
from core.media.live import READ_LIMIT_S, LiveInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from core.media.camera_list import CameraFormat, CameraInfo

FIRST_LIMIT_S = 5.0
"""Some cameras take seconds to wake."""
_RETRY_S = 0.01
"""OpenCV gives up at once on a picture that is damaged; the next one may be whole."""
_NANOSECOND = Fraction(1, 10**9)


def _open_capture(path: str) -> Any:
    # OpenCV looks at this once; its own choice is ten seconds.
    os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", f"{READ_LIMIT_S:.0f}")
    # What it would say on the console we say in the window.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    return cv2.VideoCapture(path, cv2.CAP_V4L2)


class Camera(Closing):
    """Frames of one camera: RGB, uint8. Passive: starts no thread; one per thread.

    Times are those at which the driver says it took the pictures. Exposure is left as it was found.

    Args:
        camera: one of `list_cameras`.
        wish: how it shall deliver.
        open_capture: OpenCV's capture of a path.
        open_device: linuxpy's device of a path.
        clock: see `arrival_ns`.
        wait: lets so many seconds pass.

    Raises:
        SettingsError: the camera cannot deliver so.
        SourceOpenError: it is gone, in use, or sends nothing.
    """

    def __init__(
        self,
        camera: CameraInfo,
        wish: CameraWish | None = None,
        *,
        open_capture: Callable[[str], Any] = _open_capture,
        open_device: Callable[[str], Any] = open_device,
        clock: Callable[[], int] = arrival_ns,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._camera, self._open_device = camera, open_device
        self._clock, self._wait = clock, wait
        self._pts = self._taken_ns = self._arrived_ns = 0
        self._exposure: Mapping[int, int] = {}
        wish = wish or CameraWish()
        asked = choose_format(camera, wish)
        self._capture = open_capture(camera.path)
        self._is_open = True
        try:
            self._waiting: Frame | None = self._start(asked, hold=wish.keep_rate)
        except BaseException:
            self.close()
            raise
        height, width = self._waiting.pixels.shape[:2]
        could_hold = not wish.keep_rate and can_keep_rate(camera.path, open_device)
        self.info = LiveInfo(
            camera.name, width, height, self._promised(asked), "opencv", can_keep_rate=could_hold
        )

    def read(self) -> Frame | None:
        """The next frame; none once it is closed.

        Raises:
            SourceLostError: the camera was unplugged, or sends nothing any more.
        """
        waiting, self._waiting = self._waiting, None
        if waiting is not None or not self._is_open:
            return waiting
        picture = self._picture(READ_LIMIT_S)
        if picture is None:
            raise SourceLostError(
                f"{self._camera.name} has sent no picture for {READ_LIMIT_S:g} s; plug it in again"
                if self._is_there()
                else f"{self._camera.name} was unplugged; plug it in again"
            )
        return self._frame(picture)

    def close(self) -> None:
        """Lets go of the camera; safe to call twice."""
        if self._is_open:
            self._is_open, self._waiting = False, None
            self._capture.release()
            if self._exposure:
                restore_exposure(self._camera.path, self._exposure, self._open_device)

    def _start(self, asked: CameraFormat, *, hold: bool) -> Frame:
        name = self._camera.name
        if not self._capture.isOpened():
            raise SourceOpenError(
                f"{name} cannot be opened; close other programs that use it and try again"
                if self._is_there()
                else f"{name} is not plugged in any more"
            )
        for setting, value in _settings(asked):
            self._capture.set(setting, value)
        self._exposure = exposure(self._camera.path, self._open_device)
        if hold:
            keep_rate(self._camera.path, True, self._open_device)
        picture = self._picture(FIRST_LIMIT_S)
        if picture is None:
            raise SourceOpenError(
                f"{name} opens but sends no picture; close other programs that use it, or plug it "
                "in again"
            )
        return self._frame(picture)

    def _picture(self, limit_s: float) -> NDArray[Any] | None:
        """BGR, as OpenCV has it; none if nothing comes."""
        give_up_ns = self._clock() + int(limit_s * 10**9)
        while True:
            arrived, picture = self._capture.read()
            if arrived:
                found: NDArray[Any] = picture
                return found
            if self._clock() >= give_up_ns or not self._is_there():
                return None
            self._wait(_RETRY_S)

    def _frame(self, picture: NDArray[Any]) -> Frame:
        now = self._clock()
        taken = round(self._capture.get(cv2.CAP_PROP_POS_MSEC) * 10**6)
        step = taken - self._taken_ns
        if not 0 < step < READ_LIMIT_S * 10**9:  # not every driver tells the time
            step = now - self._arrived_ns
        self._pts += max(step, 1) if self._arrived_ns else 0
        self._taken_ns, self._arrived_ns = taken, now
        pixels = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
        return Frame(pixels, self._pts, _NANOSECOND, captured_ns=now)

    def _promised(self, asked: CameraFormat) -> Fraction | None:
        """The driver's answer to what was asked."""
        answer = Fraction(max(self._capture.get(cv2.CAP_PROP_FPS), 0)).limit_denominator(1001)
        return answer or asked.rate

    def _is_there(self) -> bool:
        return Path(self._camera.path).exists()


def open_camera(wanted: str, wish: CameraWish) -> Camera:
    """Open a camera by its identity or path, or the first one.

    Args:
        wanted: `CameraInfo.id` or `CameraInfo.path`; empty for the first.
        wish: how it shall deliver.

    Raises:
        SettingsError: the camera cannot deliver so.
        SourceOpenError: it is not there, in use, or sends nothing.
    """
    return Camera(find_camera(wanted, list_cameras()), wish)


def _settings(asked: CameraFormat) -> list[tuple[int, float]]:
    """OpenCV's, the pixel format first: the sizes and rates there are hang on it."""
    letters = asked.pixel_format.ljust(4)
    code = cv2.VideoWriter.fourcc(*letters) if asked.pixel_format else 0
    wished = (
        (cv2.CAP_PROP_FOURCC, code),
        (cv2.CAP_PROP_FRAME_WIDTH, asked.width),
        (cv2.CAP_PROP_FRAME_HEIGHT, asked.height),
        (cv2.CAP_PROP_FPS, float(asked.rate or 0)),
    )
    return [(setting, value) for setting, value in wished if value]
