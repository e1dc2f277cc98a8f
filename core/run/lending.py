"""The enhanced picture, lent to other programs as a camera while a live run goes on."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from core.closing import Closing
from core.errors import WriterError
from core.media.virtual_camera import VirtualCamera

if TYPE_CHECKING:
    from core.frame import Frame
    from core.media.live import LiveInfo

USUAL_RATE = 30.0
"""What the other programs are promised where the source promises nothing."""


class Lending(Closing):
    """Begins and ends while frames go by; the enhance thread calls `put`, any thread the rest."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._camera: VirtualCamera | None = None
        self.trouble = ""
        """Why it ended by itself; empty where it did not."""

    @property
    def name(self) -> str:
        """What to choose in the other program; empty while nothing is lent."""
        camera = self._camera
        return "" if camera is None else camera.name

    def begin(self, info: LiveInfo) -> None:
        """Lend pictures of the source's size from the next frame on; no more if that is done.

        Raises:
            WriterError: pyvirtualcam or the driver behind it is not installed.
        """
        with self._lock:
            if self._camera is None:
                rate = USUAL_RATE if info.rate is None else float(info.rate)
                self._camera, self.trouble = VirtualCamera(info.width, info.height, rate), ""

    def put(self, frame: Frame) -> None:
        """Show a frame to the other programs."""
        with self._lock:
            if self._camera is None:
                return
            try:
                self._camera.send(frame)
            except WriterError as error:
                self._camera.close()
                self._camera, self.trouble = None, str(error)

    def close(self) -> None:
        """Take the camera away from the other programs; it may be lent again."""
        with self._lock:
            camera, self._camera = self._camera, None
            if camera is not None:
                camera.close()
