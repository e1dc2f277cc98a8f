"""Retinex decomposition: an image is illumination times reflectance (DeepSPG, Eq. 6).

B batch, C channels, H W pixels, h w pixels of the overview.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

MAX_LOG_GAIN = 4.5
"""The dimmest illumination is exp(-4.5): a pixel is never multiplied by more than 90."""
OVERVIEW = 8
"""Illumination is planned on a picture this many times smaller."""
CURVE = 5
"""Numbers that describe one place's curve from brightness to gain."""


class Retinex(NamedTuple):
    """X_in = X_l * X_r, exactly."""

    light_B1HW: Tensor
    """Illumination X_l, in (0, 1]."""
    reflectance_B3HW: Tensor
    """Reflectance X_r, 0 where the image is 0; above 1 where the light was guessed too low."""


class Decomposition(nn.Module):
    """Estimates how dimly each pixel is lit, and divides that light out.

    Illumination is smooth and depends on the whole picture, so it is planned on an overview: a
    curve for each place. A pixel then reads its place's curve with its own brightness, which keeps
    a lamp's edge free of halos.
    """

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.look = nn.Sequential(
            nn.Conv2d(4, width, 3, padding=1),
            nn.GELU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.GELU(),
        )
        self.exposure = nn.Linear(2 * width, width)
        self.plan = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=2, dilation=2),
            nn.GELU(),
            nn.Conv2d(width, CURVE, 1),
        )

    def forward(self, image_B3HW: Tensor) -> Retinex:
        """Splits an image in [0, 1]; H and W are multiples of `OVERVIEW`."""
        brightest_B1HW = image_B3HW.amax(1, keepdim=True)
        small_B4hw = F.avg_pool2d(torch.cat([image_B3HW, brightest_B1HW], 1), OVERVIEW)
        # The root spreads out the few codes a dark picture uses.
        seen_BChw = self.look(small_B4hw.clamp(min=1e-6).sqrt())
        spread_BC = (seen_BChw.var((2, 3), correction=0) + 1e-6).sqrt()
        exposure_BC = self.exposure(torch.cat([seen_BChw.mean((2, 3)), spread_BC], 1))
        curve_B5hw = self.plan(seen_BChw + exposure_BC[:, :, None, None])
        light_B1HW = self._light(curve_B5hw, brightest_B1HW)
        return Retinex(light_B1HW, image_B3HW / light_B1HW)

    @staticmethod
    def _light(curve_B5hw: Tensor, brightest_B1HW: Tensor) -> Tensor:
        """Reads each place's curve at each pixel's own brightness."""
        curve_B5HW = F.interpolate(curve_B5hw, size=brightest_B1HW.shape[2:], mode="bilinear")
        base, slope, bend, toe, reach = torch.split(curve_B5HW, 1, 1)
        level = brightest_B1HW.clamp(min=1e-6).sqrt()
        shadow = toe * torch.exp(-8 * F.softplus(reach) * level)
        gain = base + slope * level + bend * level.square() + shadow
        return torch.exp(-MAX_LOG_GAIN * torch.sigmoid(gain))
