"""MP4 in fragments, as it is recorded: made plain after a clean stop, mended after a torn one.

A fragment is two boxes: `moof` tells of pictures, `mdat` holds them. A box is its length in four
bytes, its name, its data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
from av.error import FFmpegError

from core.errors import WriterError
from core.media.atomic import PartFile
from core.media.disk import free_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from av.container.core import Chapter


def make_plain(source: Path, target: Path, chapters: list[Chapter], reserve_bytes: int) -> bool:
    """Copy fragments into a plain MP4, its index in front, and remove them; whether that worked.

    Args:
        source: a whole MP4 in fragments.
        target: the name of the copy, on the same disk.
        chapters: of the copy.
        reserve_bytes: what must stay free on the disk.
    """
    if free_bytes(target.parent) < source.stat().st_size * 1.1 + reserve_bytes:
        return False
    part = PartFile(target, overwrite=False)
    try:
        _copy_plain(source, part.path, chapters)
        part.commit()
    except (FFmpegError, OSError, WriterError):
        part.discard()
        return False
    source.unlink()
    return True


def _copy_plain(source: Path, target: Path, chapters: list[Chapter]) -> None:
    options = {"movflags": "faststart", "movie_timescale": "90000"}
    with (
        av.open(str(source)) as film,
        av.open(str(target), "w", format="mp4", container_options=options) as copy,
    ):
        streams = {}
        for stream in film.streams:
            streams[stream.index] = copy.add_stream_from_template(stream, opaque=True)
            streams[stream.index].time_base = stream.time_base
        if chapters:
            copy.set_chapters(chapters)
        for packet in film.demux():
            if packet.size:
                packet.stream = streams[packet.stream_index]
                copy.mux(packet)


def cut_torn(path: Path) -> None:
    """Leave only the fragments that were written whole."""
    size, at, whole = path.stat().st_size, 0, 0
    with path.open("rb+") as file:
        while at + 8 <= size:
            file.seek(at)
            length, name = int.from_bytes(file.read(4), "big"), file.read(4)
            at += max(length, 8)
            if at <= size and name != b"moof":
                whole = at
        file.truncate(whole)
