"""Encoders that need hardware: whether it is here, and what does the same without it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import av
import numpy as np
from av.codec import Codec
from av.codec.codec import UnknownCodecError
from av.error import FFmpegError

if TYPE_CHECKING:
    from core.settings import EncodeSettings

_MAKERS = ("_nvenc", "_qsv", "_amf", "_videotoolbox", "_vaapi", "_mf")
_SOFTWARE = {"h264": "libx264", "hevc": "libx265", "av1": "libsvtav1", "vp9": "libvpx-vp9"}
_SIDE_PX = 256
"""Of the picture an encoder is tried with; some refuse smaller ones."""


def with_usable_encoder(settings: EncodeSettings) -> tuple[EncodeSettings, str]:
    """The encoder asked for where its hardware is here, or one that needs none.

    Args:
        settings: what is asked for; an encoder that is unknown is left for others to refuse.

    Returns:
        What to use, and why it is not what was asked for; empty where it is.
    """
    name = settings.codec
    kind, maker = name.partition("_")[0], name[len(name.partition("_")[0]) :]
    if maker not in _MAKERS or kind not in _SOFTWARE or _works(name):
        return settings, ""
    other = _SOFTWARE[kind]
    return (
        settings.model_copy(update={"codec": other}),
        f"{name} needs hardware that is not here, so {other} is used",
    )


def _works(name: str) -> bool:
    """Tries it: what an encoder lacks shows only when it is opened, and each fails otherwise."""
    try:
        formats = [layout.name for layout in Codec(name, "w").video_formats or []]
        picture = av.VideoFrame.from_ndarray(np.zeros((_SIDE_PX, _SIDE_PX, 3), np.uint8))
        layout = next((f for f in ("yuv420p", "nv12") if f in formats), formats[0])
        with av.open(io.BytesIO(), "w", format="matroska") as output:
            stream = output.add_stream(name, rate=25, width=_SIDE_PX, height=_SIDE_PX)
            assert isinstance(stream, av.VideoStream)
            stream.codec_context.pix_fmt = layout
            stream.encode(picture.reformat(format=layout))
            stream.encode(None)
    except (UnknownCodecError, FFmpegError, OSError, ValueError, IndexError):
        return False
    return True
