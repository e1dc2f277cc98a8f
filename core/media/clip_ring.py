"""The last seconds, encoded, for whoever asks for them too late."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from core.errors import WriterError
from core.media.recording import RecordingFile

if TYPE_CHECKING:
    from pathlib import Path

    from av import VideoStream

    from core.media.live_encoder import EncodedPacket

_Group = list["EncodedPacket"]


class ClipRing:
    """Holds the newest packets of one picture stream, never more than it may.

    One thread pushes; any thread may save meanwhile. Groups of pictures leave whole, the oldest
    first, so what is held always begins with a key frame.

    Args:
        seconds: the most it holds, from the first picture to the end of the last.
        max_bytes: the most it holds of packets.
    """

    def __init__(self, seconds: float, max_bytes: int) -> None:
        self._limit, self._max_bytes = Fraction(seconds), max_bytes
        # Replaced, never changed, so that another thread sees the old ones or the new ones; only
        # the last group grows, at its end.
        self._groups: tuple[_Group, ...] = ()
        self.bytes = 0
        """Size of the packets held."""

    def resize(self, seconds: float, max_bytes: int) -> None:
        """Hold at most so much; what is too much leaves with the next packet."""
        self._limit, self._max_bytes = Fraction(seconds), max_bytes

    @property
    def seconds(self) -> float:
        """From the first picture held to the end of the last."""
        groups = self._groups
        return float(groups[-1][-1].end - groups[0][0].begin) if groups else 0.0

    @property
    def frames(self) -> int:
        """Pictures held."""
        return sum(len(group) for group in self._groups)

    def push(self, packet: EncodedPacket) -> None:
        """Take the newest packet and let the oldest groups go if there is no room.

        After a group too large for the whole ring, nothing is held until the next key frame.
        """
        if packet.is_key:
            if self._groups and self._groups[-1][0].template is not packet.template:
                # Another picture size: one file cannot hold both.
                self._groups, self.bytes = (), 0
            self._groups = (*self._groups, [packet])
        elif self._groups:
            self._groups[-1].append(packet)
        else:
            return
        self.bytes += len(packet.data)
        self._drop(packet.end)

    def save(self, path: Path) -> int:
        """Write what is held, from its first key frame on; recording goes on meanwhile.

        Returns:
            How many pictures were written.

        Raises:
            SettingsError: the suffix is of a container that cannot be recorded into.
            WriterError: there is nothing to save yet, or the file cannot be written.
        """
        packets = [packet for group in self._groups for packet in tuple(group)]
        if not packets:
            raise WriterError(f"{path} would be empty: no picture has come yet; wait a second")
        template: VideoStream = packets[0].template  # type: ignore[assignment]
        file = RecordingFile(path, template, origin=packets[0].begin)
        try:
            for packet in packets:
                file.write(packet)
        finally:
            file.close()
        return file.frames

    def _drop(self, now: Fraction) -> None:
        groups = self._groups
        while groups and (self.bytes > self._max_bytes or now - groups[0][0].begin > self._limit):
            self.bytes -= sum(len(packet.data) for packet in groups[0])
            groups = groups[1:]
        self._groups = groups
