"""Live pictures as packets, each at once."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeAlias

import av
from av.codec.context import Flags
from av.error import FFmpegError
from av.video.frame import PictureType
from av.video.reformatter import VideoReformatter

from core.errors import SettingsError, WriterError
from core.media.codecs import encoder_options
from core.media.colour import BT709, from_rgb
from core.settings import EncodeSettings

if TYPE_CHECKING:
    from av import AudioStream, VideoStream
    from av.packet import Packet

    from core.frame import Frame

LIVE_ENCODE = EncodeSettings(crf=21, preset="ultrafast")
"""What two cores can do beside everything else."""
KEY_EVERY = Fraction(1)
"""Seconds from one key frame to the next, at most."""
SoundTemplate: TypeAlias = "AudioStream"
"""A source's stream of sound: it tells a file how the packets are coded."""


@dataclass(frozen=True, slots=True)
class EncodedPacket:
    """One picture or piece of sound as it is stored; any number of files may take it."""

    data: bytes
    """As the codec made it."""
    pts: int
    """Presentation time in units of `time_base`, on the clock of the frames."""
    dts: int
    """Decoding time, likewise."""
    duration: int
    """In units of `time_base`; 0 where unknown."""
    time_base: Fraction
    """Seconds per unit."""
    is_key: bool
    """Whether playing can begin here."""
    template: VideoStream | AudioStream
    """The stream it belongs to: how it is coded."""

    @property
    def begin(self) -> Fraction:
        """Presentation time in seconds."""
        return self.pts * self.time_base

    @property
    def end(self) -> Fraction:
        """When it is over, in seconds."""
        return (self.pts + self.duration) * self.time_base

    @classmethod
    def of(
        cls, packet: Packet[Any], template: VideoStream | AudioStream | None = None
    ) -> EncodedPacket:
        """A packet as the source demuxed it, such as its sound.

        Args:
            packet: of the source or an encoder.
            template: what it is told to belong to; none for the packet's own stream.

        Raises:
            ValueError: it has no time, so nothing can be kept in step with it.
        """
        pts = packet.pts if packet.pts is not None else packet.dts
        if pts is None or packet.time_base is None:
            raise ValueError("a packet without a time cannot be recorded")
        dts = packet.dts if packet.dts is not None else pts
        return cls(
            bytes(packet), pts, dts, packet.duration or 0, packet.time_base,
            packet.is_keyframe, template or packet.stream,
        )  # fmt: skip

    def moved(self, seconds: Fraction) -> EncodedPacket:
        """The same so much later, to the nearest unit."""
        units = round(seconds / self.time_base)
        return replace(self, pts=self.pts + units, dts=self.dts + units)


class LiveEncoder:
    """H.264 without delay: every frame gives its packet at once. Passive; one per thread.

    Args:
        width: of the frames, in pixels; an odd last column is cut off, few players show such films.
        height: likewise.
        time_base: seconds per unit of the packets' times.
        settings: quality and speed; the codec is always libx264.

    Raises:
        SettingsError: the encoder refuses these settings.
    """

    def __init__(
        self,
        width: int,
        height: int,
        time_base: Fraction,
        settings: EncodeSettings = LIVE_ENCODE,
    ) -> None:
        self._even = (width // 2 * 2, height // 2 * 2)
        self.time_base = time_base
        self.template = _open_encoder(self._even, time_base, settings)
        """What a file needs to know about the packets before the first of them."""
        self._reformatter = VideoReformatter()
        self._last: Fraction | None = None
        self._last_key = Fraction(0)
        self._step = Fraction(0)

    def encode(self, frame: Frame, *, key: bool = False) -> list[EncodedPacket]:
        """What is to be stored for a frame; times must rise.

        Args:
            frame: RGB, (H, W, 3), of the size promised; its clock may differ from the encoder's.
            key: whether playing must be able to begin here.

        Raises:
            WriterError: the encoder failed.
        """
        width, height = self._even
        pixels = frame.pixels[:height, :width]
        picture = from_rgb(pixels, "yuv420p", BT709, self._reformatter)
        begin = frame.pts * frame.time_base
        # After a gap the distance before it is the truer one.
        step, before = (begin - self._last if self._last is not None else Fraction(0)), self._step
        length = frame.duration * frame.time_base or min(step, before or step, KEY_EVERY)
        self._step = step
        picture.pts, picture.time_base = round(begin / self.time_base), self.time_base
        picture.duration = round(length / self.time_base)
        if key or self._last is None or begin - self._last_key + length > KEY_EVERY:
            picture.pict_type, self._last_key = PictureType.I, begin
        self._last = begin
        try:
            return [EncodedPacket.of(packet) for packet in self.template.encode(picture)]
        except FFmpegError as error:
            raise WriterError(
                f"A frame could not be encoded ({error.strerror}); start the recording again"
            ) from error


def _open_encoder(
    size: tuple[int, int], time_base: Fraction, settings: EncodeSettings
) -> VideoStream:
    # A container in memory, of which only the header is made: the muxers want it in a stream.
    holder = av.open(io.BytesIO(), "w", format="matroska")
    options = {**encoder_options("libx264", settings), "tune": "zerolatency"}
    stream = holder.add_stream("libx264", rate=30, options=options)
    context = stream.codec_context
    context.width, context.height = size
    context.pix_fmt, context.time_base = "yuv420p", time_base
    stream.time_base = time_base
    # Key frames come by the clock, not by count: cameras slow down in the dark.
    context.gop_size = 1_000_000
    context.flags |= Flags.frame_duration
    context.colorspace, context.color_range = BT709.matrix, BT709.range
    context.color_primaries, context.color_trc = BT709.primaries, BT709.transfer
    try:
        context.open()
        holder.start_encoding()
    except (FFmpegError, ValueError) as error:
        raise SettingsError(
            f"libx264 refused preset {settings.preset!r} and crf {settings.crf} at "
            f"{size[0]}x{size[1]}; check these settings"
        ) from error
    return stream
