"""From the network's answer to the picture a person sees.

B batch, H W pixels; images are sRGB in [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

GLARE = (0.55, 0.95)
"""Highlight protection sets in at the first level of the original and is complete at the second."""
_BAYER = 8


@dataclass(frozen=True, slots=True)
class Look:
    """The user's wishes that act after the network."""

    strength: float = 1.0
    """0 is the original, 1 the network's picture."""
    protect_highlights: float = 1.0
    """How firmly what was already bright stays as it was."""


def finish(dark_B3HW: Tensor, bright_B3HW: Tensor, look: Look) -> Tensor:
    """Protects highlights, then blends in linear light."""
    bright_B3HW = bright_B3HW.clamp(0, 1)
    level_B1HW = dark_B3HW.amax(1, keepdim=True)
    rise = ((level_B1HW - GLARE[0]) / (GLARE[1] - GLARE[0])).clamp(0, 1)
    keep_B1HW = look.protect_highlights * rise.square() * (3 - 2 * rise)
    bright_B3HW = torch.lerp(bright_B3HW, dark_B3HW, keep_B1HW)
    if look.strength == 1.0:
        return bright_B3HW
    blend = torch.lerp(to_linear(dark_B3HW), to_linear(bright_B3HW), look.strength)
    return to_srgb(blend)


def to_linear(image: Tensor) -> Tensor:
    """sRGB to linear light (IEC 61966-2-1)."""
    return torch.where(image <= 0.04045, image / 12.92, ((image + 0.055) / 1.055) ** 2.4)


def to_srgb(light: Tensor) -> Tensor:
    """Linear light to sRGB."""
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
