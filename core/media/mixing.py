"""Whether a source's own packets can stand beside newly encoded ones in one film."""

from __future__ import annotations

from typing import TYPE_CHECKING

from av.error import FFmpegError

from core.errors import SourceLostError
from core.media.codecs import encoder_for, pixel_format_for
from core.media.colour import output_colour
from core.media.packets import PacketReader, open_input, primary_video
from core.media.parameter_sets import (
    LENGTH_SIZE,
    OUR_NUMBER,
    ParameterSets,
    is_parameter_set,
    number_of,
    units,
)
from core.media.source import open_source

if TYPE_CHECKING:
    from pathlib import Path

    from av import VideoStream
    from av.container import InputContainer

    from core.media.source import SourceInfo
    from core.settings import EncodeSettings

_FRESH_START = 5
"""The unit, called IDR, after which a decoder needs nothing that came before."""


def reason_not_to_mix(source: Path, output: Path, settings: EncodeSettings) -> str:
    """Why chunks copied from a source cannot be joined with enhanced ones; empty where they can.

    Reads every packet of the film, decodes one.

    Args:
        source: a video file.
        output: of the joined film.
        settings: the enhanced chunks are encoded with these.

    Raises:
        SettingsError: the container, the codec or its options do not exist or go together.
        SourceOpenError: there is no video in the file that can be read.
        SourceLostError: the disk went away.
    """
    encoder = encoder_for(output, settings)
    if encoder != "libx264":
        return f"{encoder} cannot number its parameter sets apart from the source's; libx264 can"
    with open_source(source) as opened:
        info = opened.info
    return _reason_in_pictures(info) or _reason_in_packets(source)


def _reason_in_pictures(info: SourceInfo) -> str:
    """What the enhanced frames would not have in common with the source's."""
    if info.codec != "h264":
        return f"The source is {info.codec}; only H.264 can be joined with what libx264 makes"
    layout = pixel_format_for("libx264", ten_bit=info.ten_bit, width=info.width, height=info.height)
    if layout != info.pixel_format.replace("yuvj", "yuv"):
        return f"The source stores {info.pixel_format}, enhanced frames are stored as {layout}"
    if not info.orientation.is_upright:
        return "The source's pictures are stored turned, enhanced ones are upright"
    if info.interlaced:
        return "The source is interlaced, enhanced frames are not"
    if output_colour(info.colour) != info.colour:
        return f"The source's colours ({info.colour}) are stored otherwise when enhanced"
    return ""


def _reason_in_packets(source: Path) -> str:
    """Whether every key frame is a clean place to change from one encoder to the other."""
    try:
        with open_input(source) as container:
            film = primary_video(container)
            assert film is not None
            try:
                sets = ParameterSets.of(film.codec_context.extradata or b"")
            except ValueError:
                return "The source repeats its parameter sets in its packets; copy it into an .mp4"
            return _reason_in_sets(sets) or _reason_in_order(container, film, sets)
    except (FFmpegError, OSError) as error:
        raise SourceLostError(
            f"{source} could not be read to its end ({error.strerror}); check that its disk is "
            "still connected"
        ) from error


def _reason_in_sets(sets: ParameterSets) -> str:
    if sets.length_size != LENGTH_SIZE:
        return f"The source counts lengths with {sets.length_size} bytes, libx264 with 4"
    if any(number_of(unit) == OUR_NUMBER for unit in sets.all):
        return f"The source uses parameter sets of number {OUR_NUMBER} itself"
    return ""


def _reason_in_order(container: InputContainer, film: VideoStream, sets: ParameterSets) -> str:
    key: int | None = None
    highest: int | None = None
    for packet in PacketReader(container, [film]):
        if not packet.size:
            continue
        pts = packet.pts
        if pts is None or packet.is_discard or packet.is_corrupt:
            return "The source has pictures that are damaged, hidden or without a time"
        if packet.is_keyframe:
            if not _stands_alone(bytes(packet), sets):
                return "The source has key frames at which a decoder cannot start afresh"
            overlaps = highest is not None and pts <= highest
            key = pts
        else:
            overlaps = key is None or pts <= key
        if overlaps:
            return "The source's key frames are stored before pictures that are shown earlier"
        highest = pts if highest is None else max(highest, pts)
    return ""


def _stands_alone(packet: bytes, sets: ParameterSets) -> bool:
    """Whether it forgets all pictures before it and needs no sets but those of the record."""
    parts = list(units(packet))
    strangers = any(is_parameter_set(unit) and unit not in sets.all for unit in parts)
    return not strangers and any(unit[0] & 31 == _FRESH_START for unit in parts if unit)
