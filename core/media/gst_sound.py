"""The sound of a stream that GStreamer reads: a branch of its own beside the pictures'.

The server says what it offers before anything is linked; what a recording could not hold is not
asked for.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from core.media.live_encoder import EncodedPacket
from core.media.sound import Sound, coded_as

if TYPE_CHECKING:
    from core.media.live_encoder import SoundTemplate

_SINK = "appsink name=sounds sync=false async=false drop=true max-buffers=200"
_NANOSECOND = Fraction(1, 1_000_000_000)
_PLAIN_AAC = 2
"""AAC-LC, as a stream's configuration says it: rate and channels tell all the rest."""


class _Coding(NamedTuple):
    """How sound in one coding is taken out of its transport."""

    elements: tuple[str, ...]
    encoder: str
    """FFmpeg's encoder that makes such packets."""


_TO_AAC = ("audioconvert", "avenc_aac", "aacparse")
"""Few containers hold telephone sound as it is."""
_CODINGS = {
    "MPEG4-GENERIC": _Coding(("rtpmp4gdepay", "aacparse"), "aac"),
    "OPUS": _Coding(("rtpopusdepay", "opusparse"), "libopus"),
    "PCMA": _Coding(("rtppcmadepay", "alawdec", *_TO_AAC), "aac"),
    "PCMU": _Coding(("rtppcmudepay", "mulawdec", *_TO_AAC), "aac"),
}


class GstSound(Sound):
    """Sound of an RTSP server; `fetch` and `take` are called by the thread that reads.

    Args:
        gst: the library.
        offer: what the server says of the sound, as caps of `application/x-rtp`.

    Raises:
        LookupError: it cannot be recorded, or GStreamer lacks a plugin for it.
    """

    def __init__(self, gst: Any, offer: Any) -> None:
        said = offer.get_structure(0)
        coding = _CODINGS[str(said.get_string("encoding-name")).upper()]
        if any(gst.ElementFactory.find(name) is None for name in coding.elements):
            raise LookupError("a plugin is missing")
        super().__init__(_template(coding, said))
        self._gst, self._coding = gst, coding
        self._sink: Any = None

    def link(self, pipeline: Any, pad: Any) -> None:
        """Join the branch to a pad of the server's; on a thread of GStreamer's."""
        chain = " ! ".join((*self._coding.elements, _SINK))
        branch = self._gst.parse_bin_from_description(chain, True)
        pipeline.add(branch)
        branch.sync_state_with_parent()
        pad.link(branch.get_static_pad("sink"))
        self._sink = branch.get_by_name("sounds")

    def fetch(self) -> None:
        """Push what has come so far; does not wait."""
        while self._sink and (sample := self._sink.emit("try-pull-sample", 0)) is not None:
            buffer = sample.get_buffer()
            if buffer.pts != self._gst.CLOCK_TIME_NONE:
                known = buffer.duration != self._gst.CLOCK_TIME_NONE
                data = buffer.extract_dup(0, buffer.get_size())
                length = buffer.duration if known else 0
                self.push(
                    EncodedPacket(
                        data, buffer.pts, buffer.pts, length, _NANOSECOND, True, self.template
                    )
                )


def _template(coding: _Coding, said: Any) -> SoundTemplate:
    rate = said.get_int("clock-rate")[1]
    channels = int(said.get_string("encoding-params") or 1)
    if coding.encoder == "libopus":
        channels = 2  # whatever is said: a packet tells how many it has
    elif said.get_string("config"):
        config = bytes.fromhex(said.get_string("config"))
        if len(config) < 2 or config[0] >> 3 != _PLAIN_AAC:
            raise LookupError("not AAC-LC")
        channels = config[1] >> 3 & 0xF
    return coded_as(coding.encoder, rate, channels)
