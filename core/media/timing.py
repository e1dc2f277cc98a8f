"""Frame times as the rest of the program may rely on them: present, rising, with durations."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from av import VideoFrame


class SteadyClock:
    """Gives each decoded frame a presentation time above the one before it.

    A time that the file states is kept as it is. A missing one is the previous time plus the
    previous duration; one that does not rise is moved one unit past the previous, the smallest
    change an encoder accepts.
    """

    def __init__(self, first: int, step: int) -> None:
        self.end = first
        """When the frame before is over, in the stream's unit."""
        self._last: int | None = None
        self._step = max(step, 1)
        self.repaired = 0
        """Frames whose time was missing or did not rise."""

    def __call__(self, frame: VideoFrame) -> int:
        """The frame's time, in the stream's unit."""
        pts = frame.pts
        if pts is None:
            pts = self.end
            self.repaired += 1
        elif self._last is not None and pts <= self._last:
            pts = self._last + 1
            self.repaired += 1
        self._last = pts
        self.end = pts + (frame.duration or self._step)
        return pts


def with_durations(timed: Iterable[tuple[VideoFrame, int]]) -> Iterator[tuple[VideoFrame, int]]:
    """Each frame with how long it is shown: until the next one, or what the last one says.

    A container's own figure is the distance between *decoding* times in MP4, which differs where
    frames are reordered and their rate varies; so only the last frame has to be believed.
    """
    held: tuple[VideoFrame, int] | None = None
    for frame, pts in timed:
        if held is not None:
            yield held[0], pts - held[1]
        frame.pts = pts
        held = (frame, pts)
    if held is not None:
        yield held[0], held[0].duration or 0
