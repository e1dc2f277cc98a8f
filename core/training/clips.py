"""Clips through PyAV: frames to learn from, and what a video codec makes of a picture.

Note [one thread]: crops are prepared by several processes at once, each with one codec thread; a
clip this small has no work for more.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import av
import numpy as np
from av.error import FFmpegError

from core.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from av.video.codeccontext import VideoCodecContext
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

_RATE = 25


def every_nth_frame(path: Path, n: int) -> Iterator[Picture]:
    """Frames 0, n, 2n, ... of the first video stream, uint8 RGB (H, W, 3).

    Raises:
        SettingsError: the file holds no video that can be decoded.
    """
    try:
        with av.open(str(path)) as container:
            for number, frame in enumerate(container.decode(video=0)):
                if number % n == 0:
                    yield frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
    except (FFmpegError, IndexError) as error:
        raise SettingsError(
            f"Cannot read the video {path}: take it out of the folder or convert it."
        ) from error


def compress_h264(pictures: Sequence[Picture], rate_factor: int) -> list[Picture]:
    """The frames of one clip after H.264, 4:2:0, in memory.

    Args:
        pictures: uint8 RGB (H, W, 3), all of one size.
        rate_factor: x264's constant rate factor: 18 looks untouched, 35 shows blocks.
    """
    height, width = pictures[0].shape[:2]
    rim = ((0, height % 2), (0, width % 2), (0, 0))  # 4:2:0 takes even sides only
    even = [np.pad(picture, rim, "edge") for picture in pictures]
    encoder, decoder = _codecs(even[0].shape[1], even[0].shape[0], rate_factor)
    packets = [packet for picture in even for packet in encoder.encode(_frame(picture))]
    packets += encoder.encode(None)
    frames = [frame for packet in packets for frame in decoder.decode(packet)]
    frames += decoder.decode(None)
    back = (frame.to_ndarray(format="rgb24")[:height, :width] for frame in frames)
    return [np.ascontiguousarray(picture, np.uint8) for picture in back]


def _codecs(
    width: int, height: int, rate_factor: int
) -> tuple[VideoCodecContext, VideoCodecContext]:
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, _RATE), Fraction(_RATE)
    encoder.options = {"preset": "veryfast", "crf": str(rate_factor)}
    decoder = av.CodecContext.create("h264", "r")
    encoder.thread_count = decoder.thread_count = 1  # see Note [one thread]
    return encoder, decoder


def _frame(picture: Picture) -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
