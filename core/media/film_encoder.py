"""Frames of a film into packets, each at its own time."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
from av.codec.context import Flags
from av.error import FFmpegError
from av.video.frame import PictureType
from av.video.reformatter import VideoReformatter

from core.errors import SettingsError
from core.media.codecs import container_for, encoder_for, encoder_options, pixel_format_for
from core.media.colour import from_rgb, output_colour
from core.media.timetable import Timetable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from av import VideoStream
    from av.container import OutputContainer
    from av.packet import Packet

    from core.frame import Frame
    from core.media.source import SourceInfo
    from core.settings import EncodeSettings


class FilmEncoder:
    """Encodes frames in order. Passive; one per thread.

    FFmpeg's errors pass through: who called knows which file they concern.

    Args:
        output: the container the packets are for; their stream is added to it.
        encoder: FFmpeg's name of it.
        info: of the source the frames came from; its colour tags, clock and pixel shape are kept.
        settings: quality and speed.
        size: width and height of the frames; the source's if None.
        ten_bit: whether frames are written with 10 bits; as the source has them if None.
        options: more of them, in the encoder's own words.

    Raises:
        SettingsError: the encoder refuses these settings.
    """

    def __init__(
        self,
        output: OutputContainer,
        encoder: str,
        info: SourceInfo,
        settings: EncodeSettings,
        *,
        size: tuple[int, int] | None = None,
        ten_bit: bool | None = None,
        options: Mapping[str, str] | None = None,
    ) -> None:
        self._unit, self._colour = info.time_base, output_colour(info.colour)
        self._size = size or (info.width, info.height)
        self._reformatter = VideoReformatter()
        deep = info.ten_bit if ten_bit is None else ten_bit
        wishes = {**encoder_options(encoder, settings), **(options or {})}
        self.stream = _add_stream(output, encoder, self._size, deep, wishes)
        """What the packets belong to, in `output`."""
        self.shift = Fraction(0)
        """Seconds by which frames are moved to the front."""
        self.reached = Fraction(0)
        """The time of the last frame that was encoded, in seconds of the source."""
        self.end = Fraction(0)
        """When that frame is over."""
        self._held: Frame | None = None
        self._given = False
        self._last_length = Fraction(0)
        describe_film(self.stream, info)
        self._open(encoder, settings)

    @property
    def pixel_format(self) -> str:
        """FFmpeg's name of the layout that is stored."""
        return self.stream.codec_context.pix_fmt or ""

    def encode(self, frame: Frame) -> list[Packet[Any]]:
        """Take a frame and get what is ready: the one before it, at the most.

        Raises:
            ValueError: the frame is not of the size promised.
        """
        height, width = frame.pixels.shape[:2]
        if (width, height) != self._size:
            raise ValueError(f"a frame of {width}x{height} in a film of {self._size}")
        held, self._held = self._held, frame
        packets = [] if held is None else self._encode(held)
        self._given = self._given or bool(packets)
        return packets

    def finish(self) -> list[Packet[Any]]:
        """Everything that is left."""
        held, self._held = self._held, None
        if held is None:
            return []
        packets = [*self._encode(held, last=True), *self.stream.encode(None)]
        if not self._given:
            _set_decoding_times(packets)
        return packets

    def _open(self, encoder: str, settings: EncodeSettings) -> None:
        context = self.stream.codec_context
        context.time_base = self._unit
        # Without it the length of the last frame is lost.
        context.flags |= Flags.frame_duration
        try:
            context.open()
        except (FFmpegError, ValueError) as error:
            raise SettingsError(
                f"{encoder} refused to start with preset {settings.preset!r} and crf "
                f"{settings.crf} at {context.width}x{context.height}; check these settings"
            ) from error

    def _encode(self, frame: Frame, *, last: bool = False) -> list[Packet[Any]]:
        begin, length = frame.pts * frame.time_base, frame.duration * frame.time_base
        self.reached, self.end = begin, begin + length
        picture = from_rgb(frame.pixels, self.pixel_format, self._colour, self._reformatter)
        picture.pts = round((begin - self.shift) / self._unit)
        picture.duration = round(length / self._unit)
        picture.time_base = self._unit
        if last and length != self._last_length:
            # MP4 keeps the length of the frame that is *stored* last; with B-frames only a key
            # frame is sure to be that, and only where lengths differ does it matter.
            picture.pict_type = PictureType.I
        self._last_length = length
        return self.stream.encode(picture)


def _add_stream(
    output: OutputContainer,
    encoder: str,
    size: tuple[int, int],
    deep: bool,
    options: dict[str, str],
) -> VideoStream:
    width, height = size
    stream = output.add_stream(encoder, rate=25, options=options, width=width, height=height)
    assert isinstance(stream, av.VideoStream)
    layout = pixel_format_for(encoder, ten_bit=deep, width=width, height=height)
    stream.codec_context.pix_fmt = layout
    return stream


def _set_decoding_times(packets: Sequence[Packet[Any]]) -> None:
    """For a film shorter than the encoder's delay: libx265 leaves its decoding times to chance."""
    times = Timetable()
    times.add([packet.pts or 0 for packet in packets], 0)
    for place, packet in enumerate(packets):
        packet.dts = times.decoded_at(place)


def describe_film(stream: VideoStream, info: SourceInfo) -> None:
    """Give an output stream the source's clock, rate, pixel shape and colour tags."""
    context, colour = stream.codec_context, output_colour(info.colour)
    stream.time_base = info.time_base
    context.framerate = (info.average_rate or Fraction(25)).limit_denominator(1001)
    context.sample_aspect_ratio = info.sample_aspect_ratio
    context.colorspace, context.color_range = colour.matrix, colour.range
    context.color_primaries, context.color_trc = colour.primaries, colour.transfer


def notes_on_layout(
    path: Path, info: SourceInfo, settings: EncodeSettings, layout: str
) -> list[str]:
    """Plain sentences on what the encoder, or the container, made of the pictures.

    Args:
        path: of the film.
        info: of the source.
        settings: what was asked for.
        layout: FFmpeg's name of the pixel layout that is stored.
    """
    notes, encoder = [], encoder_for(path, settings)
    if encoder != settings.codec and encoder == "libvpx-vp9":
        notes.append("WebM cannot hold H.264, so the video was encoded as VP9")
    matroska = container_for(path) in {"matroska", "webm"}
    says_it_itself = any(name in encoder for name in ("264", "265", "hevc"))
    if matroska and info.sample_aspect_ratio != 1 and not says_it_itself:
        notes.append(
            f"{encoder} in {path.suffix} cannot say that its pixels are not square, "
            "so the picture will look stretched; .mp4 or libx264 in .mkv can"
        )
    if info.ten_bit and "10" not in layout:
        notes.append(
            f"{encoder} has no 10 bits here, so the picture was stored with 8; libx265 has them"
        )
    if "444" in layout:
        notes.append("Odd sides were kept by storing colour at full size (4:4:4)")
    return notes
