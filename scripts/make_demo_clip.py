"""Films a dark room that never was: ``python -m scripts.make_demo_clip out/demo_dark.mp4``.

A camera glides over photographs that anyone may use, a physical model of the dark takes the light
away, and a soft chord plays. The same seed gives the same frames, so figures taken on the clip can
be compared.

The photographs come with scikit-image: *Coffee cup* by Rachel Michetti, courtesy of Pikolo Espresso
Bar, and *Chelsea the cat* by Stefan van der Walt, both CC0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import av
import cv2
import numpy as np
import typer
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from numpy.typing import NDArray

from core.training.darkness import Darkness, darken
from core.training.datasets import read

WIDTH, HEIGHT, FPS = 640, 360, 24
SOUND_HZ = 48_000
CHORD_HZ = (220.0, 277.18, 329.63)
FILMED_AT = "2026-01-01T21:00:00.000000Z"

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class View:
    """What the camera sees of a photograph."""

    x: float
    """Centre, as a share of the photograph's width."""
    y: float
    """Centre, as a share of its height."""
    width: float
    """Share of the photograph's width that fills the frame."""

    def towards(self, other: View, share: float) -> View:
        """The view on the way to another."""
        mix = [a + (b - a) * share for a, b in self._pairs(other)]
        return View(*mix)

    def _pairs(self, other: View) -> list[tuple[float, float]]:
        return [(self.x, other.x), (self.y, other.y), (self.width, other.width)]


@dataclass(frozen=True, slots=True)
class Scene:
    """One shot: a photograph, the way over it, and its night."""

    photograph: str
    begin: View
    end: View
    night: Darkness
    frames: int = 2 * FPS


def night(exposure: float, electrons: float) -> Darkness:
    """A small camera indoors; nothing is stored as JPEG on the way."""
    return Darkness(exposure, electrons, 2.5, (1.06, 1.0, 0.93), 0.25, 0.0, None)


SCENES = (
    Scene("coffee.png", View(0.42, 0.54, 0.82), View(0.56, 0.48, 0.66), night(0.030, 5_000)),
    Scene("chelsea.png", View(0.50, 0.46, 0.76), View(0.47, 0.50, 0.92), night(0.018, 7_000)),
)


def film(seed: int) -> Iterator[Picture]:
    """Frames of the clip, uint8 RGB (HEIGHT, WIDTH, 3): one hard cut, fresh noise in each."""
    random = np.random.default_rng(seed)
    for scene in SCENES:
        photograph = read(Path(str(files("skimage") / "data" / scene.photograph)))
        for number in range(scene.frames):
            share = number / (scene.frames - 1)
            eased = share * share * (3 - 2 * share)
            seen = look(photograph, scene.begin.towards(scene.end, eased))
            yield darken(seen, scene.night, random)


def look(photograph: Picture, view: View) -> Picture:
    """What a view shows, sampled between the pixels so that slow motion stays smooth."""
    height, width = photograph.shape[:2]
    scale = view.width * width / WIDTH
    left = view.x * width - scale * WIDTH / 2
    top = view.y * height - scale * HEIGHT / 2
    to_photograph = np.array([[scale, 0, left], [0, scale, top]])
    return cv2.warpAffine(  # type: ignore[no-any-return]
        photograph,
        to_photograph,
        (WIDTH, HEIGHT),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REFLECT_101,
    )


def chord(seconds: float) -> NDArray[np.float32]:
    """A quiet chord that swells and fades: (1, samples) in [-1, 1]."""
    time = np.arange(round(seconds * SOUND_HZ)) / SOUND_HZ
    tone = sum(np.sin(2 * np.pi * hertz * time) for hertz in CHORD_HZ) / len(CHORD_HZ)
    envelope = np.clip(np.minimum(time, seconds - time) / 0.5, 0, 1)
    return np.asarray(0.15 * envelope * tone, np.float32)[None]


def write(path: Path, seed: int = 1) -> None:
    """Encodes the clip; one thread and fixed settings, so that it is the same every time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as output:
        output.metadata["creation_time"] = FILMED_AT
        video = _video_stream(output)
        sound = output.add_stream("aac", rate=SOUND_HZ, layout="mono", bit_rate=96_000)
        pictures = 0
        for pictures, picture in enumerate(film(seed), 1):
            output.mux(video.encode(_frame(picture, pictures - 1)))
        output.mux(video.encode())
        for block in _blocks(chord(pictures / FPS)):
            output.mux(sound.encode(block))
        output.mux(sound.encode())


def _video_stream(output: av.container.OutputContainer) -> av.VideoStream:
    options = {"crf": "17", "preset": "medium", "threads": "1"}
    video = output.add_stream("libx264", rate=FPS, options=options)
    video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    video.time_base = Fraction(1, FPS)
    context = video.codec_context
    context.colorspace, context.color_range = Colorspace.ITU709, ColorRange.MPEG
    context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
    return video


def _frame(picture: Picture, number: int) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(
        format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
    )
    frame.pts, frame.time_base = number, Fraction(1, FPS)
    return frame


def _blocks(sound: NDArray[np.float32], length: int = 1024) -> Iterator[av.AudioFrame]:
    for start in range(0, sound.shape[1], length):
        samples = np.ascontiguousarray(sound[:, start : start + length])
        block = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        block.sample_rate, block.pts = SOUND_HZ, start
        block.time_base = Fraction(1, SOUND_HZ)
        yield block


def main(
    path: Annotated[Path, typer.Argument(help="Where it goes")] = Path("out/demo_dark.mp4"),
    seed: Annotated[int, typer.Option(help="Of the noise")] = 1,
) -> None:
    """Makes the demo clip."""
    cv2.setNumThreads(1)
    write(path, seed)
    print(f"Dark clip: {path}")


if __name__ == "__main__":
    typer.run(main)
