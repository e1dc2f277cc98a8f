"""OpenCV's capture of a film, in place of its capture of a camera."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2


class Film:
    """Hands everything on to OpenCV, whose class cannot be inherited from."""

    def __init__(self, path: str) -> None:
        self._capture = cv2.VideoCapture(path)
        self.settings: list[tuple[int, float]] = []
        """What it was asked for, in order."""
        self.reads = 0
        """How often it was asked for a picture."""

    def set(self, setting: int, value: float) -> bool:
        self.settings.append((setting, value))
        return True

    def get(self, setting: int) -> float:
        return self._capture.get(setting)

    def read(self) -> tuple[bool, Any]:
        self.reads += 1
        return self._capture.read()

    def isOpened(self) -> bool:  # noqa: N802
        return self._capture.isOpened()

    def release(self) -> None:
        self._capture.release()


class Endless(Film):
    """Begins again at its end, which a camera has not, and says when a picture is waited for."""

    def __init__(self, path: str, waits: Callable[[], None]) -> None:
        super().__init__(path)
        self._waits = waits

    def read(self) -> tuple[bool, Any]:
        self._waits()
        arrived, picture = super().read()
        if not arrived:
            self._capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
            return super().read()
        return arrived, picture
