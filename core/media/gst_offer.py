"""What an RTSP server offers, and what of it GStreamer is told to ask for."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from av.error import FFmpegError

from core.media.gst_sound import GstSound


class Offer:
    """What an RTSP server has; filled by GStreamer's threads.

    Args:
        gst: the library.
        is_silent: do not ask for sound.
    """

    def __init__(self, gst: Any, *, is_silent: bool = False) -> None:
        self.gst, self.is_silent = gst, is_silent
        self.kinds: set[str | None] = set()
        """`video`, `audio` and what else there is."""
        self.sound: GstSound | None = None
        """What is asked for; none where there is none that can be recorded."""
        self.is_complete = False
        """The server has nothing more."""

    @property
    def has_video(self) -> bool:
        """Whether any of it can be seen."""
        return "video" in self.kinds

    def listen(self, server: Any) -> None:
        """Have GStreamer ask what of it is wanted."""
        # Methods would hold whoever holds this, and its handles, for as long as the server's.
        server.connect("select-stream", _wants, self)
        server.connect("pad-added", _link, self)
        server.connect("no-more-pads", _complete, self)


def _wants(_server: Any, _number: int, caps: Any, offer: Offer) -> bool:
    """Asked by GStreamer for each stream that the server offers."""
    kind = caps.get_structure(0).get_string("media")
    offer.kinds.add(kind)
    if kind == "audio" and offer.sound is None and not offer.is_silent:
        with suppress(LookupError, ValueError, FFmpegError):
            offer.sound = GstSound(offer.gst, caps)
            return True
    return bool(kind == "video")


def _link(server: Any, pad: Any, offer: Offer) -> None:
    """A stream that was asked for comes; the pictures are linked by themselves."""
    # Where the connection is being closed already, nothing is known of it.
    caps = pad.get_current_caps() or pad.query_caps(None)
    kind = caps.get_structure(0).get_string("media") if caps.get_size() else None
    if kind == "audio" and offer.sound is not None:
        offer.sound.link(server.get_parent(), pad)


def _complete(_server: Any, offer: Offer) -> None:
    offer.is_complete = True
