"""From the network's answer to the picture a person sees.

B batch, H W pixels; images are sRGB in [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

GLARE = (0.75, 0.95)
"""A lamp begins at the first level of the original and is surely one at the second."""
GLOW = 4.0
"""A block of which one part in so many is lamp counts as lamp altogether."""
CRUSHED = (0.35 / 255, 0.8 / 255)
"""Spread of luma, within a block, below which a codec has left nothing, and above which it has."""
DARK = (8 / 255, 24 / 255)
"""Level up to which a flat block counts as crushed at all, and from which it never does."""
BLACK_GAIN = 3.0
"""How much brighter crushed black becomes."""
_BLOCK, _BAYER = 8, 8
_LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True, slots=True)
class Look:
    """The user's wishes that act after the network."""

    strength: float = 1.0
    """0 is the original, 1 the network's picture."""
    protect_highlights: float = 1.0
    """How firmly what was already bright stays as it was."""


def finish(dark_B3HW: Tensor, bright_B3HW: Tensor, look: Look) -> Tensor:
    """Leaves crushed blacks black and highlights as they were, then blends in linear light."""
    bright_B3HW = keep_black(dark_B3HW, bright_B3HW.clamp(0, 1))
    bright_B3HW = protect_highlights(dark_B3HW, bright_B3HW, look.protect_highlights)
    if look.strength == 1.0:
        return bright_B3HW
    blend = torch.lerp(to_linear(dark_B3HW), to_linear(bright_B3HW), look.strength)
    return to_srgb(blend)


def protect_highlights(dark_B3HW: Tensor, bright_B3HW: Tensor, firmness: float) -> Tensor:
    """Keeps lamps, and the glow around them, from growing.

    Near a lamp the result may be no brighter than a curve over the original's level, 1 - (1 - x)^2.
    The curve rises all the way, so the lamp stays brighter than its glow and gets no dark ring.
    """
    level_B1HW = dark_B3HW.amax(1, keepdim=True)
    share = F.avg_pool2d(_rise(level_B1HW, GLARE), _BLOCK, ceil_mode=True, count_include_pad=False)
    # A far window of a pixel or two has no glow, and would only stain the sky behind it.
    lamps = (GLOW * share).clamp(max=1)
    near_B1HW = _spread_out(lamps, level_B1HW)
    limit_B1HW = 1 - (1 - level_B1HW).square()
    excess_B1HW = bright_B3HW.amax(1, keepdim=True).clamp(min=1e-3) / limit_B1HW.clamp(min=1e-3)
    limited_B3HW = bright_B3HW / excess_B1HW.clamp(min=1.0)
    return torch.lerp(bright_B3HW, limited_B3HW, firmness * near_B1HW)


def keep_black(dark_B3HW: Tensor, bright_B3HW: Tensor) -> Tensor:
    """Takes gain and colour from what a codec has crushed to flat black.

    Such blocks hold no picture, only a level and a chance offset of chroma, which gain would turn
    into grey and purple tiles. What is merely dark carries noise, and so is told apart by its
    spread.
    """
    weights = dark_B3HW.new_tensor(_LUMA)[:, None, None]
    luma_B1HW = (dark_B3HW * weights).sum(1, keepdim=True)
    mean = F.avg_pool2d(luma_B1HW, _BLOCK, ceil_mode=True, count_include_pad=False)
    square = F.avg_pool2d(luma_B1HW**2, _BLOCK, ceil_mode=True, count_include_pad=False)
    spread = (square - mean**2).clamp(min=0).sqrt()
    holds = torch.maximum(_rise(spread, CRUSHED), _rise(mean, DARK))
    holds_B1HW = _spread_out(holds, luma_B1HW)
    return torch.lerp((BLACK_GAIN * luma_B1HW).expand_as(bright_B3HW), bright_B3HW, holds_B1HW)


def _spread_out(blocks_B1hw: Tensor, like_B1HW: Tensor) -> Tensor:
    """A map of blocks, grown by one block and blurred, for each pixel: no block's edge shows."""
    grown = F.max_pool2d(blocks_B1hw, 3, 1, 1)
    soft = F.avg_pool2d(grown, 5, 1, 2, count_include_pad=False)
    return F.interpolate(soft, size=like_B1HW.shape[2:], mode="bilinear")


def _rise(values: Tensor, edges: tuple[float, float]) -> Tensor:
    """A smooth step from 0 at the first edge to 1 at the second."""
    share = ((values - edges[0]) / (edges[1] - edges[0])).clamp(0, 1)
    return share.square() * (3 - 2 * share)


def to_linear(image: Tensor) -> Tensor:
    """Linear light of sRGB values (IEC 61966-2-1)."""
    return torch.where(image <= 0.04045, image / 12.92, ((image + 0.055) / 1.055) ** 2.4)


def to_srgb(light: Tensor) -> Tensor:
    """The sRGB values of linear light."""
    curve = 1.055 * light.clamp(min=1e-8) ** (1 / 2.4) - 0.055
    return torch.where(light <= 0.0031308, 12.92 * light, curve)


def dither(height: int, width: int, device: torch.device) -> Tensor:
    """What is added before rounding down to 8 bits, (H, W), in (0, 1): Bayer's ordered pattern.

    Gain spreads few codes over many; without dither the steps show as bands. The pattern stands
    still, so equal frames stay equal and the encoder spends nothing on it.
    """
    pattern = torch.zeros(1, 1)
    while pattern.shape[0] < _BAYER:
        finer = [[4 * pattern, 4 * pattern + 2], [4 * pattern + 3, 4 * pattern + 1]]
        pattern = torch.cat([torch.cat(row, 1) for row in finer], 0)
    tile = (pattern + 0.5) / _BAYER**2
    repeats = (-(-height // _BAYER), -(-width // _BAYER))
    return tile.repeat(repeats)[:height, :width].to(device)
