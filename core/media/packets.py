"""Reading packets from files that may be damaged."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

import av
from av.error import EOFError as AvEOFError
from av.error import FFmpegError
from av.stream import Disposition

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream

_GONE = {errno.EIO, errno.ENODEV, errno.ENXIO, errno.ESTALE, errno.EBADF}
"""The disk or the network share failed, not the file."""
_GIVE_UP_AFTER = 32
"""Reads that fail in a row before the rest of the file is taken to be unreadable."""


def open_input(path: Path) -> InputContainer:
    """Open for reading; names in metadata that are not UTF-8 are kept as well as they can be."""
    return av.open(str(path), mode="r", metadata_errors="replace")


def primary_video(container: InputContainer) -> av.VideoStream | None:
    """The stream that is the film: not a cover picture, not a second camera."""
    films = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    best = container.streams.best("video")
    return next((s for s in films if best is not None and s.index == best.index), None) or (
        films[0] if films else None
    )


class PacketReader:
    """Iterates over the packets of some streams and steps over what cannot be read.

    Passive; one per thread. Where the device itself fails, FFmpeg's error passes through.
    """

    def __init__(self, container: InputContainer, streams: Sequence[Stream]) -> None:
        self._container = container
        self._streams = streams
        self.broken = 0
        """Reads that failed so far."""
        self.ended_early = False
        """The rest of the file could not be read."""

    def __iter__(self) -> Iterator[Packet[Any]]:
        in_a_row = 0
        while True:
            try:
                for packet in self._container.demux(*self._streams):
                    in_a_row = 0
                    yield packet
                return
            except AvEOFError:
                return
            except FFmpegError as error:
                if error.errno in _GONE:
                    raise
                self.broken += 1
                in_a_row += 1
                if in_a_row >= _GIVE_UP_AFTER:
                    self.ended_early = True
                    return


def first_packet(path: Path, index: int) -> Packet[Any] | None:
    """The first packet of one stream, such as a cover picture; None where it has none."""
    with open_input(path) as container:
        packets = PacketReader(container, [container.streams[index]])
        return next((packet for packet in packets if packet.size), None)
