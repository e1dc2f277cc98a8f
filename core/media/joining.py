"""The chunks of a film into one file, without encoding anything again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from av.error import FFmpegError

from core.errors import WriterError
from core.media.codecs import container_for
from core.media.film_encoder import describe_film, notes_on_layout
from core.media.film_muxer import FilmMuxer
from core.media.packets import open_input
from core.media.parameter_sets import joined_records
from core.media.tags import OUR_KEY
from core.media.timetable import Timetable
from core.media.writer import check_output

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from fractions import Fraction
    from pathlib import Path

    from av import VideoStream
    from av.packet import Packet

    from core.media.source import SourceInfo
    from core.settings import EncodeSettings


def join(
    chunks: Sequence[Path],
    output: Path,
    info: SourceInfo,
    settings: EncodeSettings,
    *,
    copy_from: Path | None = None,
    tag: str = "enhanced with LowLux",
    overwrite: bool = False,
) -> tuple[str, ...]:
    """Writes what `VideoWriter` would have from the frames of all chunks; tells what was not kept.

    Pictures are stored as they are in the chunks, at the same times; everything else the source
    has is copied once. Reads every chunk twice, and holds one packet at a time.

    Args:
        chunks: files of a `ChunkWriter` or `copy_chunk`, in order of time.
        output: where the result is to go; the suffix chooses the container.
        info: of the source.
        settings: what the chunks were encoded with.
        copy_from: the file whose sound, subtitles, chapters and tags are carried over.
        tag: what the metadata says about the enhancement.
        overwrite: whether an existing file may be replaced.

    Raises:
        SettingsError: the container cannot hold the codec.
        WriterError: the chunks do not belong together, one is missing or damaged, there are no
            frames at all, or the file cannot be written there; nothing is left behind.
    """
    check_output(output, copy_from or info.path, overwrite=overwrite, settings=settings)
    film = _look_through(chunks, output, info.time_base)
    muxer = FilmMuxer(output, container_for(output), tag=tag, overwrite=overwrite)
    try:
        _write(muxer, film, info, copy_from)
    except BaseException:
        muxer.abort()
        raise
    return (*notes_on_layout(output, info, settings, film.kind.layout), *muxer.notes)


def tag_of(path: Path) -> str:
    """What `join` said about the enhancement when it made a film; empty for any other file."""
    try:
        with open_input(path) as film:
            # Matroska writes keys in capitals.
            return next((said for key, said in film.metadata.items() if key.lower() == OUR_KEY), "")
    except (FFmpegError, OSError):
        return ""


@dataclass(frozen=True, slots=True)
class _Kind:
    """What all chunks of a film have in common."""

    codec: str
    width: int
    height: int
    layout: str
    """FFmpeg's name of the pixel layout."""

    @classmethod
    def of(cls, film: VideoStream) -> Self:
        context = film.codec_context
        # The layout of full-range pictures has a second name, which only some files bring up.
        layout = (context.pix_fmt or "").replace("yuvj", "yuv")
        return cls(context.codec.canonical_name, context.width, context.height, layout)


@dataclass(frozen=True, slots=True)
class _Film:
    """What the chunks are together."""

    chunks: tuple[Path, ...]
    """Those that have frames."""
    kind: _Kind
    record: bytes
    """Parameter sets of all chunks; empty where the codec has none."""
    times: Timetable


def _look_through(chunks: Sequence[Path], output: Path, unit: Fraction) -> _Film:
    """What can be known before anything is written."""
    times = Timetable()
    filled: list[Path] = []
    records: list[bytes] = []
    kind: _Kind | None = None
    for path in chunks:
        stored: list[tuple[int, int]] = []
        for packet in _packets([path], unit):
            if not stored:
                filled.append(path)
                this, record = _Kind.of(packet.stream), packet.stream.codec_context.extradata
                kind = kind or this
                if this != kind:
                    raise _stranger(path, "its pictures are of another kind")
                _append_record(records, record or b"", path)
            stored.append((packet.pts or 0, packet.duration or 0))
        _append_times(times, stored, path)
    if kind is None:
        raise WriterError(f"{output} would be empty: the source gave no frames")
    record = records[0] if len(records) == 1 else joined_records(records)
    return _Film(tuple(filled), kind, record, times)


def _append_record(records: list[bytes], record: bytes, path: Path) -> None:
    if record in records:
        return
    records.append(record)
    if len(records) > 1:
        try:
            joined_records(records)
        except ValueError as error:
            raise _stranger(path, f"its encoder was set up otherwise: {error}") from error


def _append_times(times: Timetable, stored: Sequence[tuple[int, int]], path: Path) -> None:
    try:
        times.add([pts for pts, _ in stored], max(stored, default=(0, 0))[1])
    except ValueError as error:
        raise _stranger(path, "it begins before the chunk before it ends") from error


def _packets(chunks: Sequence[Path], unit: Fraction) -> Iterator[Packet[VideoStream]]:
    """Packets of all chunks in order of decoding, their times in units of the film's clock."""
    for path in chunks:
        try:
            with open_input(path) as container:
                for film in container.streams.video[:1]:
                    for packet in container.demux(film):
                        if packet.size:
                            yield _on_clock(packet, unit, path)
        except (FFmpegError, OSError) as error:
            raise WriterError(
                f"{path}, a part of the film, is missing or damaged ({error.strerror}); delete it "
                "and start again to make it anew"
            ) from error


def _on_clock(packet: Packet[VideoStream], unit: Fraction, path: Path) -> Packet[VideoStream]:
    factor = packet.time_base / unit
    pts, duration = (packet.pts or 0) * factor, (packet.duration or 0) * factor
    if pts.denominator != 1:
        raise _stranger(path, "its clock is another one")
    packet.pts, packet.duration, packet.time_base = int(pts), round(duration), unit
    return packet


def _add_film(muxer: FilmMuxer, film: _Film, info: SourceInfo) -> VideoStream:
    with open_input(film.chunks[0]) as chunk:
        stream = muxer.output.add_stream_from_template(chunk.streams.video[0], opaque=True)
    describe_film(stream, info)
    if film.record:
        stream.codec_context.extradata = film.record
    return stream


def _write(muxer: FilmMuxer, film: _Film, info: SourceInfo, copy_from: Path | None) -> None:
    stream, unit = _add_film(muxer, film, info), info.time_base
    if copy_from is not None:
        muxer.copy_from(copy_from, stream)
    muxer.begin(film.times.first * unit, unit)
    for place, packet in enumerate(_packets(film.chunks, unit)):
        packet.dts = film.times.decoded_at(place)
        packet.duration = film.times.length(packet.pts or 0)
        packet.stream = stream
        muxer.mux([packet], packet.dts * unit)
    muxer.close()


def _stranger(path: Path, why: str) -> WriterError:
    return WriterError(
        f"{path} does not belong to this film ({why}); delete it and start again to make it anew"
    )
