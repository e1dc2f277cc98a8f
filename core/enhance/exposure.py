"""How bright a picture is to be as a whole: judged on a small one.

The network sees as far as a few hundred pixels. Of a larger picture it judges each part by itself;
a small one it sees whole, and guesses better how bright it ought to be: on LOL-v1's held-out scenes
that is worth 0.9 dB of `deepspg`. B batch, H W pixels, h w those of the small picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional as F

from core.media.source import MIN_SIDE_PX

if TYPE_CHECKING:
    from torch import Tensor

SIDE = 192
"""Longer side of the small picture; 160 does as well, 128 and 256 less."""
MOST = 2.0
"""Most by which the brightness is changed, either way."""


def small_size(height: int, width: int) -> tuple[int, int] | None:
    """Height and width of the small picture; none where it would be no smaller, or a mere strip."""
    scale = SIDE / max(height, width)
    size = round(height * scale), round(width * scale)
    return size if scale < 1 and min(size) >= MIN_SIDE_PX else None


def reduced(image_B3HW: Tensor, size: tuple[int, int]) -> Tensor:
    """The small picture, (B, 3, h, w), of the same range."""
    return F.interpolate(image_B3HW, size=size, mode="area")


def exposed(bright_B3HW: Tensor, small_B3hw: Tensor) -> Tensor:
    """The bright picture, as bright on average as the small one."""
    wanted, found = (image.clamp(0, 1).mean() for image in (small_B3hw, bright_B3HW))
    return bright_B3HW * (wanted / found.clamp(min=1e-3)).clamp(1 / MOST, MOST)
