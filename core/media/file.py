"""Video files through PyAV: every frame with the time the file gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from av.codec.context import ThreadType
from av.error import FFmpegError
from av.video.reformatter import VideoReformatter

from core.closing import Closing
from core.errors import SourceLostError, SourceOpenError
from core.frame import Frame
from core.media.colour import UNSPECIFIED, to_rgb, working_matrix
from core.media.deinterlace import deinterlaced
from core.media.hdr import ToneMapper
from core.media.packets import PacketReader, open_input, primary_video
from core.media.probe import describe_file, missing_end
from core.media.source import MIN_SIDE_PX
from core.media.timing import SteadyClock, with_durations

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from av import VideoFrame, VideoStream
    from av.container import InputContainer

_SEEK_MARGIN_SECONDS = 1.0
"""Seeking is by decoding time, which runs ahead of presentation where frames are reordered."""


class FileSource(Closing):
    """The frames of one video file, upright, progressive, SDR. Passive; one per thread.

    Iterating again begins again.

    Raises:
        SourceOpenError: there is no video in the file that can be read.
    """

    def __init__(self, path: Path, *, start: float = 0.0, end: float | None = None) -> None:
        self._path = path
        self._start, self._end = start, end
        self._container, self._stream = _open_video(path)
        self.notes: list[str] = []
        self.broken_packets = 0
        try:
            first = self._first_frame()
            self.info = describe_file(path, self._container, self._stream, first)
            self._refuse_unusable(first)
        except BaseException:
            self._container.close()
            raise
        self._first_pts = first.pts
        self._note_changes()

    def __iter__(self) -> Iterator[Frame]:
        try:
            yield from self._frames()
        except (FFmpegError, OSError) as error:
            raise SourceLostError(
                f"{self._path} could not be read any further ({error.strerror}); check that its "
                "disk is still connected"
            ) from error

    def _frames(self) -> Iterator[Frame]:
        self._rewind()
        info = self.info
        reformatter = VideoReformatter()
        mapper: ToneMapper | None = None
        for picture, duration in with_durations(self._timed()):
            pts = int(picture.pts or 0)
            rgb = picture
            if info.hdr is not None:
                mapper = mapper or ToneMapper(picture, info.hdr, info.time_base)
                rgb = mapper(picture)
            pixels = info.orientation(to_rgb(rgb, reformatter))
            yield Frame(pixels, pts, info.time_base, duration)

    def close(self) -> None:
        """Free the file; safe to call twice."""
        self._container.close()

    def _timed(self) -> Iterator[tuple[VideoFrame, int]]:
        """Frames of the chosen part with their times."""
        first = self._first_pts or 0
        begin = first + round(self._start / self.info.time_base)
        stop = None if self._end is None else first + round(self._end / self.info.time_base)
        rate = self.info.average_rate
        clock = SteadyClock(first, round(1 / (rate * self.info.time_base)) if rate else 1)
        for picture in deinterlaced(self._decoded(), self.info.time_base):
            pts = clock(picture)
            if stop is not None and pts >= stop:
                break
            if pts >= begin:
                yield picture, pts
        else:
            if lacking := missing_end(self.info, self._stream, clock.end):
                self._note(lacking)
        if clock.repaired:
            self._note(f"{clock.repaired} frames had no usable time and were given one")

    def _decoded(self) -> Iterator[VideoFrame]:
        """Pictures in order of time, damaged packets stepped over and counted."""
        reader = PacketReader(self._container, [self._stream])
        shape = (0, 0, "")
        for packet in reader:
            try:
                pictures = self._stream.decode(packet)
            except FFmpegError:
                self.broken_packets += 1
                continue
            self.broken_packets += packet.is_corrupt
            for picture in pictures:
                shape = self._same_shape(picture, shape)
                yield picture
        self.broken_packets += reader.broken
        if reader.ended_early:
            self._note("The end of the file could not be read; what came before it is kept")
        if self.broken_packets:
            self._note(f"{self.broken_packets} damaged packets were skipped")

    def _same_shape(self, picture: VideoFrame, shape: tuple[int, int, str]) -> tuple[int, int, str]:
        now = (picture.width, picture.height, picture.format.name)
        if shape[0] and now[:2] != shape[:2]:
            raise SourceLostError(
                f"{self._path} changes its picture size from {shape[0]}x{shape[1]} to "
                f"{now[0]}x{now[1]} half way; split it there and enhance the parts"
            )
        return now

    def _first_frame(self) -> VideoFrame:
        reader = PacketReader(self._container, [self._stream])
        for packet in reader:
            try:
                pictures = self._stream.decode(packet)
            except FFmpegError:
                continue
            if pictures:
                return pictures[0]
        raise SourceOpenError(
            f"{self._path} has a video stream but not one frame of it can be decoded; "
            "check that the file plays elsewhere, or copy it again from its source"
        )

    def _rewind(self) -> None:
        """Go to a key frame safely before the start.

        A file whose frames carry no times cannot be sought without losing count, and some
        formats cannot seek at all: those are opened again and read from their beginning.
        """
        time_base = self.info.time_base
        wanted = max(0.0, self._start - _SEEK_MARGIN_SECONDS)
        if self._first_pts is not None and wanted > 0.0:
            try:
                offset = self._first_pts + round(wanted / time_base)
                self._container.seek(offset, stream=self._stream)
                return
            except FFmpegError:
                pass
        self._container.close()
        self._container, self._stream = _open_video(self._path)

    def _refuse_unusable(self, first: VideoFrame) -> None:
        if min(first.width, first.height) < MIN_SIDE_PX:
            raise SourceOpenError(
                f"{self._path} is {first.width}x{first.height} pixels, too small to enhance; "
                f"use a video of at least {MIN_SIDE_PX}x{MIN_SIDE_PX}"
            )
        length = self.info.duration_seconds
        if length is not None and self._start >= length:
            raise SourceOpenError(
                f"{self._path} lasts {length:.2f} s, so nothing is left from {self._start:g} s on; "
                "choose an earlier start"
            )

    def _note_changes(self) -> None:
        info = self.info
        if info.hdr is not None:
            self._note(f"HDR ({info.hdr.upper()}) was tone-mapped to SDR BT.709")
        elif info.colour.matrix == UNSPECIFIED:
            guess = "BT.709" if working_matrix(2, info.width, info.height) == 1 else "BT.601"
            self._note(f"The colour matrix is not tagged; {guess} was assumed")
        if info.interlaced:
            self._note("Interlaced pictures were deinterlaced, one frame for one frame")
        if not info.orientation.is_upright:
            turn = f"turned by {info.rotation_degrees} degrees" if info.rotation_degrees else ""
            mirror = "mirrored" if info.orientation.mirrored else ""
            self._note(f"Pictures were {' and '.join(filter(None, (turn, mirror)))} to be upright")

    def _note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes.append(sentence)


def _open_video(path: Path) -> tuple[InputContainer, VideoStream]:
    _refuse_path(path)
    try:
        container = open_input(path)
    except (FFmpegError, OSError, ValueError) as error:
        raise SourceOpenError(_why_unreadable(path, error)) from error
    stream = primary_video(container)
    if stream is None or stream.codec_context is None:
        kinds = sorted({str(s.type) for s in container.streams}) or ["no streams"]
        container.close()
        raise SourceOpenError(
            f"{path} has no video that can be decoded among its streams ({', '.join(kinds)}); "
            "give a file with a video stream"
        )
    stream.thread_type = ThreadType.AUTO
    return container, stream


def _refuse_path(path: Path) -> None:
    """The common mistakes, each told apart before FFmpeg calls them all invalid data."""
    try:
        if path.is_dir():
            raise SourceOpenError(f"{path} is a folder; give a video file in it")
        with path.open("rb") as file:
            empty = not file.read(1)
    except FileNotFoundError as error:
        raise SourceOpenError(f"{path} does not exist; check the spelling") from error
    except PermissionError as error:
        raise SourceOpenError(f"{path} may not be read; check its permissions") from error
    except OSError as error:
        raise SourceOpenError(f"{path} cannot be read: {error.strerror}") from error
    if empty:
        raise SourceOpenError(f"{path} is empty; copy it again from its source")


def _why_unreadable(path: Path, error: Any) -> str:
    log = str(getattr(error, "log", None) or "")
    if "moov atom not found" in log or _lacks_index(path):
        return (
            f"{path} has no index (moov) that can be read: the recording or copy broke off; "
            "copy it again, or repair it with a tool that rebuilds the index"
        )
    return (
        f"{path} is not a video file that can be read ({getattr(error, 'strerror', error)}); "
        "check that it plays elsewhere"
    )


def _lacks_index(path: Path) -> bool:
    """An MP4 begins with a box named ftyp; FFmpeg does not always say what it missed."""
    with path.open("rb") as file:
        return file.read(12)[4:8] == b"ftyp"
