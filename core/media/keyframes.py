"""Where a film can be cut so that its parts are worked on apart."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from av.error import FFmpegError

from core.errors import SourceLostError
from core.media.packets import PacketReader, open_input, primary_video
from core.media.source import open_source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from core.media.source import SourceInfo


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of a film; every frame belongs to exactly one, by its time."""

    number: int
    """Counted from 0."""
    begin: Fraction
    """Seconds from the first frame; the time of a key frame."""
    end: Fraction | None
    """The begin of the next chunk; None for the last, which goes on to the end."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What a file says about one picture without decoding it."""

    pts: int | None
    """Presentation time in the stream's unit."""
    dts: int | None
    """Decoding time, likewise."""
    is_key: bool
    """Whether decoding can begin here."""


def cut_into_chunks(path: Path, least_seconds: float) -> tuple[Chunk, ...]:
    """Cuts at key frames; one chunk where the film's times cannot be relied on.

    Decodes one frame, to count from the same moment as the source does, and reads packets.

    Args:
        path: a video file.
        least_seconds: how long a chunk is at least, but for the last; 0 cuts at every key frame.

    Raises:
        SourceOpenError: there is no video in the file that can be read.
        SourceLostError: the disk went away.
    """
    with open_source(path) as source:
        info = source.info
    first, unit = first_pts(info), info.time_base
    begins = [Fraction(0)]
    for pts in _cuts(_stored(path)):
        begin = (pts - first) * unit
        if begin > 0 and begin - begins[-1] >= least_seconds:
            begins.append(begin)
    ends = [*begins[1:], None]
    return tuple(Chunk(number, begins[number], end) for number, end in enumerate(ends))


def first_pts(info: SourceInfo) -> int:
    """The time of a source's first frame, in units of its clock."""
    return round(Fraction(info.start_seconds) / info.time_base)


def _stored(path: Path) -> Iterator[Stored]:
    try:
        with open_input(path) as container:
            film = primary_video(container)
            for packet in PacketReader(container, [] if film is None else [film]):
                if packet.size:
                    key = packet.is_keyframe and not packet.is_discard
                    yield Stored(packet.pts, packet.dts, key)
    except (FFmpegError, OSError) as error:
        raise SourceLostError(
            f"{path} could not be read to find its key frames ({error.strerror}); check that its "
            "disk is still connected"
        ) from error


def _cuts(pictures: Iterable[Stored]) -> list[int]:
    """Times of key frames that come after everything stored before them.

    None at all where times are missing or jump back, as in joined recordings: looking for a
    moment in such a file may find another one.
    """
    cuts: list[int] = []
    highest: int | None = None
    decoded: int | None = None
    for picture in pictures:
        if picture.pts is None:
            return []
        if picture.dts is not None:
            if decoded is not None and picture.dts < decoded:
                return []
            decoded = picture.dts
        if picture.is_key and highest is not None and picture.pts > highest:
            cuts.append(picture.pts)
        highest = picture.pts if highest is None else max(highest, picture.pts)
    return cuts
