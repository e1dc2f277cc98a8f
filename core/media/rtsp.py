"""Opens a stream on a network with the best reader that is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.errors import SourceOpenError
from core.media import gst_stream
from core.media.addresses import is_network, without_password
from core.media.gst_stream import GstStream, NoDecoderError
from core.media.pyav_stream import PyavStream

if TYPE_CHECKING:
    from core.media.live import LiveSource


def open_stream(uri: str) -> LiveSource:
    """RTSP through GStreamer where it is installed, everything else through PyAV.

    `info.reader` of the result says which it was. User and password in the address are used and
    never shown.

    Raises:
        SourceOpenError: it is no address, nobody answers, the login is refused, or there is no
            video.
    """
    if not is_network(uri):
        raise SourceOpenError(
            f"{without_password(uri)} is not the address of a stream; give one such as "
            "rtsp://host:554/path"
        )
    if uri.strip().lower().startswith("rtsp") and gst_stream.is_available():
        try:
            return GstStream(uri)
        except NoDecoderError:  # FFmpeg brings its own decoders
            pass
    return PyavStream(uri)
