"""Network streams through PyAV: serves everywhere, a little later than GStreamer does."""

from __future__ import annotations

import errno
import time
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
from av.codec.context import Flags, ThreadType
from av.error import (
    ConnectionRefusedError,
    ExitError,
    FFmpegError,
    HTTPBadRequestError,
    HTTPForbiddenError,
    HTTPNotFoundError,
    HTTPOtherClientError,
    HTTPServerError,
    HTTPUnauthorizedError,
    InvalidDataError,
    TimeoutError,
)
from av.video.reformatter import VideoReformatter

from core.clock import arrival_ns
from core.closing import Closing
from core.frame import Frame
from core.media.addresses import (
    KEY_FRAME_LIMIT_S,
    OPEN_LIMIT_S,
    Reason,
    cannot_open,
    encoded,
    lost,
    without_password,
)
from core.media.colour import to_rgb
from core.media.live import READ_LIMIT_S, LiveInfo
from core.media.packets import primary_video
from core.media.sound import sound_in
from core.media.timing import SteadyClock

if TYPE_CHECKING:
    from collections.abc import Generator

    from av import VideoFrame, VideoStream
    from av.container import InputContainer
    from av.packet import Packet

_OPTIONS = {"analyzeduration": "500000", "fpsprobesize": "0"}
"""Half a second to find out what a stream holds; FFmpeg's own choice is five."""
_RTSP_OPTIONS = {
    "rtsp_transport": "tcp",
    "allowed_media_types": "video+audio",
    "max_delay": "0",
    "fflags": "nobuffer",
}
"""Of a film over HTTP, nobuffer would throw away what was read to find out what it holds."""
_FASTEST_RATE = 1000
"""A higher rate is the unit of the clock, which FFmpeg states where the stream says nothing."""
_END_MARGIN_S = 1.0
_REFUSED = (
    HTTPBadRequestError, HTTPForbiddenError, HTTPNotFoundError, HTTPOtherClientError,
    HTTPServerError,
)  # fmt: skip
"""What may be said of one stream alone; a wrong login is said of all, and not tried twice."""
_REASONS = (
    (HTTPUnauthorizedError, Reason.LOGIN),
    (HTTPForbiddenError, Reason.LOGIN),
    (HTTPNotFoundError, Reason.NOT_FOUND),
    (ConnectionRefusedError, Reason.REFUSED),
    (ExitError, Reason.SILENT),
    (TimeoutError, Reason.SILENT),
    (InvalidDataError, Reason.UNREADABLE),
    (OSError, Reason.UNREACHABLE),
)


class PyavStream(Closing):
    """Frames of one network stream, each as soon as it is decoded. Passive; one per thread.

    Frames are RGB, uint8 or, from deep streams, uint16. A stream may change the size of its
    pictures: `info` stays, each frame bears its own.

    Raises:
        SourceOpenError: nobody answers, the login is refused, or there is no video.
    """

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._container, self._stream = _open(uri)
        self._sound = sound_in(self._container)
        self._reformatter = VideoReformatter()
        self._last_pts: int | None = None
        self._deadline = 0.0
        self._time_base = self._stream.time_base or Fraction(1, av.time_base)
        self._clock = SteadyClock(0, round(1 / (25 * self._time_base)))
        self._pictures = self._decoded()
        try:
            first = self._first()
        except BaseException:
            self.close()
            raise
        self._waiting: Frame | None = first
        self._is_closed = False
        height, width = first.pixels.shape[:2]
        self.info = LiveInfo(
            without_password(uri), width, height, _rate(self._stream), "pyav", sound=self._sound
        )

    def read(self) -> Frame | None:
        """The next frame; none after the last of a stream of known length, or once closed.

        Raises:
            SourceLostError: nothing came in time, or the connection broke.
        """
        waiting, self._waiting = self._waiting, None
        if waiting is not None or self._is_closed:
            return waiting
        self._deadline = time.monotonic() + READ_LIMIT_S
        reason = Reason.BROKEN
        try:
            return next(self._pictures)
        except StopIteration:
            if self._at_its_end():
                return None
        except (ExitError, TimeoutError):
            reason = Reason.STOPPED
        except FFmpegError:
            pass
        raise lost(self._uri, reason)

    def close(self) -> None:
        """Lets go of the connection; safe to call twice."""
        self._is_closed, self._waiting = True, None
        self._pictures.close()
        self._container.close()

    def _first(self) -> Frame:
        self._deadline = time.monotonic() + KEY_FRAME_LIMIT_S
        reason = Reason.UNREADABLE
        try:
            return next(self._pictures)
        except StopIteration:
            pass
        except FFmpegError as error:
            reason = _reason(error)
        raise cannot_open(self._uri, reason)

    def _decoded(self) -> Generator[Frame, None, None]:
        """Every stream is read, so that one that sends sound alone is noticed as well."""
        for packet in self._container.demux():
            # FFmpeg hands out what it held back when it gives up waiting: that comes too late.
            if time.monotonic() > self._deadline:
                raise TimeoutError(errno.ETIMEDOUT, "no picture in time")
            if packet.stream is self._stream:
                yield from map(self._frame, self._pictures_of(packet))
            elif self._sound is not None and packet.stream is self._sound.stream:
                self._sound.hear(packet)

    def _pictures_of(self, packet: Packet[Any]) -> list[VideoFrame]:
        try:
            return self._stream.decode(packet)
        except InvalidDataError:  # what was damaged on its way is stepped over
            return []

    def _frame(self, picture: VideoFrame) -> Frame:
        now = arrival_ns()
        pts, self._last_pts = self._clock(picture), picture.pts
        pixels = to_rgb(picture, self._reformatter)
        return Frame(pixels, pts, self._time_base, picture.duration or 0, now)

    def _at_its_end(self) -> bool:
        """Whether what ended was a film of known length, and not a connection."""
        length, last = self._container.duration, self._last_pts
        if length is None or length <= 0 or last is None:
            return False
        shown = float((last - (self._stream.start_time or 0)) * self._time_base)
        return shown >= length / av.time_base - _END_MARGIN_S


def _open(uri: str) -> tuple[InputContainer, VideoStream]:
    begun = time.monotonic()
    try:
        container = _connect(uri)
    except (FFmpegError, ValueError) as error:
        # FFmpeg calls a server that took the connection and said nothing invalid data.
        silent = time.monotonic() - begun >= OPEN_LIMIT_S
        reason = Reason.SILENT if silent else _reason(error)
    else:
        stream = primary_video(container)
        if stream is not None and stream.codec_context is not None:
            # Frame threads would hold back as many frames as there are threads.
            stream.thread_type = ThreadType.SLICE
            stream.codec_context.flags |= Flags.low_delay
            return container, stream
        container.close()
        reason = Reason.NO_VIDEO
    raise cannot_open(uri, reason)


def _connect(uri: str) -> InputContainer:
    if not uri.strip().lower().startswith("rtsp"):
        return _ask(uri, _OPTIONS)
    try:
        return _ask(uri, _OPTIONS | _RTSP_OPTIONS)
    except _REFUSED:
        # Some cameras offer sound and then refuse to send it, and the picture with it.
        return _ask(uri, _OPTIONS | _RTSP_OPTIONS | {"allowed_media_types": "video"})


def _ask(uri: str, options: dict[str, str]) -> InputContainer:
    return av.open(
        encoded(uri), timeout=(OPEN_LIMIT_S, READ_LIMIT_S), options=options,
        metadata_errors="replace",
    )  # fmt: skip


def _reason(error: Exception) -> Reason:
    return next((why for kind, why in _REASONS if isinstance(error, kind)), Reason.UNREADABLE)


def _rate(stream: VideoStream) -> Fraction | None:
    rate = stream.average_rate or stream.guessed_rate
    return rate if rate is not None and 0 < rate <= _FASTEST_RATE else None
