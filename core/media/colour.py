"""Colour tags, and the one rule for pictures that carry none.

Note [colour rule]
    A stream says how its YUV became RGB by three tags and a range. Whatever it says is used to
    decode, used again to encode, and written into the output. Where the matrix is unspecified we
    guess as players do (BT.709 from 1280 wide or above 576 lines, BT.601 below) and the range is
    limited; the same guess serves both ways and the output stays untagged, so a player that
    guesses otherwise is no more wrong about the output than about the input. Two kinds of source
    change tags: HDR arrives tone-mapped and leaves as BT.709, and RGB or an exotic matrix leaves
    as BT.709 because encoders want YUV.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from av import VideoFrame
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter

if TYPE_CHECKING:
    from core.frame import Pixels

HdrKind = Literal["pq", "hlg"]

UNSPECIFIED = 2
LIMITED, FULL = 1, 2

_MATRIX_NAMES = {
    0: "rgb", 1: "bt709", 2: "unspecified", 4: "fcc", 5: "bt470bg", 6: "smpte170m",
    7: "smpte240m", 8: "ycgco", 9: "bt2020nc", 10: "bt2020c", 14: "ictcp",
}  # fmt: skip
_PRIMARY_NAMES = {
    1: "bt709", 2: "unspecified", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m",
    8: "film", 9: "bt2020", 11: "smpte431", 12: "smpte432",
}  # fmt: skip
_TRANSFER_NAMES = {
    1: "bt709", 2: "unspecified", 4: "gamma22", 5: "gamma28", 6: "smpte170m", 7: "smpte240m",
    8: "linear", 11: "iec61966-2-4", 13: "srgb", 14: "bt2020-10", 15: "bt2020-12",
    16: "smpte2084", 18: "arib-std-b67",
}  # fmt: skip
_RANGE_NAMES = {0: "unspecified", LIMITED: "limited", FULL: "full"}
_HDR_TRANSFERS: dict[int, HdrKind] = {16: "pq", 18: "hlg"}

_SWSCALE_MATRIX = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}
"""FFmpeg's tag for a matrix to the number its scaler knows it by."""

_ROUNDED = Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
_EXACT = Interpolation.BILINEAR | _ROUNDED
"""Without the last two the scaler is up to 2.4 of 255 off the defined matrix; with them 0.5."""
_EXACT_DEEP = Interpolation.BICUBIC | _ROUNDED
"""Bilinear from 4:2:0 to 16 bits clips red and green of saturated blue to 0 (FFmpeg 8.1)."""


@dataclass(frozen=True, slots=True)
class Colour:
    """The four colour tags of a stream, in the numbers of ITU-T H.273 that FFmpeg uses."""

    matrix: int = UNSPECIFIED
    """How RGB became YUV."""
    range: int = 0
    """0 unspecified, 1 limited (16 to 235), 2 full."""
    primaries: int = UNSPECIFIED
    """What red, green and blue are."""
    transfer: int = UNSPECIFIED
    """From light to code value."""

    @property
    def hdr(self) -> HdrKind | None:
        """Which kind of high dynamic range, if any."""
        return _HDR_TRANSFERS.get(self.transfer)

    def __str__(self) -> str:
        matrix = _MATRIX_NAMES.get(self.matrix, str(self.matrix))
        primaries = _PRIMARY_NAMES.get(self.primaries, str(self.primaries))
        transfer = _TRANSFER_NAMES.get(self.transfer, str(self.transfer))
        return f"{matrix} / {primaries} / {transfer}, {_RANGE_NAMES.get(self.range)} range"


BT709 = Colour(matrix=1, range=LIMITED, primaries=1, transfer=1)
"""Standard dynamic range, as almost all video is today."""


def output_colour(source: Colour) -> Colour:
    """The tags an enhanced copy of such a source carries; see Note [colour rule]."""
    if source.hdr is not None:
        return BT709
    if source.matrix != UNSPECIFIED and source.matrix not in _SWSCALE_MATRIX:
        return Colour(1, LIMITED, source.primaries, source.transfer)
    return source


def working_matrix(matrix: int, width: int, height: int) -> int:
    """The matrix to compute with: the tagged one, or the guess of Note [colour rule]."""
    if matrix != UNSPECIFIED:
        return matrix
    return 1 if width >= 1280 or height > 576 else 6


def to_rgb(frame: VideoFrame, reformatter: VideoReformatter) -> Pixels:
    """Full-range RGB, (H, W, 3): uint8 from 8-bit pictures, uint16 from deeper ones."""
    deep = bit_depth(frame) > 8
    if not frame.format.is_rgb:
        frame.colorspace = working_matrix(frame.colorspace, frame.width, frame.height)
        if frame.color_range == 0:
            full = frame.format.name.startswith("yuvj")
            frame.color_range = FULL if full else LIMITED
    rgb = reformatter.reformat(
        frame,
        format="rgb48le" if deep else "rgb24",
        interpolation=_EXACT_DEEP if deep else _EXACT,
        dst_color_range=ColorRange.JPEG,
        threads=1,
    )
    return np.asarray(rgb.to_ndarray(), np.uint16 if deep else np.uint8)  # type: ignore[return-value]


def from_rgb(
    pixels: Pixels, pixel_format: str, colour: Colour, reformatter: VideoReformatter
) -> VideoFrame:
    """A picture for the encoder, tagged with `colour`; the inverse of `to_rgb`."""
    deep = pixels.dtype == np.uint16
    source = VideoFrame.from_ndarray(
        np.ascontiguousarray(pixels),  # type: ignore[arg-type]
        "rgb48le" if deep else "rgb24",
    )
    source.color_range = FULL
    matrix = working_matrix(colour.matrix, source.width, source.height)
    frame = reformatter.reformat(
        source,
        format=pixel_format,
        interpolation=_EXACT,
        dst_colorspace=_SWSCALE_MATRIX[matrix],
        src_color_range=ColorRange.JPEG,
        dst_color_range=ColorRange.JPEG if colour.range == FULL else ColorRange.MPEG,
        threads=1,
    )
    frame.colorspace, frame.color_range = colour.matrix, colour.range
    frame.color_primaries, frame.color_trc = colour.primaries, colour.transfer
    return frame


def bit_depth(frame: VideoFrame) -> int:
    """Bits of one component."""
    return max(component.bits for component in frame.format.components)
