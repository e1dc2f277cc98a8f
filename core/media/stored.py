"""What lies in a film's file: when its pictures are shown, its sound, and what it was made of.

Packets are read and nothing is decoded, so that a long film is looked through in seconds.
"""

from __future__ import annotations

import hashlib
from array import array
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from av.error import FFmpegError

from core.errors import SourceLostError, SourceOpenError
from core.media.codecs import can_hold, container_for
from core.media.packets import PacketReader, open_input, primary_video
from core.media.source import open_source

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from av.container import InputContainer
    from av.packet import Packet

_ROUNDED = {"matroska": Fraction(1, 2000), "webm": Fraction(1, 2000)}
"""Seconds by which a container moves times at most; the others keep them."""
_ADTS = 0xFFF0
"""A sound packet of AAC that begins so has a header, which only streams need and files drop."""


@dataclass(frozen=True, slots=True)
class Times:
    """When each picture of a film is shown, in order of time."""

    ticks: array[int]
    """Of each picture, in units of the film's clock."""
    unit: Fraction
    """Seconds per tick."""

    def __len__(self) -> int:
        return len(self.ticks)

    @property
    def sha256(self) -> str:
        """Of all times, in seconds, whatever the film's clock."""
        digest = hashlib.sha256()
        for tick in self.ticks:
            digest.update(f"{tick * self.unit}\n".encode())
        return digest.hexdigest()

    def seconds(self, number: int) -> Fraction:
        """From the first picture to the one of this number."""
        return (self.ticks[number] - self.ticks[0]) * self.unit

    def differ_from(self, source: Times, path: Path) -> str:
        """How a film's times are not those of its source; empty where they are.

        Args:
            source: times of the source.
            path: of this film; its container may round.
        """
        if len(self) != len(source):
            return f"it has {len(self)} frames, its source {len(source)}"
        allowed = _ROUNDED.get(container_for(path), Fraction(0))
        for number, (ours, theirs) in enumerate(zip(self.ticks, source.ticks, strict=True)):
            if abs(ours * self.unit - theirs * source.unit) > allowed:
                return (
                    f"frame {number} is shown at {float(ours * self.unit):.6f} s, in the source "
                    f"at {float(theirs * source.unit):.6f} s"
                )
        return ""


@dataclass(frozen=True, slots=True)
class Sound:
    """A track of sound."""

    codec: str
    """FFmpeg's name of the coding."""
    size: int
    """Bytes of all packets together."""
    sha256: str
    """Of all packets one after the other: containers pack them differently."""


def stored_times(path: Path) -> Times | None:
    """Times as the packets tell them; None where one has none.

    Where a film is damaged, or its pictures are stored in halves, `decoded_times` tells others.

    Raises:
        SourceOpenError: there is no video in the file that can be read.
        SourceLostError: the disk went away.
    """
    with _reading(path) as container:
        film = primary_video(container)
        if film is None or film.time_base is None:
            raise SourceOpenError(f"{path} has no video; give the file as it was made")
        ticks = array("q")
        for packet in PacketReader(container, [film]):
            if packet.size and not packet.is_discard:
                if packet.pts is None:
                    return None
                ticks.append(packet.pts)
        return Times(array("q", sorted(ticks)), film.time_base)


def decoded_times(path: Path) -> Times:
    """Times of the frames that a source gives: what is enhanced. Decodes the whole film.

    Raises:
        SourceError: it cannot be read.
    """
    with open_source(path) as source:
        return Times(array("q", (frame.pts for frame in source)), source.info.time_base)


def sound_of(path: Path, output: Path) -> tuple[Sound, ...]:
    """All tracks of sound, in order, but for those that an output's container cannot hold.

    Args:
        path: the file.
        output: what is made of it, or the file itself.

    Raises:
        SourceOpenError: it cannot be opened.
        SourceLostError: the disk went away.
    """
    holder = container_for(output)
    with _reading(path) as container:
        tracks = [track for track in container.streams.audio if can_hold(holder, track)]
        digests = {track.index: hashlib.sha256() for track in tracks}
        sizes = dict.fromkeys(digests, 0)
        for packet in PacketReader(container, tracks) if tracks else ():
            if packet.size:
                content = _content(packet)
                digests[packet.stream_index].update(content)
                sizes[packet.stream_index] += len(content)
        return tuple(
            Sound(
                track.codec_context.codec.canonical_name,
                sizes[track.index],
                digests[track.index].hexdigest(),
            )
            for track in tracks
        )


def pictures_sha256(path: Path, parts: Sequence[tuple[int, int | None]]) -> str:
    """Of the packets of the pictures in some parts of a film, as they are stored.

    Args:
        path: the file.
        parts: each from a tick of the film's clock up to before another; None for its end.

    Raises:
        SourceOpenError: it cannot be opened.
        SourceLostError: the disk went away.
    """
    digest = hashlib.sha256()
    with _reading(path) as container:
        film = primary_video(container)
        for packet in PacketReader(container, [] if film is None else [film]):
            if packet.size and packet.pts is not None and _is_in(packet.pts, parts):
                digest.update(bytes(packet))
    return digest.hexdigest()


def _is_in(tick: int, parts: Sequence[tuple[int, int | None]]) -> bool:
    return any(begin <= tick and (end is None or tick < end) for begin, end in parts)


def _content(packet: Packet[Any]) -> bytes:
    content = bytes(packet)
    if packet.stream.codec_context.codec.canonical_name != "aac":
        return content
    if int.from_bytes(content[:2], "big") & _ADTS != _ADTS or len(content) < 7:
        return content
    has_checksum = not content[1] & 1
    return content[9 if has_checksum else 7 :]


@contextmanager
def _reading(path: Path) -> Iterator[InputContainer]:
    try:
        container = open_input(path)
    except (FFmpegError, OSError) as error:
        raise SourceOpenError(
            f"{path} cannot be opened ({error.strerror}); check that it plays elsewhere"
        ) from error
    try:
        with container:
            yield container
    except (FFmpegError, OSError) as error:
        raise SourceLostError(
            f"{path} could not be read any further ({error.strerror}); check that its disk is "
            "still connected"
        ) from error
