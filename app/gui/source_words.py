"""Addresses of sources, from what was chosen and as they are told; no widgets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from core.media.addresses import is_network, split_login

if TYPE_CHECKING:
    from core.media.camera_list import CameraFormat, CameraInfo


def camera_uri(camera: CameraInfo, wished: CameraFormat | None, *, keep_rate: bool) -> str:
    """The address of a camera in a format; the best one if none is wished."""
    options = []
    if wished is not None:
        options = [
            f"size={wished.width}x{wished.height}",
            *([f"rate={wished.rate}"] if wished.rate else []),
            f"format={wished.pixel_format}",
        ]
    if keep_rate:
        options.append("keep_rate=1")
    return f"camera:{camera.id}" + (f"?{'&'.join(options)}" if options else "")


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
    if uri.startswith("camera:"):
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
