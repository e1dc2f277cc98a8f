"""A dark scene drawn on the spot, for tests and for trying a setup without a camera.

Every frame shows its own number as a bar code along its lower edge, so that whoever receives it,
through however many encoders, can tell which frame it was.
"""

from __future__ import annotations

import time
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated

import cv2
import numpy as np
from pydantic import BeforeValidator, Field

from core.clock import arrival_ns
from core.closing import Closing
from core.frame import Frame
from core.media.live import LiveInfo
from core.media.live_file import Pace
from core.settings import Model

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from core.frame import Pixels

_BITS = 24
_CHECK_BITS = 6
_CELLS = 2 + _BITS + _CHECK_BITS
"""A white and a black cell to compare with, the number, the count of its ones."""
_SHIFTS_PX = 64
"""Noise is drawn once, larger than the picture by this, and moved about: drawing it anew for every
frame takes longer than a frame lasts."""
_CROSSING_S = 4
"""How long the bar takes from left to right."""
_FURNITURE = (
    (0.00, 0.72, 1.00, 1.00, (0.7, 0.6, 0.5)),
    (0.08, 0.30, 0.22, 0.72, (2.4, 1.4, 1.0)),
    (0.34, 0.55, 0.62, 0.80, (0.3, 0.3, 0.6)),
    (0.38, 0.20, 0.56, 0.42, (0.9, 1.8, 1.2)),
)
"""Left, top, right, bottom as shares of the picture; R, G and B as shares of the wall's."""


def _sides(text: object) -> object:
    """1280x720 -> (1280, 720), as pydantic reads it."""
    return tuple(text.lower().split("x")) if isinstance(text, str) else text


_Side = Annotated[int, Field(ge=2 * _CELLS, le=8192)]


class PatternSettings(Model):
    """What `test:` shows; every field is an option of the address."""

    size: Annotated[tuple[_Side, _Side], BeforeValidator(_sides)] = Field(
        (1280, 720), description="Columns x rows"
    )
    rate: Fraction = Field(
        Fraction(30), ge=1, le=1000, description="Frames per second; 30000/1001 will do"
    )
    seconds: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="Length; endless if left out"
    )
    dark: float = Field(0.05, ge=0, le=1, description="Mean code of the room, 1 being white")
    noise: float = Field(2.0, ge=0, le=40, description="Standard deviation, in codes of 255")
    seed: int = Field(1, ge=0, description="Of the noise")


class TestPattern(Closing):
    """A dim room with a lamp and a moving bar. Passive: starts no thread; one per thread.

    The same settings give the same pixels.

    Args:
        settings: what is shown.
        clock: see `arrival_ns`.
        wait: lets so many seconds pass.
    """

    def __init__(
        self,
        settings: PatternSettings,
        *,
        clock: Callable[[], int] = arrival_ns,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._pace = Pace(clock, wait)
        self._random = np.random.default_rng(settings.seed)
        (width, height), rate = settings.size, settings.rate
        self._room = _room(width, height, settings.dark)
        self._noise = self._drawn_noise()
        self._number = 0
        self._count = None if settings.seconds is None else round(settings.seconds * rate)
        self.info = LiveInfo("Test pattern", width, height, rate, "test")

    def read(self) -> Frame | None:
        """The next frame when its time has come; none after the last."""
        number, rate = self._number, self._settings.rate
        if self._count is not None and number >= self._count:
            return None
        pixels = self._draw(number)
        self._number += 1
        return Frame(pixels, number, 1 / rate, 1, self._pace(number / rate))

    def close(self) -> None:
        """End it: nothing more is read; safe to call twice."""
        self._count = 0

    def _draw(self, number: int) -> NDArray[np.uint8]:
        picture = self._room.copy()
        height, width = picture.shape[:2]
        left = int(number * width / (_CROSSING_S * self._settings.rate)) % width
        bar = picture[height // 8 : -height // 8, left : left + max(width // 32, 2)]
        bar[:] = round(255 * min(2.5 * self._settings.dark, 1.0))
        if self._noise is not None:
            top, side = self._random.integers(0, _SHIFTS_PX, 2)
            grain = self._noise[top : top + height, side : side + width]
            cv2.add(picture, grain, dst=picture, dtype=cv2.CV_8U)
        _draw_bar_code(picture, number)
        return picture

    def _drawn_noise(self) -> NDArray[np.int8] | None:
        (width, height), noise = self._settings.size, self._settings.noise
        if noise == 0:
            return None
        shape = (height + _SHIFTS_PX, width + _SHIFTS_PX, 3)
        grain = self._random.standard_normal(shape, dtype=np.float32) * np.float32(noise)
        return grain.round().clip(-127, 127).astype(np.int8)


def read_bar_code(pixels: Pixels) -> int:
    """The number a test pattern's frame bears, also after scaling and coding.

    Args:
        pixels: RGB, (H, W, 3), the whole frame; may have been brightened.

    Returns:
        The frame's number, modulo 2 ** 24.

    Raises:
        ValueError: there is no bar code that can be read.
    """
    height, width = pixels.shape[:2]
    middle = height - max(_code_height(height) // 2, 1)
    rows = pixels[middle - 1 : middle + 1].mean(axis=(0, 2))
    levels = rows[((np.arange(_CELLS) + 0.5) * width / _CELLS).astype(int)]
    ones = levels > levels[:2].mean()
    number = _number(ones[2 : 2 + _BITS])
    if not ones[0] or ones[1] or _number(ones[2 + _BITS :]) != number.bit_count() + 1:
        raise ValueError("the picture bears no frame number that can be read")
    return number


def _draw_bar_code(picture: NDArray[np.uint8], number: int) -> None:
    number %= 1 << _BITS
    # One is added so that cells that are all black are no number.
    code = f"10{number:0{_BITS}b}{number.bit_count() + 1:0{_CHECK_BITS}b}"
    cells = np.array([int(bit) for bit in code], np.uint8) * 255
    height, width = picture.shape[:2]
    columns = cells[np.arange(width) * _CELLS // width]
    picture[-_code_height(height) :] = columns[None, :, None]


def _code_height(height: int) -> int:
    return max(height // 40, 4)


def _number(bits: NDArray[np.bool_]) -> int:
    return int("".join("1" if bit else "0" for bit in bits), 2)


def _room(width: int, height: int, dark: float) -> NDArray[np.uint8]:
    """What stands still: a wall lit from the right, furniture, a lamp with its glow."""
    x, y = np.linspace(0, 1, width, dtype=np.float32), np.linspace(0, 1, height, dtype=np.float32)
    light = np.broadcast_to(0.5 + x[:, None], (height, width, 3)).copy()
    for left, top, right, bottom, shares in _FURNITURE:
        rows = slice(round(top * height), round(bottom * height))
        light[rows, round(left * width) : round(right * width)] *= np.array(shares, np.float32)
    light *= dark / light.mean()
    distance = np.hypot((x[None] - 0.8) * width / height, y[:, None] - 0.25)
    glow = np.exp(-((distance / 0.05) ** 4)) + 0.3 * np.exp(-distance / 0.1)
    warm = np.array((1.0, 0.85, 0.6), np.float32)
    exact = 255 * (light + glow[..., None] * warm)
    picture: NDArray[np.uint8] = exact.clip(0, 255).round().astype(np.uint8)
    return picture
