"""Sound, subtitles and everything else, carried over packet for packet."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from av.error import ArgumentError, FFmpegError, InvalidDataError
from av.stream import Discard, Disposition

from core.errors import WriterError
from core.media.codecs import CONTAINERS, can_hold
from core.media.packets import PacketReader, first_packet, open_input, primary_video
from core.media.probe import describe_stream
from core.media.tags import shifted_chapters, stream_tags

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from av.container import OutputContainer
    from av.container.core import Chapter
    from av.packet import Packet
    from av.stream import Stream

_SEEK_MARGIN_SECONDS = 5
"""Read this much before the cut, for subtitles that began earlier and are still shown."""


class StreamCopier:
    """Reads the input a second time and muxes every stream but the film. Passive; one per thread.

    Raises:
        WriterError: the input can no longer be opened.
    """

    def __init__(self, path: Path, output: OutputContainer, suffix: str) -> None:
        try:
            self._input = open_input(path)
        except (FFmpegError, OSError) as error:
            raise WriterError(f"{path} could not be opened again to copy its sound") from error
        self._path = path
        self._output = output
        self._container = CONTAINERS[suffix.lower()]
        self.film = primary_video(self._input)
        """The input's own video stream, whose tags the writer copies."""
        self._notes: list[str] = []
        self._refused = 0
        self._reader: PacketReader | None = None
        self._targets: dict[int, Stream] = {}
        for stream in self._input.streams:
            self._take(stream)
        self._shift = Fraction(0)
        self._waiting: Packet[Any] | None = None
        self._packets = self._read()

    @property
    def notes(self) -> list[str]:
        """Plain sentences on what could not be carried over; grows while copying."""
        lost = self._refused + (self._reader.broken if self._reader else 0)
        damage = [f"{lost} damaged pieces of sound or subtitles were skipped"] if lost else []
        return self._notes + damage

    @property
    def metadata(self) -> Mapping[str, str]:
        """The input container's metadata."""
        return self._input.metadata

    @property
    def start_units(self) -> list[Fraction]:
        """Time bases of the copied streams that begin after zero, as after a cut all may."""
        sources = (self._input.streams[index] for index in self._targets)
        return [s.time_base for s in sources if s.time_base and (self._shift or s.start_time)]

    def chapters(self, end: Fraction | None) -> list[Chapter]:
        """Chapters of the part that is kept."""
        return shifted_chapters(self._input.chapters(), self._shift, end)

    def cut_before(self, seconds: Fraction) -> None:
        """Drop what comes before this moment of the input and count from there."""
        self._shift = seconds
        start = int((seconds - _SEEK_MARGIN_SECONDS) * 1_000_000)
        if start > 0:
            self._input.seek(start)

    def copy_until(self, seconds: Fraction | None) -> None:
        """Mux every packet before this moment of the input; None: all that are left."""
        while (packet := self._waiting or next(self._packets, None)) is not None:
            self._waiting = packet
            time = _time(packet)
            if seconds is not None and time is not None and time >= seconds:
                return
            self._waiting = None
            self._mux(packet)

    def close(self) -> None:
        """Free the input; safe to call twice."""
        self._input.close()

    def _take(self, stream: Stream) -> None:
        if self.film is not None and stream.index == self.film.index:
            return
        if stream.type == "data" and (
            stream.discard == Discard.all or "timecode" in stream.metadata
        ):
            # MP4 keeps chapter titles and timecode in streams of their own; its muxer makes new
            # ones, from the chapters and from the film's own timecode tag.
            return
        if stream.disposition & Disposition.attached_pic:
            self._take_cover(stream)
            return
        sample = first_packet(self._path, stream.index) if stream.type == "data" else None
        if not can_hold(self._container, stream, sample):
            self._notes.append(self._left_out(stream))
            return
        target = self._output.add_stream_from_template(stream, opaque=True)
        target.metadata.clear()
        target.metadata.update(stream_tags(stream.metadata, self._container))
        target.disposition = stream.disposition
        self._targets[stream.index] = target
        if stream.type == "video":
            self._notes.append(f"Video stream {stream.index} was copied as it is, not enhanced")

    def _take_cover(self, stream: Stream) -> None:
        """Matroska keeps a cover as an attached file.

        FFmpeg's MP4 muxer writes either a cover or tags of any name, such as a phone's and ours.
        """
        picture = first_packet(self._path, stream.index)
        if self._container == "matroska" and picture is not None:
            kind = "png" if stream.name == "png" else "jpeg"
            self._output.add_attachment(f"cover.{kind}", f"image/{kind}", bytes(picture))
            return
        self._notes.append(f"The cover picture (stream {stream.index}) was left out; .mkv keeps it")

    def _left_out(self, stream: Stream) -> str:
        known = describe_stream(stream)
        others = [s for s, name in CONTAINERS.items() if can_hold(name, stream)]
        advice = f"; {' or '.join(others)} can" if others else ""
        language = f", {known.language}" if known.language not in (None, "und") else ""
        return (
            f"Stream {known.index} ({known.kind}, {known.codec}{language}) was left out: "
            f"{self._container} cannot hold it{advice}"
        )

    def _read(self) -> Iterator[Packet[Any]]:
        streams = [self._input.streams[index] for index in self._targets]
        if not streams:
            return
        self._reader = reader = PacketReader(self._input, streams)
        # The last packets of a demuxer are empty: they only tell decoders to flush.
        yield from (packet for packet in reader if packet.size and not _is_gap(packet))

    def _mux(self, packet: Packet[Any]) -> None:
        if not self._moved(packet):
            return
        stream = self._targets[packet.stream_index]
        packet.stream = stream
        try:
            self._output.mux(packet)
        except (ArgumentError, InvalidDataError):
            # A damaged time or header; the muxer goes on with the next packet.
            self._refused += 1
        except FFmpegError as error:
            raise WriterError(
                f"The {stream.type} stream {stream.index} could not be copied "
                f"({error.strerror}); check the space left on the disk"
            ) from error

    def _moved(self, packet: Packet[Any]) -> bool:
        """Count from the cut; False where the packet lies before it."""
        if not self._shift or packet.time_base is None:
            return True
        offset = round(self._shift / packet.time_base)
        if packet.pts is not None:
            left = packet.pts + (packet.duration or 0) - offset
            if packet.stream.type == "subtitle" and packet.pts < offset < offset + left:
                packet.pts, packet.duration = offset, left
                packet.dts = offset
            if packet.pts < offset:
                return False
            packet.pts -= offset
        if packet.dts is not None:
            packet.dts -= offset
        return True


def _is_gap(packet: Packet[Any]) -> bool:
    """MP4 stores the pause between two subtitles as an empty one; its muxer makes them anew."""
    return packet.stream.name == "mov_text" and bytes(packet) == b"\0\0"


def _time(packet: Packet[Any]) -> Fraction | None:
    stamp = packet.dts if packet.dts is not None else packet.pts
    return None if stamp is None else stamp * packet.time_base
