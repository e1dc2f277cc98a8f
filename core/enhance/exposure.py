"""How bright a picture is to be as a whole: judged on a small one.

The network sees as far as a few hundred pixels. Of a larger picture it judges each part by itself;
a small one it sees whole, and guesses better how bright it ought to be: on LOL-v1's held-out scenes
that is worth 0.9 dB of `deepspg`. What a network has learnt by heart misleads it elsewhere, and a
smaller one learns less by heart: a model may bring one along, its judge, and both guesses count
alike then. B batch, H W pixels, h w those of the small picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from core.media.source import MIN_SIDE_PX
from core.model.reduced import reduce, sharpen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from core.frame import Pixels

SIDE = 192
"""Longer side of the small picture; 160 does as well, 128 and 256 less."""
SMALL = 0.5
"""What would be made less small is small enough to be judged by itself."""
LEAST = 1e-3
"""Means below are as good as black."""
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


def exposed(bright_B3HW: Tensor, guesses_B3hw: Sequence[Tensor]) -> Tensor:
    """The bright picture, as bright on average as what was made of the small one.

    Args:
        bright_B3HW: made of the picture itself.
        guesses_B3hw: of the small one, by each network; their geometric mean counts.
    """
    means = [guess.clamp(0, 1).mean().clamp(min=LEAST).log() for guess in guesses_B3hw]
    wanted, found = torch.stack(means).mean().exp(), bright_B3HW.clamp(0, 1).mean()
    return bright_B3HW * (wanted / found.clamp(min=LEAST)).clamp(1 / MOST, MOST)
