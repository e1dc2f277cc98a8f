"""What a file says about itself."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING

from av import AudioStream, VideoStream

from core.media.colour import Colour, bit_depth
from core.media.orientation import Orientation, orientation_of
from core.media.source import SourceInfo, StreamInfo

if TYPE_CHECKING:
    from pathlib import Path

    from av import VideoFrame
    from av.codec import CodecContext
    from av.container import InputContainer
    from av.stream import Stream

_MICROSECOND = Fraction(1, 1_000_000)
_END_MARGIN_S = 1.0
"""Sound, rounding and lost tails make this much."""
_CLOCK = re.compile(r"(\d+):(\d\d):(\d\d\.\d+)")
_NO_FIELD_ORDER = (0, 1)
"""FFmpeg's field orders "unknown" and "progressive"."""


def describe_file(
    path: Path, container: InputContainer, stream: VideoStream, first: VideoFrame
) -> SourceInfo:
    """Everything known once the first frame is decoded: some tags only come with it."""
    orientation = orientation_of(first)
    width, height = orientation.size(first.width, first.height)
    time_base = stream.time_base or _MICROSECOND
    return SourceInfo(
        path=path,
        width=width,
        height=height,
        sample_aspect_ratio=orientation.aspect(stream.sample_aspect_ratio or Fraction(1)),
        time_base=time_base,
        average_rate=stream.average_rate or stream.guessed_rate,
        start_seconds=float((first.pts or 0) * time_base),
        duration_seconds=_duration_seconds(container, stream, time_base),
        frame_count=stream.frames or None,
        codec=stream.codec_context.codec.canonical_name,
        pixel_format=first.format.name,
        bit_depth=bit_depth(first),
        colour=_colour(first),
        orientation=orientation,
        rotation_degrees=_rotation_degrees(orientation),
        interlaced=first.interlaced_frame
        or stream.codec_context.field_order not in _NO_FIELD_ORDER,
        container=container.format.name,
        streams=tuple(describe_stream(s) for s in container.streams),
    )


def describe_stream(stream: Stream) -> StreamInfo:
    """One line of the list of streams."""
    context: CodecContext | None = stream.codec_context
    return StreamInfo(
        index=stream.index,
        kind=stream.type,
        codec=context.codec.canonical_name if context is not None else stream.name or "unknown",
        language=stream.language,
        title=stream.metadata.get("title") or stream.metadata.get("name"),
        details=_details(stream),
    )


def missing_end(info: SourceInfo, stream: VideoStream, end: int) -> str:
    """A sentence where pictures end before the file says so, as a copy that broke off does.

    Args:
        info: of the file.
        stream: its video.
        end: when the last picture is over, in the stream's unit.
    """
    reached, stated = float(end * info.time_base), _stated_end(info, stream)
    if stated is None or stated - reached <= _END_MARGIN_S:
        return ""
    return (
        f"The pictures end at {reached:.1f} s, but {info.path.name} says that it has them until "
        f"{stated:.1f} s: if it is a copy, copy it again"
    )


def _stated_end(info: SourceInfo, stream: VideoStream) -> float | None:
    """An MP4 says how long the video is shown, a tag of Matroska's when it is over, in seconds."""
    if stream.duration:
        return info.start_seconds + float(stream.duration * info.time_base)
    found = _CLOCK.fullmatch(stream.metadata.get("DURATION", ""))
    if found is None:
        return None
    hours, minutes, seconds = map(float, found.groups())
    return 3600 * hours + 60 * minutes + seconds


def _details(stream: Stream) -> str:
    if isinstance(stream, VideoStream) and stream.codec_context is not None:
        rate = stream.average_rate
        speed = f", {float(rate):.3g} frames/s" if rate else ""
        return f"{stream.width}x{stream.height} {stream.pix_fmt}{speed}"
    if isinstance(stream, AudioStream) and stream.codec_context is not None:
        return f"{stream.rate} Hz, {stream.layout.name}"
    return ""


def _duration_seconds(
    container: InputContainer, stream: VideoStream, time_base: Fraction
) -> float | None:
    if stream.duration:
        return float(stream.duration * time_base)
    return float(container.duration * _MICROSECOND) if container.duration else None


def _colour(frame: VideoFrame) -> Colour:
    return Colour(
        int(frame.colorspace), int(frame.color_range), int(frame.color_primaries),
        int(frame.color_trc),
    )  # fmt: skip


def _rotation_degrees(orientation: Orientation) -> int:
    if orientation.swap_axes:
        return 90 if orientation.flip_columns else 270
    return 180 if orientation.flip_rows else 0
