"""Looks whether a finished recording holds what was written."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import av
from av.error import FFmpegError

from core.errors import WriterError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Checked:
    """What a finished file was found to hold."""

    frames: int
    """Pictures in it."""
    seconds: float
    """From its beginning to the end of its last picture."""


def check_recording(path: Path) -> Checked:
    """Opens a finished file, counts its pictures and decodes the first and the last of them.

    Raises:
        WriterError: it does not play.
    """
    try:
        with av.open(str(path)) as film:
            stream = film.streams.video[0]
            assert stream.time_base is not None
            frames, end, key = 0, Fraction(0), 0
            for packet in film.demux(stream):
                if packet.size and packet.pts is not None:
                    frames += 1
                    end = (packet.pts + (packet.duration or 0)) * stream.time_base
                    key = packet.pts if packet.is_keyframe else key
            for moment in (0, key):
                film.seek(moment, stream=stream)
                next(film.decode(stream))
    except (FFmpegError, OSError, StopIteration, IndexError) as error:
        raise WriterError(
            f"{path} was recorded but does not play ({error}); keep it and report this"
        ) from error
    return Checked(frames, float(end))
