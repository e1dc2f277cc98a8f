"""One chunk of a film in a file of its own, until all are joined.

Note [chunk file]
    A chunk file is an MP4, or a MOV where only that holds the codec: both keep times in the film's
    own unit, while Matroska would round them to milliseconds. Times count from where the film's
    do. It has its name only when it is complete. A chunk without frames is a file without streams.
"""

from __future__ import annotations

import contextlib
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from av.error import FFmpegError

from core.errors import SettingsError, SourceLostError
from core.media.codecs import encoder_for
from core.media.film_encoder import FilmEncoder, describe_film
from core.media.film_muxer import FilmMuxer
from core.media.keyframes import first_pts
from core.media.packets import PacketReader, open_input, primary_video
from core.media.parameter_sets import NUMBERED_APART
from core.media.source import open_source
from core.media.timetable import Timetable
from core.media.writer import FrameWriter
from core.settings import EncodeSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from av.packet import Packet

    from core.media.keyframes import Chunk
    from core.media.source import SourceInfo

_SEEK_MARGIN_SECONDS = 1.0
"""Seeking is by decoding time, which runs ahead of presentation where frames are reordered."""


class ChunkWriter(FrameWriter):
    """Encodes the frames of one chunk as `VideoWriter` would; see Note [chunk file].

    Args:
        path: of the chunk; a file that is there is replaced.
        film: what the chunks will be joined into; its suffix has a say in the codec.
        info: of the source the frames came from.
        settings: codec, quality and speed; the same for all chunks of a film.
        size: width and height of the frames written; the source's if None.
        ten_bit: whether frames are written with 10 bits; as the source has them if None.
        beside_copies: other chunks of the film are copies of the source's packets; see
            `reason_not_to_mix`.

    Raises:
        SettingsError: the container, the codec or its options do not exist or go together.
        WriterError: the file cannot be written there.
    """

    def __init__(
        self,
        path: Path,
        film: Path,
        info: SourceInfo,
        settings: EncodeSettings,
        *,
        size: tuple[int, int] | None = None,
        ten_bit: bool | None = None,
        beside_copies: bool = False,
    ) -> None:
        encoder = encoder_for(film, settings)
        muxer = _chunk_muxer(path, _container(film, encoder))
        try:
            encoding = FilmEncoder(
                muxer.output, encoder, info, settings,
                size=size, ten_bit=ten_bit, options=NUMBERED_APART if beside_copies else None,
            )  # fmt: skip
        except BaseException:
            muxer.abort()
            raise
        super().__init__(muxer, encoding, info.time_base)

    def _begin_empty(self) -> None:
        self._begin(Fraction(0))


def copy_chunk(source: Path, chunk: Chunk, path: Path) -> int:
    """Put the source's own packets of a chunk into a file, each as it is; how many there were.

    Args:
        source: a file for which `reason_not_to_mix` gives none.
        chunk: of that file.
        path: of the chunk; a file that is there is replaced.

    Raises:
        SourceOpenError: the source cannot be opened.
        SourceLostError: it cannot be read any further, or was changed since it was cut.
        WriterError: the chunk cannot be written there.
    """
    with open_source(source) as opened:
        info = opened.info
    times = Timetable()
    stored = [(packet.pts or 0, packet.duration or 0) for packet in _packets(source, info, chunk)]
    if not stored:
        raise SourceLostError(f"{source} has lost pictures since it was cut; start afresh with it")
    times.add([pts for pts, _ in stored], max(stored)[1])
    muxer = _chunk_muxer(path, "mp4")
    try:
        with open_input(source) as container:
            template = primary_video(container)
            assert template is not None
            film = muxer.output.add_stream_from_template(template, opaque=True)
        describe_film(film, info)
        muxer.begin(times.first * info.time_base, info.time_base)
        for place, packet in enumerate(_packets(source, info, chunk)):
            packet.dts, packet.duration = times.decoded_at(place), times.length(packet.pts or 0)
            packet.stream = film
            muxer.mux([packet], Fraction(0))
        muxer.close()
    except BaseException:
        muxer.abort()
        raise
    return len(times)


def _packets(source: Path, info: SourceInfo, chunk: Chunk) -> Iterator[Packet[Any]]:
    """The film's packets from the key frame a chunk begins at up to where the next one does."""
    first, unit, begun = first_pts(info), info.time_base, False
    begin = first + round(chunk.begin / unit)
    end = None if chunk.end is None else first + round(chunk.end / unit)
    try:
        with open_input(source) as container:
            film = primary_video(container)
            assert film is not None
            with contextlib.suppress(FFmpegError):
                # Where a file cannot be sought it is read from its beginning.
                container.seek(begin - round(_SEEK_MARGIN_SECONDS / unit), stream=film)
            for packet in PacketReader(container, [film]):
                if not packet.size or packet.pts is None:
                    continue
                if packet.is_keyframe and end is not None and packet.pts >= end:
                    return
                begun = begun or (packet.is_keyframe and packet.pts >= begin)
                if begun:
                    yield packet
    except (FFmpegError, OSError) as error:
        raise SourceLostError(
            f"{source} could not be read any further ({error.strerror}); check that its disk is "
            "still connected"
        ) from error


def _chunk_muxer(path: Path, container: str) -> FilmMuxer:
    return FilmMuxer(path, container, tag="a part of a film", overwrite=True)


def _container(film: Path, encoder: str) -> str:
    """The format of a chunk file; see Note [chunk file]."""
    for suffix, container in ((".mp4", "mp4"), (".mov", "mov")):
        with contextlib.suppress(SettingsError):
            encoder_for(film.with_suffix(suffix), EncodeSettings(codec=encoder))
            return container
    raise SettingsError(
        f"{encoder} cannot be encoded in parts, because neither MP4 nor MOV holds it; "
        "choose another codec"
    )
