"""Addresses of sources, from what was chosen and as they are told; no widgets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from core.media.addresses import is_network, split_login

if TYPE_CHECKING:
    from core.media.camera_list import CameraFormat, CameraInfo


CAMERA = "camera:"
KEEPS_RATE = "keep_rate=1"


def camera_uri(camera: CameraInfo, options: str) -> str:
    """The address of a camera that is to be opened in this way."""
    return f"{CAMERA}{camera.id}" + (f"?{options}" if options else "")


def split_camera(uri: str) -> tuple[str, str]:
    """A camera's identity and options, of its address; both empty for any other source."""
    if not uri.startswith(CAMERA):
        return "", ""
    identity, _, options = uri.removeprefix(CAMERA).partition("?")
    return identity, options


def keeping_rate(uri: str) -> str:
    """The address of the same camera whose exposure is locked, so that it keeps its rate."""
    return f"{uri}{'&' if '?' in uri else '?'}{KEEPS_RATE}"


def camera_options(wished: CameraFormat | None, *, keep_rate: bool) -> str:
    """How a camera is to be opened, as its address says it; the best format if none is wished."""
    options = []
    if wished is not None:
        options = [
            f"size={wished.width}x{wished.height}",
            *([f"rate={wished.rate}"] if wished.rate else []),
            f"format={wished.pixel_format}",
        ]
    if keep_rate:
        options.append(KEEPS_RATE)
    return "&".join(options)


def with_login(address: str, user: str, password: str) -> str:
    """An address as it is opened; `rtsp` is understood where no scheme was typed."""
    address = address.strip()
    if address and ":" not in address.partition("/")[0] and "://" not in address:
        address = f"rtsp://{address}"
    if not user.strip():
        return address
    scheme, _, rest = split_login(address).bare.partition("://")
    secret = f":{quote(password, safe='')}" if password else ""
    return f"{scheme}://{quote(user.strip(), safe='')}{secret}@{rest}"


def source_words(uri: str) -> str:
    """A source's address, short enough for a button."""
    if is_network(uri):
        return uri.partition("://")[2]
    if uri.startswith(CAMERA):
        return "the camera"
    if uri.startswith("fault:"):
        return "the test of your setup"
    return (
        "the test pattern" if uri.startswith("test:") else Path(uri.rpartition("?")[0] or uri).name
    )


def format_words(form: CameraFormat) -> str:
    """1280 × 720, 30 fps, MJPG."""
    rate = f"{float(form.rate):.4g} fps, " if form.rate else ""
    return f"{form.width} × {form.height}, {rate}{form.pixel_format}"
