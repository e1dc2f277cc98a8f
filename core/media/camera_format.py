"""How a camera is asked to deliver: what was wished, against what its driver offers."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Annotated

from pydantic import BeforeValidator, Field

from core.errors import SettingsError
from core.media.camera_list import CameraFormat, CameraInfo
from core.settings import Model

_USUAL_SIZE = 1280 * 720
_USUAL_RATE = 30
_FLUENT_RATE = 24
"""Large pictures that come slower are worth less than small ones that do not."""
_READABLE = (
    "YUYV", "UYVY", "YVYU", "NV12", "NV21", "YU12", "YV12", "RGB3", "BGR3", "MJPG", "JPEG", "GREY",
)  # fmt: skip
"""Pixel formats that OpenCV makes pictures of, the best first."""


def _sides(text: object) -> object:
    """1280x720 -> (1280, 720), as pydantic reads it."""
    return tuple(text.lower().split("x")) if isinstance(text, str) else text


_Side = Annotated[int, Field(ge=16, le=16384)]


class CameraWish(Model):
    """How a camera is asked to deliver; every field is an option of `camera:`."""

    size: Annotated[tuple[_Side, _Side] | None, BeforeValidator(_sides)] = Field(
        None, description="Columns x rows"
    )
    rate: Fraction | None = Field(None, ge=1, le=1000, description="Frames per second")
    format: str | None = Field(
        None, pattern=r"^\w{3,4}$", description="Pixel format, such as MJPG or YUYV"
    )
    keep_rate: bool = Field(
        False, description="Hold the frame rate in the dark; the network brightens"
    )


def choose_format(camera: CameraInfo, wish: CameraWish) -> CameraFormat:
    """What to ask of a camera: as wished, and where nothing is wished 720p at 30 a second.

    The wish itself where the driver does not list what it can do; zeros and an empty name then
    stand for no wish.

    Raises:
        SettingsError: the camera cannot deliver so.
    """
    width, height = wish.size or (0, 0)
    if not camera.formats:
        return CameraFormat(width, height, wish.rate, wish.format or "")
    fitting = [offer for offer in camera.formats if _fits(offer, wish)]
    if not fitting:
        sizes = dict.fromkeys(f"{offer.width}x{offer.height}" for offer in camera.formats)
        layouts = dict.fromkeys(offer.pixel_format for offer in camera.formats)
        raise SettingsError(
            f"{camera.name} cannot deliver {_told(wish)}; its sizes are {', '.join(sizes)}, "
            f"its pixel formats {', '.join(layouts)}, and not every one goes with every rate"
        )
    nearest = min(fitting, key=lambda offer: _distance(offer, wish))
    return replace(nearest, rate=wish.rate or nearest.rate)


def _fits(offer: CameraFormat, wish: CameraWish) -> bool:
    return (
        wish.size in (None, (offer.width, offer.height))
        and wish.format in (None, offer.pixel_format)
        and offer.pixel_format in _READABLE
        and (wish.rate is None or offer.rate is None or offer.rate >= wish.rate)
    )


def _distance(offer: CameraFormat, wish: CameraWish) -> tuple[bool, int, Fraction, int]:
    rate = offer.rate or Fraction(0)
    return (
        rate < min(_FLUENT_RATE, wish.rate or _FLUENT_RATE),
        abs(offer.width * offer.height - _USUAL_SIZE),
        abs(rate - (wish.rate or _USUAL_RATE)),
        _READABLE.index(offer.pixel_format),
    )


def _told(wish: CameraWish) -> str:
    parts = (
        wish.size and f"{wish.size[0]}x{wish.size[1]}",
        wish.rate and f"{float(wish.rate):g} frames per second",
        wish.format,
    )
    return " with ".join(part for part in parts if part) or "pictures that can be read"
