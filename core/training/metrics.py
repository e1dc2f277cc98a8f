"""How good a picture is, in the convention of the low-light papers.

Pictures are uint8 RGB, (H, W, 3). PSNR counts all samples of all channels together. SSIM is
Wang et al. 2004: an 11 x 11 Gaussian of sigma 1.5, only where the window lies inside, averaged over
the channels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from kornia.metrics import psnr as kornia_psnr
from kornia.metrics import ssim as kornia_ssim

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]


def psnr(image: Picture, reference: Picture) -> float:
    """Decibels; infinite for equal pictures."""
    return float(kornia_psnr(_tensor(image), _tensor(reference), 255.0))


def ssim(image: Picture, reference: Picture) -> float:
    """At most 1, for equal pictures."""
    similar = kornia_ssim(_tensor(image), _tensor(reference), 11, max_val=255.0, padding="valid")
    return float(similar.mean())


def luma(pictures: Picture) -> NDArray[np.float64]:
    """Brightness in levels of 255 (BT.601): (..., H, W, 3) to (..., H, W)."""
    return np.asarray(pictures @ np.array([0.299, 0.587, 0.114]))


def match_mean(image: Picture, reference: Picture) -> Picture:
    """The image scaled to its reference's mean luma, which forgives a wrong guess of exposure.

    The papers call figures measured so `GT mean`. A whole clip, (T, H, W, 3), gets one gain for
    all its frames, so that it flickers as it did.
    """
    ratio = luma(reference).mean() / max(luma(image).mean(), 1e-6)
    matched: Picture = np.clip(np.rint(image * ratio), 0, 255).astype(np.uint8)
    return matched


def scores(image: Picture, reference: Picture) -> dict[str, float]:
    """PSNR and SSIM, both also with the reference's mean."""
    matched = match_mean(image, reference)
    return {
        "psnr": psnr(image, reference),
        "ssim": ssim(image, reference),
        "psnr_gt_mean": psnr(matched, reference),
        "ssim_gt_mean": ssim(matched, reference),
    }


def _tensor(image: Picture) -> torch.Tensor:
    return torch.from_numpy(image).permute(2, 0, 1)[None].double()
