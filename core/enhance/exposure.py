"""How bright a picture is to be as a whole: judged on a small one.

The network sees as far as a few hundred pixels. Of a larger picture it judges each part by itself;
a small one it sees whole, and guesses better how bright it ought to be: on LOL-v1's held-out scenes
that is worth 0.9 dB of `deepspg`. B batch, H W pixels, h w those of the small picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.media.source import MIN_SIDE_PX
from core.model.reduced import reduce, sharpen

if TYPE_CHECKING:
    from torch import Tensor

    from core.frame import Pixels

SIDE = 192
"""Longer side of the small picture; 160 does as well, 128 and 256 less."""
SMALL = 0.5
"""What would be made less small is small enough to be judged by itself."""
MOST = 2.0
"""Most by which the brightness is changed, either way."""


def small_picture(pixels: Pixels) -> Pixels | None:
    """What exposure is judged by, uint16 (h, w, 3).

    None for what is small itself, as all pictures of the fast path, and for a mere strip.
    """
    height, width = pixels.shape[:2]
    scale = SIDE / max(height, width)
    if scale >= SMALL or round(min(height, width) * scale) < MIN_SIDE_PX:
        return None
    return sharpen(reduce(pixels, SIDE))


def exposed(bright_B3HW: Tensor, small_B3hw: Tensor) -> Tensor:
    """The bright picture, as bright on average as the small one."""
    wanted, found = (image.clamp(0, 1).mean() for image in (small_B3hw, bright_B3HW))
    return bright_B3HW * (wanted / found.clamp(min=1e-3)).clamp(1 / MOST, MOST)
