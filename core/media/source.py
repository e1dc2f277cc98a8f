"""What every source of pictures promises."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from fractions import Fraction
    from pathlib import Path

    from core.frame import Frame
    from core.media.colour import Colour, HdrKind
    from core.media.orientation import Orientation

MIN_SIDE_PX = 32
"""Smaller pictures hold nothing to see; the network's first stride would eat them."""


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """One stream of a file, as `lowlux info` lists it."""

    index: int
    """Position in the file."""
    kind: str
    """video, audio, subtitle, data, attachment or unknown."""
    codec: str
    """FFmpeg's name of the coding, or "unknown"."""
    language: str | None
    """ISO 639-2 code, if the file names one."""
    title: str | None
    """What the file calls it."""
    details: str
    """Size and rate, or channels and sampling; empty where there is nothing to say."""


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What is known about a source before its first frame is asked for."""

    path: Path
    """The file."""
    width: int
    """Columns of the frames delivered, after rotation, in pixels."""
    height: int
    """Rows of the frames delivered, after rotation, in pixels."""
    sample_aspect_ratio: Fraction
    """Width of a pixel over its height, after rotation; 1 where the file says nothing."""
    time_base: Fraction
    """Seconds per unit of every frame's time."""
    average_rate: Fraction | None
    """Frames per second on average; the real distances may vary."""
    start_seconds: float
    """Presentation time of the first frame."""
    duration_seconds: float | None
    """Length of the video, if the file says."""
    frame_count: int | None
    """How many frames the file says it has."""
    codec: str
    """FFmpeg's name of the video coding."""
    pixel_format: str
    """FFmpeg's name of the stored pixel layout."""
    bit_depth: int
    """Bits of one component as stored."""
    colour: Colour
    """Matrix, range, primaries and transfer as tagged in the stream."""
    orientation: Orientation
    """How stored pictures are turned; frames delivered already are."""
    rotation_degrees: int
    """Clockwise turn applied to the stored pictures: 0, 90, 180 or 270."""
    interlaced: bool
    """The first frame is two fields; frames delivered are whole pictures."""
    container: str
    """FFmpeg's name of the file format."""
    streams: tuple[StreamInfo, ...]
    """Everything in the file, the video included."""

    @property
    def hdr(self) -> HdrKind | None:
        """Kind of HDR of the stored pictures, "pq" or "hlg"; frames delivered are SDR."""
        return self.colour.hdr

    @property
    def ten_bit(self) -> bool:
        """Frames are uint16."""
        return self.bit_depth > 8


class Source(AbstractContextManager["Source"], Protocol):
    """Pictures in order of time; closed on leaving. Passive: starts no thread; used from one."""

    @property
    def info(self) -> SourceInfo:
        """What was known when it was opened."""

    @property
    def notes(self) -> Sequence[str]:
        """Plain sentences on what was changed or missing; grows while iterating."""

    @property
    def broken_packets(self) -> int:
        """Damaged pieces that were stepped over so far."""

    def __iter__(self) -> Iterator[Frame]:
        """Frames from the start of the chosen part to its end."""

    def close(self) -> None:
        """Free the file; safe to call twice."""


def open_source(path: Path, *, start: float = 0.0, end: float | None = None) -> Source:
    """Open a file for reading.

    Args:
        path: a video file.
        start: seconds after the first frame at which to begin.
        end: seconds after the first frame at which to stop; None reads to the end.

    Raises:
        SourceOpenError: there is no video in it that can be read.
    """
    # The contract is imported by its implementations, so they are imported here.
    from core.media.file import FileSource

    return FileSource(path, start=start, end=end)
