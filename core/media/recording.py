"""Live pictures into a file that survives whatever ends the program.

What a crash leaves plays: Matroska in clusters and MP4 in fragments of a quarter of a second each
reach the system as soon as they are full. See Note [recording name] in `recording_name`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
from av import AudioStream
from av.error import FFmpegError

from core.errors import WriterError
from core.media.codecs import can_hold, container_for
from core.media.coverage import Coverage
from core.media.disk import FULL, RESERVE_BYTES
from core.media.fragments import cut_torn, make_plain
from core.media.recording_name import check_recording_path, recording_name, rename_whole
from core.media.sound import are_alike

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from av import VideoStream
    from av.packet import Packet

    from core.media.live_encoder import EncodedPacket

_MILLISECOND = Fraction(1, 1000)
_LIVE_OPTIONS = {
    # Sound that stays away must not hold the pictures back in memory.
    "flush_packets": "1",
    "max_interleave_delta": "300000",
}
_MUXERS = {
    "matroska": {"cluster_time_limit": "250", "avoid_negative_ts": "disabled"},
    "mp4": {
        # A full disk is not told of where the trailer fails. The others, but for the first, keep a
        # stream that begins later than zero where it is.
        "movflags": "frag_keyframe+empty_moov+default_base_moof+frag_discont+skip_trailer",
        "use_editlist": "0",
        "avoid_negative_ts": "disabled",
        "frag_duration": "250000",
    },
}


class RecordingFile:
    """Packets of one picture stream, and of sound if there is any, into a file. Passive.

    Used from one thread.

    Args:
        path: the final name; .mkv, .mp4 or .mov.
        template: of the pictures' packets.
        origin: the moment, in seconds on the frames' clock, that is zero in the file.
        audio: template of the sound's packets; a container that cannot hold it goes without.

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
        self._origin = origin
        self._sound = audio
        self._audio: AudioStream | None = None
        self._heard_s: Fraction | None = None
        self._failed = False
        self._shown = Coverage()
        self._do(self._open, template, audio)

    def write(self, packet: EncodedPacket) -> None:
        """Store a packet; what is from before the file's beginning is left out.

        So is sound that does not go on from what was stored, or is coded otherwise than promised.

        Raises:
            WriterError: the disk is full or gone.
        """
        template = packet.template
        if packet.begin < self._origin:
            return
        if not isinstance(template, AudioStream):
            self._shown.add(packet.begin - self._origin, packet.end - self._origin)
            self._do(self._output.mux, self._copy(packet, self._video))
            self.frames += 1
        elif self._audio is not None and self._goes_on(packet, template):
            self._heard_s = packet.dts * packet.time_base
            self._do(self._output.mux, self._copy(packet, self._audio))
        else:
            return
        self.bytes += len(packet.data)

    def _goes_on(self, packet: EncodedPacket, template: AudioStream) -> bool:
        """Whether a packet of sound can follow the one before it."""
        is_later = self._heard_s is None or packet.dts * packet.time_base > self._heard_s
        is_alike = self._sound is not None and are_alike(template, self._sound)
        return is_later and is_alike

    @property
    def seconds(self) -> Fraction:
        """When the last picture ends, in seconds of the file."""
        return self._shown.end

    @property
    def gaps(self) -> list[tuple[Fraction, Fraction]]:
        """Where pictures are missing: from and to, in seconds of the file."""
        return self._shown.gaps

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
        chapters = self._shown.chapters()
        if chapters:
            self._output.set_chapters(chapters)
        try:
            self._do(self._output.close)
        except WriterError:
            self._failed = True
        try:
            if self._failed and _muxer(self.path) == "mp4":
                cut_torn(self.recording_path)
            plain = (
                _muxer(self.path) == "mp4"
                and not self._failed
                and self.frames > 0
                and make_plain(self.recording_path, self.path, chapters, reserve_bytes)
            )
            if not plain:
                rename_whole(self.recording_path, self.path)
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
        # A muxer that cannot hold the sound would refuse the pictures with it.
        if audio is not None and can_hold(name, audio):
            self._audio = self._output.add_stream_from_template(audio, opaque=True)
        self._output.start_encoding()

    def _copy(self, packet: EncodedPacket, stream: VideoStream | AudioStream) -> Packet[Any]:
        copy: Packet[Any] = av.Packet(packet.data)
        shift = round(self._origin / packet.time_base)
        copy.pts, copy.dts = packet.pts - shift, packet.dts - shift
        copy.duration, copy.time_base = packet.duration, packet.time_base
        copy.is_keyframe, copy.stream = packet.is_key, stream
        return copy

    def _notes(self, plain: bool) -> tuple[str, ...]:
        notes = []
        if self._failed:
            notes.append(f"{self.path} could not be written to its end; what came before plays")
        elif _muxer(self.path) == "mp4" and not plain:
            notes.append(
                f"{self.path} was left in fragments, as it was recorded, for want of room to copy "
                "it; most players show it, and copying it into a new MP4 makes it play in all"
            )
        if self._sound is not None and self._audio is None:
            notes.append(
                f"{self.path} has no sound: its container cannot hold {self._sound.name}; record "
                "into another one"
            )
        return (*notes, *self._shown.notes)

    def _do(self, step: Callable[..., Any], *details: Any) -> None:
        try:
            step(*details)
        except (FFmpegError, OSError) as error:
            self._failed = True
            advice = "free some space" if error.errno in FULL else "record into another folder"
            raise WriterError(
                f"{self.recording_path} could not be written ({error.strerror}); {advice}"
            ) from error


def _muxer(path: Path) -> str:
    return "matroska" if container_for(path) == "matroska" else "mp4"
