"""Makes night of day: a physical model of a camera in the dark.

Light is dimmed where light adds up, in linear values; it has a colour that white balance misses,
the lens shades the corners, photons arrive one by one (Poisson), the sensor adds read noise
(Gaussian), blacks are crushed, and the file quantises and compresses. A clip has fresh noise on
every frame. Lamps are laid over the dark and the bright picture alike: what was bright at night is
not asked to become brighter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from core.training.clips import compress_h264

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]
    Linear = NDArray[np.float32]


def to_linear(picture: Picture) -> Linear:
    """uint8 sRGB to linear light in [0, 1] (IEC 61966-2-1)."""
    return _LINEAR[picture]


def to_srgb(linear: Linear) -> Linear:
    """Linear light to sRGB values in [0, 1]; what lies outside is clipped."""
    clipped = np.clip(linear, 0.0, 1.0)
    curve = 1.055 * clipped ** np.float32(1 / 2.4) - 0.055
    return np.where(clipped <= 0.0031308, 12.92 * clipped, curve).astype(np.float32)


def _srgb_to_linear(code: NDArray[np.float64]) -> Linear:
    curve = ((code + 0.055) / 1.055) ** 2.4
    return np.where(code <= 0.04045, code / 12.92, curve).astype(np.float32)


_LINEAR = _srgb_to_linear(np.arange(256) / 255)


@dataclass(frozen=True, slots=True)
class Darkness:
    """One camera on one night."""

    exposure: float
    """Share of the daylight that is left, in linear light: 1 leaves the picture as bright."""
    electrons: float
    """Electrons that a fully exposed pixel would hold; fewer is noisier."""
    read_noise: float
    """Standard deviation of the sensor's own noise, in electrons."""
    balance: tuple[float, float, float]
    """Gains by which white balance is off, red to blue."""
    vignette: float
    """Share of light lost in the corners."""
    black: float
    """Level below which the camera sees black, as a share of full scale."""
    jpeg: int | None
    """Quality the picture was stored with; none for lossless."""
    h264: int | None = None
    """Rate factor of the H.264 clip that the picture is from; none for a photograph."""

    @staticmethod
    def draw(
        random: np.random.Generator, darkest: float = 1 / 120, filmed: float = 0.0
    ) -> Darkness:
        """A night as phones, webcams and dashcams see it.

        Args:
            random: where everything is drawn from.
            darkest: the least exposure.
            filmed: share of nights that are stored as H.264, whatever JPEG says.
        """
        exposure = float(np.exp(random.uniform(np.log(darkest), np.log(0.4))))
        return Darkness(
            exposure=exposure,
            electrons=float(np.exp(random.uniform(np.log(2_000), np.log(60_000)))),
            read_noise=float(np.exp(random.uniform(np.log(0.5), np.log(5)))),
            balance=(float(random.uniform(0.88, 1.14)), 1.0, float(random.uniform(0.88, 1.14))),
            vignette=float(random.uniform(0, 0.35)),
            black=float(random.choice([0.0, 0.0, random.uniform(0, 0.15)])) * exposure,
            jpeg=None if random.random() < 0.35 else int(random.integers(55, 98)),
            h264=int(random.integers(18, 34)) if filmed and random.random() < filmed else None,
        )


def darken(picture: Picture, night: Darkness, random: np.random.Generator) -> Picture:
    """The picture as that camera would have stored it: uint8 sRGB, same shape."""
    return darken_clip([picture], night, random)[0]


def darken_clip(
    pictures: Sequence[Picture], night: Darkness, random: np.random.Generator
) -> list[Picture]:
    """The frames of one clip, uint8 sRGB of one size: the same night, fresh noise on every frame.

    H.264 stores them together, so it may carry the noise of one frame into the next, as it does.
    """
    seen = [_expose(picture, night, random) for picture in pictures]
    if night.h264 is not None:
        return compress_h264(seen, night.h264)
    return [compress(picture, night.jpeg) for picture in seen]


def _expose(picture: Picture, night: Darkness, random: np.random.Generator) -> Picture:
    light = to_linear(picture) * np.float32(night.exposure)
    light *= np.array(night.balance, np.float32)
    light *= _vignette(picture.shape[0], picture.shape[1], night.vignette)
    electrons = random.poisson(light * night.electrons).astype(np.float32)
    electrons += random.normal(0, night.read_noise, light.shape).astype(np.float32)
    seen = (electrons / np.float32(night.electrons) - night.black) / (1 - night.black)
    return np.rint(to_srgb(seen) * 255).astype(np.uint8)


def add_lamps(pictures: Sequence[Picture], random: np.random.Generator) -> list[Picture]:
    """Lays the same few lamps, with their glow, over a bright picture and its dark twins."""
    height, width = pictures[0].shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    lamps = np.zeros((height, width, 3), np.float32)
    for _ in range(int(random.integers(1, 5))):
        distance = np.hypot(y - random.uniform(0, height), x - random.uniform(0, width))
        radius = random.uniform(1, 9)
        glow = np.exp(-((distance / radius) ** 2)) * 2 + random.uniform(0, 0.12) / (
            1 + (distance / (3 * radius)) ** 2
        )
        lamps += glow[..., None].astype(np.float32) * _lamp_colour(random)
    return [_lay_over(picture, lamps) for picture in pictures]


def compress(picture: Picture, quality: int | None) -> Picture:
    """The picture after JPEG at this quality, 4:2:0; unchanged for none."""
    if quality is None:
        return picture
    stored = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    back = cast("Picture", cv2.imdecode(stored, cv2.IMREAD_COLOR))
    return np.ascontiguousarray(back[..., ::-1])


def _vignette(height: int, width: int, loss: float) -> Linear:
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :, None]
    return (1 - np.float32(loss) * (y**2 + x**2) / 2).astype(np.float32, copy=False)


def _lamp_colour(random: np.random.Generator) -> Linear:
    """Between sodium orange and headlight white, now and then a red or green signal."""
    if random.random() < 0.2:
        return np.array([[1, 0.08, 0.05], [0.1, 1, 0.5]][int(random.integers(2))], np.float32)
    warmth = random.uniform(0, 1)
    return np.array([1, 1 - 0.4 * warmth, 1 - 0.8 * warmth], np.float32)


def _lay_over(picture: Picture, lamps: Linear) -> Picture:
    return np.rint(to_srgb(to_linear(picture) + lamps) * 255).astype(np.uint8)
