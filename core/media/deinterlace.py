"""Interlaced pictures to whole ones, one for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from av import FFmpegError
from av.filter import Graph

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from fractions import Fraction

    from av import VideoFrame


class Deinterlacer:
    """FFmpeg's bwdif, touching only the frames flagged as interlaced. Passive; one per thread."""

    def __init__(self, template: VideoFrame, time_base: Fraction) -> None:
        graph = Graph()
        graph.threads = 1
        source = graph.add_buffer(
            width=template.width,
            height=template.height,
            format=template.format,
            time_base=time_base,
        )
        weave = graph.add("bwdif", "mode=send_frame:deint=interlaced")
        graph.link_nodes(source, weave, graph.add("buffersink")).configure()
        self._graph = graph
        self._time_base = time_base

    def __call__(self, frame: VideoFrame | None) -> Iterator[VideoFrame]:
        """Frames that became ready; the filter looks one frame ahead. None flushes."""
        self._graph.vpush(frame)
        while True:
            try:
                ready = self._graph.vpull()
            except (FFmpegError, BlockingIOError, EOFError):
                return
            # The filter counts in half units so that it could double the rate.
            if ready.pts is not None and ready.time_base is not None:
                scale = ready.time_base / self._time_base
                ready.pts = round(ready.pts * scale)
                ready.duration = round(ready.duration * scale)
            ready.time_base = self._time_base
            yield ready


def deinterlaced(frames: Iterable[VideoFrame], time_base: Fraction) -> Iterator[VideoFrame]:
    """Whole pictures only; progressive video passes untouched until the first flagged frame."""
    weave: Deinterlacer | None = None
    for frame in frames:
        if weave is None and frame.interlaced_frame:
            weave = Deinterlacer(frame, time_base)
        if weave is None:
            yield frame
        else:
            yield from weave(frame)
    if weave is not None:
        yield from weave(None)
