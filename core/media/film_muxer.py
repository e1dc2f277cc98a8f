"""The file a film goes into, with everything else its source had."""

from __future__ import annotations

import math
from contextlib import contextmanager
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
from av.error import FFmpegError

from core.errors import WriterError
from core.media.atomic import PartFile
from core.media.copying import StreamCopier
from core.media.disk import FULL
from core.media.tags import container_tags, stream_tags
from core.settings import TrimSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from av import VideoStream
    from av.packet import Packet

_FINEST_MOVIE_CLOCK = 10_000_000
"""MP4 writes the delay of a late stream in units of the film's clock; finer is not needed."""
_MATROSKA = {"matroska", "webm"}


class FilmMuxer:
    """Packets of one film into one file, other streams copied beside them. Passive; one per thread.

    In this order: add the film's stream to `output`, `copy_from` its source if there is one,
    `begin`, `mux`, and `close`, which gives the file its name, or `abort`.

    Args:
        path: where the result is to go.
        container: FFmpeg's name of the format.
        tag: what the metadata says about the enhancement.
        overwrite: whether an existing file may be replaced.
        trim: the part of the source that is written; a start moves everything to time zero.

    Raises:
        WriterError: the file cannot be written there.
    """

    def __init__(
        self,
        path: Path,
        container: str,
        *,
        tag: str,
        overwrite: bool,
        trim: TrimSettings | None = None,
    ) -> None:
        self.path = path
        """Where the result is to go."""
        self.begun = False
        """The header is written."""
        self._tag, self._trim = tag, trim or TrimSettings()
        self._notes: list[str] = []
        self._copier: StreamCopier | None = None
        self._part = PartFile(path, overwrite=overwrite)
        with told(path):
            self.output = av.open(str(self._part.path), "w", format=container)

    @property
    def notes(self) -> Sequence[str]:
        """Plain sentences on what could not be kept; grows while writing."""
        return [*self._notes, *(self._copier.notes if self._copier else ())]

    def copy_from(self, source: Path, stream: VideoStream) -> None:
        """Carry over the sound, subtitles, chapters and tags of a file.

        Args:
            source: the file the film came from.
            stream: the film in `output`; it gets the tags of the film in the source.

        Raises:
            WriterError: the source can no longer be opened.
        """
        self._copier = StreamCopier(source, self.output, self.path.suffix)
        film = self._copier.film
        if film is None:
            return
        tags = stream_tags(film.metadata, self.output.format.name)
        if self._trim.start > 0 and "timecode" in tags:
            del tags["timecode"]
            self._notes.append("The timecode was left out: its first frame was cut off")
        stream.metadata.update(tags)
        stream.disposition = film.disposition

    def begin(self, first: Fraction, time_base: Fraction) -> Fraction:
        """Write the header: only the first frame tells by how much a trimmed film moves.

        Args:
            first: the time of the first frame in the source, in seconds.
            time_base: seconds per unit of the film's times.

        Returns:
            By how many seconds every frame is to be moved to the front.

        Raises:
            WriterError: the disk is full.
        """
        shift = first if self._trim.start > 0 else Fraction(0)
        metadata: dict[str, str] = {}
        if self._copier is not None:
            if shift:
                self._copier.cut_before(shift)
            metadata = dict(self._copier.metadata)
            end = None if self._trim.end is None else first + Fraction(self._trim.end)
            self.output.set_chapters(self._copier.chapters(end))
        name = self.output.format.name
        self.output.metadata.update(container_tags(metadata, name, self._tag))
        self.output.container_options.update(self._options(name, time_base))
        with told(self.path):
            self.output.start_encoding()
        self.begun = True
        return shift

    def mux(self, packets: Iterable[Packet[Any]], until: Fraction) -> None:
        """Write packets of the film, and what the other streams have before them.

        Args:
            packets: in order of decoding.
            until: a moment of the source, in seconds; other streams are copied up to there.

        Raises:
            WriterError: the disk is full.
        """
        with told(self.path):
            if self._copier is not None:
                self._copier.copy_until(until)
            for packet in packets:
                self._note_rounding(packet)
                self.output.mux(packet)

    def close(self, end: Fraction | None = None) -> None:
        """Finish the file, put it on the disk and give it its name.

        Args:
            end: the moment of the source, in seconds, at which the other streams stop; None
                copies them to their ends.

        Raises:
            WriterError: it could not be completed; nothing is left behind.
        """
        try:
            with told(self.path):
                if self._copier is not None:
                    self._copier.copy_until(end)
                self.output.close()
            self._part.commit()
        except BaseException:
            self.abort()
            raise
        finally:
            self._close_copier()

    def abort(self) -> None:
        """Leave nothing behind; safe to call twice."""
        try:
            # Closing writes the index, which is what fails when the disk is full.
            self.output.close()
        except (FFmpegError, OSError):
            pass
        finally:
            self._part.discard()
            self._close_copier()

    def _options(self, container: str, time_base: Fraction) -> dict[str, str]:
        if container in _MATROSKA:
            # Otherwise sound that starts before zero, as AAC does, would push the film back.
            return {"avoid_negative_ts": "disabled"}
        late = self._copier.start_units if self._copier else []
        clock = math.lcm(*(unit.denominator for unit in (time_base, *late)))
        if clock > _FINEST_MOVIE_CLOCK:
            clock = min(time_base.denominator, _FINEST_MOVIE_CLOCK)
        return {"movflags": "use_metadata_tags", "movie_timescale": str(max(clock, 1000))}

    def _note_rounding(self, packet: Packet[Any]) -> None:
        sentence = "Matroska stores whole milliseconds, so frame times moved by up to half of one"
        if self.output.format.name not in _MATROSKA or sentence in self._notes:
            return
        if ((packet.pts or 0) * packet.time_base * 1000).denominator != 1:
            self._notes.append(sentence)

    def _close_copier(self) -> None:
        if self._copier is not None:
            self._copier.close()


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turns what FFmpeg and the system raise while writing `path` into a sentence.

    Raises:
        WriterError: the disk is full or the encoder failed.
    """
    try:
        yield
    except (FFmpegError, OSError) as error:
        advice = "free some space" if error.errno in FULL else "try another codec or folder"
        raise WriterError(f"{path} could not be written ({error.strerror}); {advice}") from error
