"""High dynamic range to BT.709, which is what the network has learnt to see.

FFmpeg 8's ``scale`` does the whole way: PQ or HLG to light (BT.2100), BT.2020 to BT.709 primaries
and, with the perceptual intent, a tone curve from the mastering display's peak to 203 cd/m2, the
reference white of BT.2408. Where a PQ stream does not name its peak, 10000 cd/m2 is assumed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from av.filter import Graph

from core.media.colour import LIMITED, UNSPECIFIED

if TYPE_CHECKING:
    from fractions import Fraction

    from av import VideoFrame

    from core.media.colour import HdrKind

_TRANSFER = {"pq": "smpte2084", "hlg": "arib-std-b67"}
_TARGET = "out_primaries=bt709:out_transfer=bt709:out_range=pc:intent=perceptual"


class ToneMapper:
    """Turns HDR pictures into BT.709 RGB of 16 bits. Passive; one per decoding thread."""

    def __init__(self, template: VideoFrame, kind: HdrKind, time_base: Fraction) -> None:
        if template.colorspace == UNSPECIFIED:
            template.colorspace = 9
        primaries = "in_primaries=bt2020:" if template.color_primaries in (2, 9) else ""
        limits = "tv" if template.color_range in (0, LIMITED) else "pc"
        graph = Graph()
        # Slices on several threads would fight the decoder and the network for the same cores.
        graph.threads = 1
        source = graph.add_buffer(
            width=template.width,
            height=template.height,
            format=template.format,
            time_base=time_base,
        )
        scale = graph.add(
            "scale",
            f"in_range={limits}:in_color_matrix=bt2020:{primaries}"
            f"in_transfer={_TRANSFER[kind]}:{_TARGET}",
        )
        sink = graph.add("buffersink")
        graph.link_nodes(source, scale, graph.add("format", "rgb48le"), sink).configure()
        self._graph = graph

    def __call__(self, frame: VideoFrame) -> VideoFrame:
        """The same moment in BT.709."""
        self._graph.vpush(frame)
        return self._graph.vpull()
