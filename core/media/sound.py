"""The sound of a live source: its packets as they came, beside the pictures.

Whoever records copies the packets, in step with the pictures' times. Only telephone sound (G.711),
which few containers hold, is coded anew.
"""

from __future__ import annotations

import io
from collections import deque
from contextlib import suppress
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
from av.error import FFmpegError

from core.closing import Closing
from core.media.live_encoder import EncodedPacket
from core.media.packets import PacketReader, open_input

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from av.container import InputContainer, OutputContainer
    from av.packet import Packet

    from core.media.live_encoder import SoundTemplate

MOST_WAITING = 200
"""Packets that wait to be taken: four seconds of AAC; the oldest make room."""
_TELEPHONE = ("pcm_alaw", "pcm_mulaw")


class Sound:
    """A bounded hand-over: the source's thread pushes, another one takes. Nothing waits.

    Args:
        template: how the packets are coded; must not need the source.
    """

    def __init__(self, template: SoundTemplate) -> None:
        self.template = template
        """How the packets are coded; outlives the source."""
        self._packets: deque[EncodedPacket] = deque(maxlen=MOST_WAITING)

    def push(self, packet: EncodedPacket) -> None:
        """A packet on the clock of the source's frames."""
        self._packets.append(packet)

    def take(self) -> list[EncodedPacket]:
        """What came since the last time."""
        return [self._packets.popleft() for _ in range(len(self._packets))]


class StreamSound(Sound):
    """Sound that FFmpeg demuxes.

    Args:
        stream: of the source; it may be closed before its packets are used.

    Raises:
        ValueError: nothing is known that could be recorded.
    """

    def __init__(self, stream: SoundTemplate) -> None:
        super().__init__(_standing_alone(stream))
        self.stream = stream
        """Of the source itself, for as long as that is open."""

    def hear(self, packet: Packet[Any], shift: Fraction = Fraction(0)) -> None:
        """Push a packet moved by so many seconds; one without a time is left out."""
        with suppress(ValueError, FFmpegError):
            is_telephone = self.stream.name in _TELEPHONE
            for stored in self._coded_anew(packet) if is_telephone else [packet]:
                if stored.size:
                    self.push(EncodedPacket.of(stored, self.template).moved(shift))

    def _coded_anew(self, packet: Packet[Any]) -> list[Packet[Any]]:
        encode: Any = self.template.encode
        return [done for frame in packet.decode() for done in encode(frame)]


class FileSound(Closing):
    """Reads the sound of a file beside its pictures. Passive; one per thread.

    Args:
        path: a file whose pictures could be read.
    """

    def __init__(self, path: Path) -> None:
        self._container = open_input(path)
        self.sound = sound_in(self._container)
        """None where the file has none."""
        self._ahead: Packet[Any] | None = None
        self._packets = self._read()

    def copy_until(self, moment: Fraction, shift: Fraction) -> None:
        """Push what is heard before a moment of the file, moved by so many seconds."""
        while (packet := self._ahead or next(self._packets, None)) is not None:
            self._ahead = packet
            time = packet.pts if packet.pts is not None else packet.dts
            if time is not None and packet.time_base and time * packet.time_base >= moment:
                return
            self._ahead = None
            assert self.sound is not None
            self.sound.hear(packet, shift)

    def rewind(self) -> None:
        """Begin again."""
        self._ahead = None
        with suppress(FFmpegError):
            self._container.seek(0)
        self._packets = self._read()

    def close(self) -> None:
        """Free the file; safe to call twice."""
        self._container.close()

    def _read(self) -> Iterator[Packet[Any]]:
        # Where the file cannot be read any further, its pictures say so.
        with suppress(FFmpegError):
            if self.sound is not None:
                yield from PacketReader(self._container, [self.sound.stream])


def sound_in(container: InputContainer) -> StreamSound | None:
    """The sound that goes with the film; none where there is none that can be recorded."""
    stream = container.streams.best("audio")
    if stream is None:
        return None
    try:
        return StreamSound(stream)  # type: ignore[arg-type]
    except (FFmpegError, ValueError, LookupError):
        return None


def coded_as(encoder: str, rate: int, channels: int) -> SoundTemplate:
    """What packets are coded as that look like those of an encoder of ours.

    Args:
        encoder: FFmpeg's name of it.
        rate: samples a second.
        channels: one or two.

    Raises:
        LookupError: there are more channels.
    """
    holder = _holder()
    template: Any = holder.add_stream(encoder, rate=rate, layout={1: "mono", 2: "stereo"}[channels])
    holder.start_encoding()
    stream: SoundTemplate = template
    return stream


def are_alike(one: SoundTemplate, other: SoundTemplate) -> bool:
    """Whether packets of both can follow each other in one file."""
    return one is other or _coding(one) == _coding(other)


def _coding(template: SoundTemplate) -> tuple[object, ...]:
    context = template.codec_context
    layout = context.layout.name
    return context.name, context.sample_rate, layout, bytes(context.extradata or b"")


def _standing_alone(stream: SoundTemplate) -> SoundTemplate:
    if stream.name in _TELEPHONE:
        return coded_as("aac", stream.rate, stream.layout.nb_channels)
    return _holder().add_stream_from_template(stream, opaque=True)


def _holder() -> OutputContainer:
    """A file in memory that is never written: files take their sound's coding from a stream."""
    return av.open(io.BytesIO(), "w", format="matroska")
