"""Live pictures into a file that survives whatever ends the program.

Note [recording name]
    While it is written a file is called `walk.recording.mkv`; a crash leaves it so, and it plays:
    Matroska in clusters and MP4 in fragments of a quarter of a second each reach the system as
    soon as they are full. A clean stop gives it its name. An MP4 is copied into a plain one first,
    index in front, because not every player knows fragments.
"""

from __future__ import annotations

import contextlib
import errno
import os
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
from av.error import FFmpegError

from core.errors import SettingsError, WriterError
from core.media.atomic import PartFile, refuse_output
from core.media.codecs import container_for
from core.media.disk import RESERVE_BYTES, free_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from av import AudioStream, VideoStream
    from av.container.core import Chapter
    from av.packet import Packet

    from core.media.live_encoder import EncodedPacket

_MILLISECOND = Fraction(1, 1000)
_SHORTEST_GAP = Fraction(1, 2)
_LIVE_OPTIONS = {
    # Sound that stays away must not hold the pictures back in memory.
    "flush_packets": "1",
    "max_interleave_delta": "300000",
}
_MUXERS = {
    "matroska": {"cluster_time_limit": "250", "avoid_negative_ts": "disabled"},
    "mp4": {
        # All but the last keep a stream that begins later than zero where it is.
        "movflags": "frag_keyframe+empty_moov+default_base_moof+frag_discont",
        "use_editlist": "0",
        "avoid_negative_ts": "disabled",
        "frag_duration": "250000",
    },
}
_FULL = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)


class RecordingFile:
    """Packets of one picture stream, and of sound if there is any, into a file. Passive.

    Used from one thread. See Note [recording name].

    Args:
        path: the final name; .mkv, .mp4 or .mov.
        template: of the pictures' packets.
        origin: the moment, in seconds on the frames' clock, that is zero in the file.
        audio: template of the sound's packets.

    Raises:
        SettingsError: the suffix is of a container that cannot be recorded into.
        WriterError: the file cannot be written there, or would destroy another.
    """

    def __init__(
        self,
        path: Path,
        template: VideoStream,
        *,
        origin: Fraction,
        audio: AudioStream | None = None,
    ) -> None:
        check_recording_path(path)
        self.path = path
        """What it is called after a clean stop."""
        self.recording_path = recording_name(path)
        """What it is called until then."""
        self.frames = 0
        """Pictures written."""
        self.bytes = 0
        """Size of all that was written, without the container's own."""
        self.gaps: list[tuple[Fraction, Fraction]] = []
        """Where pictures are missing: from and to, in seconds of the file."""
        self._origin = origin
        self._failed = False
        self._last: Fraction | None = None
        self._end = Fraction(0)
        self._step = Fraction(0)
        self._do(self._open, template, audio)

    def write(self, packet: EncodedPacket) -> None:
        """Store a packet; sound from before the file's beginning is left out.

        Raises:
            WriterError: the disk is full or gone.
        """
        is_picture = packet.template.type == "video"
        stream = self._video if is_picture else self._audio
        if stream is None or packet.begin < self._origin:
            return
        if is_picture:
            self._mark(packet.begin - self._origin, packet.end - self._origin)
        self._do(self._output.mux, self._copy(packet, stream))
        self.frames += is_picture
        self.bytes += len(packet.data)

    @property
    def seconds(self) -> Fraction:
        """When the last picture ends, in seconds of the file."""
        return self._end

    def close(self, reserve_bytes: int = RESERVE_BYTES) -> tuple[str, ...]:
        """Finish the file and give it its name; may be called from another thread than `write`.

        A file that could not be written to its end gets its name too: it plays.

        Args:
            reserve_bytes: what must stay free on the disk while an MP4 is copied.

        Returns:
            Plain sentences on what the user ought to know.

        Raises:
            WriterError: it could not be named; it is then still there as `recording_path`.
        """
        chapters = self._chapters()
        if chapters:
            self._output.set_chapters(chapters)
        try:
            self._do(self._output.close)
        except WriterError:
            self._failed = True
        try:
            if self._failed and _muxer(self.path) == "mp4":
                _cut_torn_fragment(self.recording_path)
            plain = self._remux(chapters, reserve_bytes)
            if not plain:
                _rename(self.recording_path, self.path)
        except OSError as error:
            raise WriterError(
                f"{self.recording_path} could not be renamed ({error.strerror}); "
                "look for it under this name"
            ) from error
        return self._notes(plain)

    def _open(self, template: VideoStream, audio: AudioStream | None) -> None:
        name = _muxer(self.path)
        self._output = av.open(
            str(self.recording_path),
            "w",
            format=name,
            container_options=_LIVE_OPTIONS | _MUXERS[name],
        )
        self._video = self._output.add_stream_from_template(template)
        self._video.time_base = template.time_base or _MILLISECOND
        self._audio = audio and self._output.add_stream_from_template(audio, opaque=True)
        self._output.start_encoding()

    def _copy(self, packet: EncodedPacket, stream: VideoStream | AudioStream) -> Packet[Any]:
        copy: Packet[Any] = av.Packet(packet.data)
        shift = round(self._origin / packet.time_base)
        copy.pts, copy.dts = packet.pts - shift, packet.dts - shift
        copy.duration, copy.time_base = packet.duration, packet.time_base
        copy.is_keyframe, copy.stream = packet.is_key, stream
        return copy

    def _mark(self, begin: Fraction, end: Fraction) -> None:
        if self._last is not None:
            step = begin - self._last
            if self._step and step > max(_SHORTEST_GAP, 3 * self._step):
                self.gaps.append((self._end, begin))
            self._step = step
        self._last, self._end = begin, end

    def _chapters(self) -> list[Chapter]:
        """One for each piece and one for each gap between them; none where nothing is missing."""
        bounds: list[tuple[Fraction, str]] = [(Fraction(0), "Recording")]
        for begin, end in self.gaps:
            bounds.append((begin, f"No picture for {float(end - begin):.1f} s"))
            bounds.append((end, "Recording goes on"))
        times = [round(time / _MILLISECOND) for time, _ in bounds] + [round(self._end * 1000)]
        return [
            {
                "id": number + 1,
                "start": times[number],
                "end": times[number + 1],
                "time_base": _MILLISECOND,
                "metadata": {"title": title},
            }
            for number, (_, title) in enumerate(bounds)
            if self.gaps
        ]

    def _remux(self, chapters: list[Chapter], reserve_bytes: int) -> bool:
        """Copy the fragments into a plain MP4; whether that was asked for and worked."""
        if _muxer(self.path) != "mp4" or self._failed or not self.frames:
            return False
        size = self.recording_path.stat().st_size
        if free_bytes(self.path.parent) < size * 1.1 + reserve_bytes:
            return False
        part = PartFile(self.path, overwrite=False)
        try:
            _copy_plain(self.recording_path, part.path, chapters)
            part.commit()
        except (FFmpegError, OSError, WriterError):
            part.discard()
            return False
        self.recording_path.unlink()
        return True

    def _notes(self, plain: bool) -> tuple[str, ...]:
        notes = []
        if self._failed:
            notes.append(f"{self.path} could not be written to its end; what came before plays")
        elif _muxer(self.path) == "mp4" and not plain:
            notes.append(
                f"{self.path} was left in fragments, as it was recorded, for want of room to copy "
                "it; most players show it, and copying it into a new MP4 makes it play in all"
            )
        notes += [
            f"From {float(begin):.1f} s to {float(end):.1f} s there was no picture"
            for begin, end in self.gaps
        ]
        return tuple(notes)

    def _do(self, step: Callable[..., Any], *details: Any) -> None:
        try:
            step(*details)
        except (FFmpegError, OSError) as error:
            self._failed = True
            advice = "free some space" if error.errno in _FULL else "record into another folder"
            raise WriterError(
                f"{self.recording_path} could not be written ({error.strerror}); {advice}"
            ) from error


def recording_name(path: Path) -> Path:
    """What a file is called while it is recorded: `walk.mkv` is `walk.recording.mkv`."""
    return path.with_name(f"{path.stem}.recording{path.suffix}")


def check_recording_path(path: Path) -> None:
    """Refuse what cannot work before the camera is opened.

    Raises:
        SettingsError: the suffix is of a container that cannot be recorded into.
        WriterError: the folder, or another file, is in the way.
    """
    if container_for(path) == "webm":
        raise SettingsError(f"{path.name} cannot hold H.264; name it .mkv or .mp4")
    refuse_output(path, None, overwrite=False)
    left = recording_name(path)
    if left.exists():
        raise WriterError(
            f"{left} is there from a recording that broke off; rename it or choose another name"
        )


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


def _muxer(path: Path) -> str:
    return "matroska" if container_for(path) == "matroska" else "mp4"


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


def _cut_torn_fragment(path: Path) -> None:
    """Leave only what was written whole: a box is its length in four bytes, its name, its data.

    A fragment is two of them: `moof` tells of pictures, `mdat` holds them.
    """
    size, at, whole = path.stat().st_size, 0, 0
    with path.open("rb+") as file:
        while at + 8 <= size:
            file.seek(at)
            length, name = int.from_bytes(file.read(4), "big"), file.read(4)
            at += max(length, 8)
            if at <= size and name != b"moof":
                whole = at
        file.truncate(whole)


def _rename(source: Path, target: Path) -> None:
    with source.open("rb+") as file, contextlib.suppress(OSError):
        os.fsync(file.fileno())
    source.rename(target)
