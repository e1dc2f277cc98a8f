"""Enhanced video into a file, with everything else the input had."""

from __future__ import annotations

import errno
import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Self

import av
from av.codec.context import Flags
from av.error import FFmpegError
from av.video.frame import PictureType
from av.video.reformatter import VideoReformatter

from core.errors import SettingsError, WriterError
from core.media.atomic import PartFile, refuse_output
from core.media.codecs import container_for, encoder_for, encoder_options, pixel_format_for
from core.media.colour import from_rgb, output_colour
from core.media.copying import StreamCopier
from core.media.tags import container_tags, stream_tags
from core.settings import EncodeSettings, TrimSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import TracebackType

    from av import VideoStream

    from core.frame import Frame
    from core.media.source import SourceInfo

_FINEST_MOVIE_CLOCK = 10_000_000
"""MP4 writes the delay of a late stream in units of the film's clock; finer is not needed."""


def check_output(
    path: Path, source: Path | None, *, overwrite: bool, settings: EncodeSettings
) -> None:
    """Refuse what cannot work before the network is loaded.

    Raises:
        SettingsError: suffix and codec do not go together, or one of them is unknown.
        WriterError: the folder, or the input's or another's file, is in the way.
    """
    encoder_for(path, settings)
    refuse_output(path, source, overwrite)


class VideoWriter:
    """Encodes frames in order and copies the input's other streams beside them.

    Passive: one per thread. The file gets its name on `close`; leaving the `with` block through an
    exception, or `abort`, leaves nothing behind.

    Args:
        path: where the result is to go; the suffix chooses the container.
        info: of the source the frames came from; its colour tags, clock and pixel shape are kept.
        settings: codec, quality and speed.
        size: width and height of the frames written; the source's if None.
        ten_bit: whether frames are written with 10 bits; as the source has them if None.
        copy_from: the file whose sound, subtitles, chapters and tags are carried over.
        tag: what the metadata says about the enhancement.
        overwrite: whether an existing file may be replaced.
        trim: the part of the source that is written; a start moves everything to time zero.

    Raises:
        SettingsError: the container, the codec or its options do not exist or go together.
        WriterError: the file cannot be written there.
    """

    def __init__(
        self,
        path: Path,
        info: SourceInfo,
        settings: EncodeSettings,
        *,
        size: tuple[int, int] | None = None,
        ten_bit: bool | None = None,
        copy_from: Path | None = None,
        tag: str = "enhanced with LowLux",
        overwrite: bool = False,
        trim: TrimSettings | None = None,
    ) -> None:
        check_output(path, copy_from or info.path, overwrite=overwrite, settings=settings)
        self._path, self._info, self._settings = path, info, settings
        self._size = size or (info.width, info.height)
        self._trim = trim or TrimSettings()
        self._tag = tag
        self._colour = output_colour(info.colour)
        self._reformatter = VideoReformatter()
        self._notes: list[str] = []
        self._copier: StreamCopier | None = None
        self._shift: Fraction | None = None
        self._end = Fraction(0)
        self._held: Frame | None = None
        self._last_length = Fraction(0)
        self._part = PartFile(path, overwrite=overwrite)
        self._output = av.open(str(self._part.path), "w", format=container_for(path))
        try:
            self._stream = self._add_video(info.ten_bit if ten_bit is None else ten_bit)
            if copy_from is not None:
                self._copier = StreamCopier(copy_from, self._output, path.suffix)
                self._copy_film_tags()
        except BaseException:
            self.abort()
            raise

    @property
    def notes(self) -> Sequence[str]:
        """Plain sentences on what could not be kept; grows while writing."""
        return [*self._notes, *(self._copier.notes if self._copier else ())]

    def write(self, frame: Frame) -> None:
        """Encode a frame at its own time and copy what the other streams have up to there.

        Raises:
            WriterError: the disk is full or the encoder failed.
        """
        height, width = frame.pixels.shape[:2]
        if (width, height) != self._size:
            raise ValueError(f"a frame of {width}x{height} in a film of {self._size}")
        if self._shift is None:
            self._begin(frame)
        if self._held is not None:
            self._do(self._encode, self._held)
        self._held = frame

    def close(self) -> None:
        """Finish the file, put it on the disk and give it its name.

        Raises:
            WriterError: it could not be completed; nothing is left behind.
        """
        try:
            if self._shift is None:
                raise WriterError(f"{self._path} would be empty: the source gave no frames")
            self._do(self._finish)
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
            self._output.close()
        except (FFmpegError, OSError):
            pass
        finally:
            self._part.discard()
            self._close_copier()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()

    def _add_video(self, ten_bit: bool) -> VideoStream:
        width, height = self._size
        encoder = encoder_for(self._path, self._settings)
        layout = pixel_format_for(encoder, ten_bit=ten_bit, width=width, height=height)
        stream = self._output.add_stream(
            encoder,
            rate=(self._info.average_rate or Fraction(25)).limit_denominator(1001),
            options=encoder_options(encoder, self._settings),
            width=width,
            height=height,
            time_base=self._info.time_base,
        )
        assert isinstance(stream, av.VideoStream)
        context = stream.codec_context
        context.pix_fmt = layout
        context.time_base = self._info.time_base
        context.sample_aspect_ratio = self._info.sample_aspect_ratio
        # Without it the length of the last frame is lost.
        context.flags |= Flags.frame_duration
        context.colorspace, context.color_range = self._colour.matrix, self._colour.range
        context.color_primaries, context.color_trc = self._colour.primaries, self._colour.transfer
        self._note_layout(encoder, layout)
        self._open_encoder(stream, encoder)
        return stream

    def _open_encoder(self, stream: VideoStream, encoder: str) -> None:
        try:
            stream.codec_context.open()
        except (FFmpegError, ValueError) as error:
            raise SettingsError(
                f"{encoder} refused to start with preset {self._settings.preset!r} and crf "
                f"{self._settings.crf} at {self._size[0]}x{self._size[1]}; check these settings"
            ) from error

    def _note_layout(self, encoder: str, layout: str) -> None:
        if encoder != self._settings.codec and encoder == "libvpx-vp9":
            self._notes.append("WebM cannot hold H.264, so the video was encoded as VP9")
        matroska = container_for(self._path) in {"matroska", "webm"}
        says_it_itself = any(name in encoder for name in ("264", "265", "hevc"))
        if matroska and self._info.sample_aspect_ratio != 1 and not says_it_itself:
            self._notes.append(
                f"{encoder} in {self._path.suffix} cannot say that its pixels are not square, "
                "so the picture will look stretched; .mp4 or libx264 in .mkv can"
            )
        if self._info.ten_bit and "10" not in layout:
            self._notes.append(
                f"{encoder} has no 10 bits here, so the picture was stored with 8; libx265 has them"
            )
        if "444" in layout:
            self._notes.append("Odd sides were kept by storing colour at full size (4:4:4)")

    def _copy_film_tags(self) -> None:
        film = self._copier.film if self._copier else None
        if film is not None:
            tags = stream_tags(film.metadata, self._output.format.name)
            if self._trim.start > 0 and "timecode" in tags:
                del tags["timecode"]
                self._notes.append("The timecode was left out: its first frame was cut off")
            self._stream.metadata.update(tags)
            self._stream.disposition = film.disposition

    def _begin(self, frame: Frame) -> None:
        """Write the header: only the first frame tells by how much a trimmed film moves."""
        first = frame.pts * frame.time_base
        self._shift = first if self._trim.start > 0 else Fraction(0)
        metadata: dict[str, str] = {}
        if self._copier is not None:
            if self._shift:
                self._copier.cut_before(self._shift)
            metadata = dict(self._copier.metadata)
            end = None if self._trim.end is None else first + Fraction(self._trim.end)
            self._output.set_chapters(self._copier.chapters(end))
        name = self._output.format.name
        self._output.metadata.update(container_tags(metadata, name, self._tag))
        self._output.container_options.update(self._muxer_options(name))
        self._do(self._output.start_encoding)

    def _muxer_options(self, container: str) -> dict[str, str]:
        if container in {"matroska", "webm"}:
            # Otherwise sound that starts before zero, as AAC does, would push the film back.
            return {"avoid_negative_ts": "disabled"}
        late = self._copier.start_units if self._copier else []
        clock = math.lcm(*(unit.denominator for unit in (self._info.time_base, *late)))
        if clock > _FINEST_MOVIE_CLOCK:
            clock = min(self._info.time_base.denominator, _FINEST_MOVIE_CLOCK)
        return {"movflags": "use_metadata_tags", "movie_timescale": str(max(clock, 1000))}

    def _encode(self, frame: Frame, *, last: bool = False) -> None:
        begin, length = frame.pts * frame.time_base, frame.duration * frame.time_base
        self._end = begin + length
        unit = self._info.time_base
        picture = from_rgb(
            frame.pixels, self._stream.codec_context.pix_fmt or "", self._colour, self._reformatter
        )
        shown = begin - (self._shift or 0)
        self._note_rounding(shown)
        picture.pts = round(shown / unit)
        picture.duration = round(length / unit)
        picture.time_base = unit
        if last and length != self._last_length:
            # MP4 keeps the length of the frame that is *stored* last; with B-frames only a key
            # frame is sure to be that, and only where lengths differ does it matter.
            picture.pict_type = PictureType.I
        self._last_length = length
        if self._copier is not None:
            self._copier.copy_until(begin)
        self._output.mux(self._stream.encode(picture))

    def _note_rounding(self, shown: Fraction) -> None:
        sentence = "Matroska stores whole milliseconds, so frame times moved by up to half of one"
        whole = (shown * 1000).denominator == 1
        rounds = self._path.suffix.lower() in {".mkv", ".webm"} and not whole
        if rounds and sentence not in self._notes:
            self._notes.append(sentence)

    def _finish(self) -> None:
        if self._held is not None:
            self._encode(self._held, last=True)
        self._output.mux(self._stream.encode(None))
        if self._copier is not None:
            self._copier.copy_until(None if self._trim.end is None else self._end)
        self._output.close()

    def _do(self, step: Callable[..., Any], *details: Any) -> None:
        try:
            step(*details)
        except (FFmpegError, OSError) as error:
            full = error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
            advice = "free some space" if full else "try another codec or folder"
            raise WriterError(
                f"{self._path} could not be written ({error.strerror}); {advice}"
            ) from error

    def _close_copier(self) -> None:
        if self._copier is not None:
            self._copier.close()
