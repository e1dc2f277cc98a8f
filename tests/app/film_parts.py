"""What the tests of finished films share: times and packets as they are stored."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from core.media.source import open_source

MILLISECOND = Fraction(1, 1000)
TEN_BIT: dict[str, Any] = {
    "pixel_format": "yuv420p10le",
    "options": {"preset": "ultrafast", "crf": "12"},
}


def clock(path: Path) -> list[tuple[Fraction, Fraction]]:
    """When each frame is shown, and how long, in seconds."""
    with open_source(path) as source:
        return [(f.pts * f.time_base, f.duration * f.time_base) for f in source]


def packets(path: Path, kind: str) -> list[tuple[int, Fraction, bytes]]:
    """Number of the stream among its kind, time and bytes of each packet."""
    with av.open(str(path)) as container:
        streams = [stream for stream in container.streams if stream.type == kind]
        order = {stream.index: number for number, stream in enumerate(streams)}
        return sorted(
            (order[p.stream_index], p.pts * p.time_base, bytes(p))
            for p in container.demux(*streams)
            if p.size and p.pts is not None
        )
