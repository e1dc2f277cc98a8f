"""A clip several times over, its packets copied: nothing is encoded again."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av


def looped(clip: Path, path: Path, loops: int, frames: int | None = None) -> Path:
    """Writes picture and sound of a clip repeatedly, or of only its first frames."""
    begin, end = _span(clip, frames)
    with av.open(str(clip)) as source, av.open(str(path), "w") as output:
        copies = {one.index: output.add_stream_from_template(one) for one in _streams(source)}
        for loop in range(loops):
            for packet in _packets(clip, frames):
                # From zero on, because not every container keeps times below it.
                shift = round((loop * (end - begin) - begin) / packet.time_base)
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                packet.stream = copies[packet.stream.index]
                output.mux(packet)
    return path


def _span(clip: Path, frames: int | None) -> tuple[Fraction, Fraction]:
    """Seconds at which the first packet of any stream begins and the last one ends."""
    begins, ends = [], []
    for packet in _packets(clip, frames):
        begins.append(packet.dts * packet.time_base)
        ends.append((max(packet.pts, packet.dts) + packet.duration) * packet.time_base)
    return min(begins), max(ends)


def _packets(clip: Path, frames: int | None) -> Iterator[Any]:
    """Packets in the order of the file, to the last frame wanted."""
    left = frames
    with av.open(str(clip)) as source:
        for packet in source.demux(_streams(source)):
            # The last one of a stream is empty, and what has no time cannot be moved.
            if packet.dts is None or packet.pts is None:
                continue
            if packet.stream.type == "video" and left is not None:
                if left == 0:
                    return
                left -= 1
            yield packet


def _streams(source: Any) -> list[Any]:
    return [*source.streams.video[:1], *source.streams.audio[:1]]
