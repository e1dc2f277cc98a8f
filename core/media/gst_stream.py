"""RTSP through GStreamer: the first picture sooner and each picture fresher than PyAV's.

The library is looked for when it is asked for: it comes from the system, not from a package index,
and its Python side from PyGObject. Nothing else in the program knows of it.
"""

from __future__ import annotations

import ctypes
import time
import warnings
from contextlib import suppress
from fractions import Fraction
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from core.clock import arrival_ns
from core.closing import Closing
from core.errors import SourceOpenError
from core.frame import Frame
from core.media.addresses import (
    KEY_FRAME_LIMIT_S,
    OPEN_LIMIT_S,
    Reason,
    cannot_open,
    lost,
    split_login,
    without_password,
)
from core.media.gst_offer import Offer
from core.media.live import READ_LIMIT_S, LiveInfo

_ELEMENTS = ("rtspsrc", "rtph264depay", "h264parse", "decodebin", "videoconvert", "appsink")
_PIPELINE = (
    "rtspsrc name=server protocols=tcp latency=0 ! application/x-rtp,media=video ! decodebin ! "
    "videoconvert ! video/x-raw,format=RGB ! appsink name=frames sync=false drop=true max-buffers=2"
)
_NANOSECOND = Fraction(1, 1_000_000_000)
_LOOK_EVERY_NS = 50_000_000
"""An error does not wake who waits for a picture, so the bus is looked at so often."""


class NoDecoderError(SourceOpenError):
    """GStreamer lacks a plugin for this stream; another reader may have it."""


class GstStream(Closing):
    """Frames of one RTSP stream as RGB, uint8, the newest two kept. Passive; one per thread.

    GStreamer's own threads receive and decode. A stream may change the size of its pictures:
    `info` stays, each frame bears its own.

    Raises:
        SourceOpenError: nobody answers, the login is refused, or there is no video.
    """

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._gst = _library()
        self._pts = -1
        self._offer = Offer(self._gst)
        begun = time.monotonic()
        try:
            first, rate = self._start()
        except SourceOpenError:
            # Some cameras offer sound and then refuse to send it, and the picture with it.
            if self._offer.sound is None or time.monotonic() - begun > OPEN_LIMIT_S:
                raise
            self._offer = Offer(self._gst, is_silent=True)
            first, rate = self._start()
        self._waiting: Frame | None = first
        self._is_closed = False
        height, width = first.pixels.shape[:2]
        self.info = LiveInfo(
            without_password(uri), width, height, rate, "gstreamer", sound=self._offer.sound
        )

    def read(self) -> Frame | None:
        """The next frame; none after the last of a stream of known length, or once closed.

        Raises:
            SourceLostError: nothing came in time, or the connection broke.
        """
        waiting, self._waiting = self._waiting, None
        if waiting is not None or self._is_closed:
            return waiting
        limit = time.monotonic() + READ_LIMIT_S
        while time.monotonic() < limit:
            sample = self._frames.emit("try-pull-sample", _LOOK_EVERY_NS)
            if sample is not None:
                if self._offer.sound is not None:
                    self._offer.sound.fetch()
                return self._frame(sample)
            if self._error() is not None:
                raise lost(self._uri, Reason.BROKEN)
            if self._frames.get_property("eos"):
                if self._at_its_end():
                    return None
                raise lost(self._uri, Reason.BROKEN)
        raise lost(self._uri, Reason.STOPPED)

    def close(self) -> None:
        """Lets go of the connection; safe to call twice."""
        self._is_closed, self._waiting = True, None
        self._pipeline.set_state(self._gst.State.NULL)

    def _start(self) -> tuple[Frame, Fraction | None]:
        self._pipeline = self._gst.parse_launch(_PIPELINE)
        self._frames = self._pipeline.get_by_name("frames")
        self._bus = self._pipeline.get_bus()
        self._prepare(self._pipeline.get_by_name("server"))
        try:
            self._pipeline.set_state(self._gst.State.PLAYING)
            return self._first()
        except BaseException:
            self.close()
            raise

    def _prepare(self, server: Any) -> None:
        bare, user, password = split_login(self._uri)
        server.set_property("location", bare)
        server.set_property("user-id", user)
        server.set_property("user-pw", password)
        self._offer.listen(server)

    def _first(self) -> tuple[Frame, Fraction | None]:
        begun = time.monotonic()
        while True:
            sample = self._frames.emit("try-pull-sample", _LOOK_EVERY_NS)
            if sample is not None:
                return self._frame(sample), _rate(sample)
            error = self._error()
            if error is not None:
                raise self._cannot_open(error)
            if self._frames.get_property("eos"):
                raise cannot_open(self._uri, Reason.BROKEN)
            if self._offer.is_complete and not self._offer.has_video:
                raise cannot_open(self._uri, Reason.NO_VIDEO)
            if time.monotonic() - begun > (
                KEY_FRAME_LIMIT_S if self._offer.kinds else OPEN_LIMIT_S
            ):
                raise cannot_open(self._uri, Reason.SILENT)

    def _error(self) -> Any:
        """What went wrong inside, if anything did."""
        message = self._bus.pop_filtered(self._gst.MessageType.ERROR)
        return None if message is None else message.parse_error()[0]

    def _cannot_open(self, error: Any) -> SourceOpenError:
        """Only the number of the error is used; see Note [no credentials]."""
        if self._offer.kinds and not self._offer.has_video:
            return cannot_open(self._uri, Reason.NO_VIDEO)
        resource, stream, core = self._gst.ResourceError, self._gst.StreamError, self._gst.CoreError
        reasons = (
            (resource, resource.NOT_AUTHORIZED, Reason.LOGIN),
            (resource, resource.NOT_FOUND, Reason.NOT_FOUND),
            (resource, resource.OPEN_READ, Reason.UNREACHABLE),
            (resource, resource.OPEN_READ_WRITE, Reason.UNREACHABLE),
        )
        lacking = ((stream, stream.CODEC_NOT_FOUND), (core, core.MISSING_PLUGIN))
        if any(error.matches(domain.quark(), code) for domain, code in lacking):
            return NoDecoderError(
                f"{without_password(self._uri)} needs a GStreamer plugin that is not installed; "
                "install its good, bad and libav plugins"
            )
        found = (why for domain, code, why in reasons if error.matches(domain.quark(), code))
        return cannot_open(self._uri, next(found, Reason.UNREADABLE))

    def _frame(self, sample: Any) -> Frame:
        now = arrival_ns()
        buffer, shape = sample.get_buffer(), sample.get_caps().get_structure(0)
        width, height = shape.get_int("width")[1], shape.get_int("height")[1]
        # Rows are filled up to a multiple of four bytes.
        rows = np.frombuffer(buffer.extract_dup(0, buffer.get_size()), np.uint8)
        pixels = np.empty((height, width, 3), np.uint8)
        pixels[...] = rows.reshape(height, -1)[:, : 3 * width].reshape(height, width, 3)
        known = buffer.pts != self._gst.CLOCK_TIME_NONE
        self._pts = max(buffer.pts if known else 0, self._pts + 1)
        return Frame(pixels, self._pts, _NANOSECOND, captured_ns=now)

    def _at_its_end(self) -> bool:
        """Whether what ended was a film of known length, and not a connection."""
        known, length_ns = self._pipeline.query_duration(self._gst.Format.TIME)
        return bool(known and 0 < length_ns <= self._pts + 1_000_000_000)


def is_available() -> bool:
    """Whether GStreamer, its Python side and the plugins that RTSP needs are installed."""
    try:
        gst = _library()
    except (ImportError, ValueError):
        return False
    return all(gst.ElementFactory.find(name) is not None for name in _ELEMENTS)


@cache
def _library() -> Any:
    """GStreamer itself.

    Raises:
        ImportError: there is no PyGObject.
        ValueError: there is PyGObject, but not GStreamer.
    """
    import_module("gi").require_version("Gst", "1.0")
    # GStreamer brings libunwind along, for all to see. What is already there comes first: else
    # other libraries unwind their C++ exceptions half with one and half with the other, and abort.
    with suppress(OSError):
        ctypes.CDLL("libgcc_s.so.1", mode=ctypes.RTLD_GLOBAL)
    with warnings.catch_warnings():
        # PyGObject before 3.44 loads in a way that Python calls out of date.
        warnings.simplefilter("ignore", ImportWarning)
        gst = import_module("gi.repository.Gst")
    gst.init(None)
    return gst


def _rate(sample: Any) -> Fraction | None:
    known, above, below = sample.get_caps().get_structure(0).get_fraction("framerate")
    return Fraction(above, below) if known and above > 0 and below > 0 else None
