"""Clips made on the spot: tiny, exact, and of every awkward kind."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.codec.context import Flags
from numpy.typing import NDArray

MILLISECOND = Fraction(1, 1000)


def night_picture(index: int, width: int, height: int) -> NDArray[np.uint8]:
    """A dim gradient with a red top left corner, a blue bottom right one and a moving bar."""
    columns = np.linspace(20, 90, width, dtype=np.uint8)
    picture = np.broadcast_to(columns[None, :, None], (height, width, 3)).copy()
    picture[:, (index * 3) % width, :] = 120
    picture[: height // 4, : width // 4] = (200, 20, 20)
    picture[-(height // 4) :, -(width // 4) :] = (20, 20, 200)
    return picture


@dataclass
class Clip:
    """What to put into a file; the defaults make ten frames of plain H.264."""

    times: Sequence[int] = tuple(range(10))
    """Presentation times, in units of `time_base`."""
    last_duration: int = 1
    """How long the last frame is shown, in units of `time_base`."""
    time_base: Fraction = Fraction(1, 25)
    """Seconds per unit of `times`."""
    width: int = 96
    """Columns."""
    height: int = 64
    """Rows."""
    codec: str = "libx264"
    """FFmpeg encoder."""
    pixel_format: str = "yuv420p"
    """Stored layout."""
    colour: tuple[int, int, int, int] = (1, 1, 1, 1)
    """Matrix, range, primaries, transfer."""
    options: dict[str, str] = field(default_factory=dict)
    """For the encoder."""
    aspect: Fraction = Fraction(1)
    """Of one sample."""
    rotation: float | None = None
    """Counter-clockwise turn written into the container, degrees."""
    hflip: bool = False
    """Mirror after the turn."""
    interlaced: bool = False
    """Encode as two fields."""
    audio: Sequence[str] = ()
    """Languages of AAC tracks to add."""
    subtitles: str | None = None
    """mov_text or subrip."""
    chapters: bool = False
    """Two of them."""
    attachment: bytes | None = None
    """A font file, Matroska only."""
    metadata: dict[str, str] = field(default_factory=dict)
    """Of the container."""
    picture: Callable[[int, int, int], NDArray[Any]] = night_picture
    """Frame number, width and height to pixels."""
    pixels_are: str = "rgb24"
    """The layout `picture` returns."""

    movflags: str = "use_metadata_tags"
    """Of MP4's muxer."""

    def write(self, path: Path) -> Path:
        """Encode into `path`; the suffix chooses the container."""
        mov = path.suffix in {".mp4", ".mov"}
        options = {"movflags": self.movflags} if mov else {}
        with av.open(str(path), "w", container_options=options) as output:
            video = self._add_video(output)
            voices = [self._add_audio(output, language) for language in self.audio]
            text = self._add_subtitles(output)
            if self.attachment is not None:
                output.add_attachment("font.ttf", "font/ttf", self.attachment)
            output.metadata.update(self.metadata)
            if self.chapters:
                output.set_chapters(list(self._chapters()))
            for packet in sorted(
                [*self._speech(text), *self._sound(voices), *self._encode(video)],
                key=lambda p: p.dts * p.time_base,
            ):
                output.mux(packet)
        return path

    @property
    def seconds(self) -> list[Fraction]:
        """Presentation times, in seconds."""
        return [time * self.time_base for time in self.times]

    def _add_video(self, output: Any) -> av.VideoStream:
        stream: av.VideoStream = output.add_stream(
            self.codec, rate=25, width=self.width, height=self.height, time_base=self.time_base
        )
        defaults = {"preset": "ultrafast", "crf": "12", "bf": "2", "g": "8"}
        stream.codec_context.options = (
            {**defaults, **self.options} if self.codec == "libx264" else self.options
        )
        context = stream.codec_context
        context.pix_fmt, context.time_base = self.pixel_format, self.time_base
        context.sample_aspect_ratio = self.aspect
        context.flags |= Flags.frame_duration
        context.colorspace, context.color_range = self.colour[:2]
        context.color_primaries, context.color_trc = self.colour[2:]
        if self.interlaced:
            context.flags |= Flags.interlaced_dct | Flags.interlaced_me
        if self.rotation is not None:
            stream.set_display_rotation(self.rotation, hflip=self.hflip)
        return stream

    def _add_audio(self, output: Any, language: str) -> Any:
        stream = output.add_stream("aac", rate=48000)
        stream.metadata.update(language=language, handler_name=f"Voice {language}")
        return stream

    def _add_subtitles(self, output: Any) -> Any:
        if self.subtitles is None:
            return None
        stream = output.add_mux_stream(self.subtitles, time_base=MILLISECOND)
        stream.metadata["language"] = "fra"
        return stream

    def _encode(self, stream: av.VideoStream) -> list[Any]:
        ends = [*self.times[1:], self.times[-1] + self.last_duration]
        packets = []
        for index, (time, end) in enumerate(zip(self.times, ends, strict=True)):
            frame = av.VideoFrame.from_ndarray(
                self.picture(index, self.width, self.height), format=self.pixels_are
            )
            full = self.colour[1] == 2
            if self.pixels_are.startswith("rgb"):
                frame = frame.reformat(
                    format=self.pixel_format,
                    dst_colorspace=9 if self.colour[0] == 9 else 1 if self.colour[0] == 1 else 5,
                    dst_color_range="JPEG" if full else "MPEG",
                )
            frame.colorspace, frame.color_range = self.colour[:2]
            frame.color_primaries, frame.color_trc = self.colour[2:]
            frame.pts, frame.duration, frame.time_base = time, end - time, self.time_base
            packets += stream.encode(frame)
        return packets + stream.encode(None)

    def _sound(self, streams: Sequence[Any]) -> list[Any]:
        """A quiet tone as long as the pictures, different on each track."""
        count = int((self.times[-1] + self.last_duration) * self.time_base * 48000)
        packets = []
        for number, stream in enumerate(streams):
            tone = np.sin(np.arange(count) * (number + 1) / 30) * 0.1
            both = np.stack([tone, tone]).astype(np.float32)
            frame = av.AudioFrame.from_ndarray(both, format="fltp", layout="stereo")
            frame.sample_rate, frame.pts, frame.time_base = 48000, 0, Fraction(1, 48000)
            packets += stream.encode(frame) + stream.encode(None)
        return packets

    def _speech(self, stream: Any) -> list[Any]:
        packets = []
        for start in (40, 200) if stream is not None else ():
            line = b"Hello"
            packet: Any = av.Packet(
                len(line).to_bytes(2, "big") + line if self.subtitles == "mov_text" else line
            )
            packet.stream, packet.time_base = stream, MILLISECOND
            packet.pts = packet.dts = start
            packet.duration = 120
            packets.append(packet)
        return packets

    def _chapters(self) -> Any:
        bounds = (0, 160, 400)
        for number, (start, end) in enumerate(itertools.pairwise(bounds)):
            yield {
                "id": number + 1,
                "start": start,
                "end": end,
                "time_base": MILLISECOND,
                "metadata": {"title": f"Part {number + 1}"},
            }


@pytest.fixture
def make_clip(tmp_path: Path) -> Callable[..., Path]:
    """Write a clip into this test's folder: ``make_clip("in.mp4", width=97)``."""

    def make(name: str = "clip.mp4", **what: Any) -> Path:
        return Clip(**what).write(tmp_path / name)

    return make


@pytest.fixture
def plain_clip(make_clip: Callable[..., Path]) -> Path:
    """Ten frames of H.264 in MP4."""
    return make_clip()


@pytest.fixture
def rich_clip(make_clip: Callable[..., Path]) -> Path:
    """Two languages, subtitles, chapters, and everything a phone writes about itself."""
    return make_clip(
        "rich.mp4",
        audio=("eng", "deu"),
        subtitles="mov_text",
        chapters=True,
        metadata={
            "title": "Night walk",
            "comment": "the user's own words",
            "creation_time": "2024-03-02T01:02:03.000000Z",
            "location": "+48.8577+002.2950/",
            "make": "Acme",
        },
    )
