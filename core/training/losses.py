"""What training minimises. B batch, C channels, K classes, H W pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from kornia.metrics import ssim
from torch import Tensor
from torch.nn import functional as F

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from core.model.deepspg import Enhanced

    Measure = Callable[[Tensor], Tensor]

CHARBONNIER = 1e-3
"""Below this error the root behaves like a square."""
BEGINS = (0.2, 0.1)
"""Shares of a staged run after which the finest picture, and the one at 1/2, count in full."""
NOT_YET = 0.1
"""What they count for until then."""
IGNORE = 255
"""Label of a pixel that teaches nothing."""


def root(difference: Tensor) -> Tensor:
    """Mean Charbonnier magnitude: the bare square all but ignores fine noise."""
    return (difference.square() + CHARBONNIER**2).sqrt().mean()


def square(difference: Tensor) -> Tensor:
    """Mean square, as in the paper."""
    return difference.square().mean()


MEASURES = {"root": root, "square": square}
"""What an error counts for, by its name in a recipe."""


def pixel_loss(image_B3HW: Tensor, target_B3HW: Tensor, measure: Measure = root) -> Tensor:
    """Eq. 11."""
    return measure(image_B3HW - target_B3HW)


def edge_loss(image_B3HW: Tensor, target_B3HW: Tensor, measure: Measure = root) -> Tensor:
    """Eq. 12, the difference of gradients."""
    difference = image_B3HW - target_B3HW
    return measure(difference.diff(dim=2)) + measure(difference.diff(dim=3))


def structure_loss(image_B3HW: Tensor, target_B3HW: Tensor) -> Tensor:
    """One minus the structural similarity; not in the paper, for textures the other terms blur."""
    similar = ssim(image_B3HW, target_B3HW, 11, padding="valid")
    return 1 - cast("Tensor", similar).mean()


def enhancement_losses(
    found: Enhanced, target_B3HW: Tensor, weights: Sequence[float], measure: Measure = root
) -> dict[str, Tensor]:
    """Pixel and edge loss at every scale that has a weight; light and structure beside them.

    Args:
        found: what the network made of the dark picture.
        target_B3HW: the bright picture, in [0, 1].
        weights: of the pictures, finest first; a picture of weight 0 is left out.
        measure: what an error of a pixel or an edge counts for.
    """
    terms = {
        "light": pixel_loss(*_overview(found.reflectance_B3HW, target_B3HW)),
        "structure": structure_loss(found.images[0].float(), target_B3HW),
    }
    pixel, edge = [], []
    for image, weight in zip(found.images, weights, strict=True):
        if weight:
            target = F.adaptive_avg_pool2d(target_B3HW, (image.shape[2], image.shape[3]))
            pixel.append(weight * pixel_loss(image.float(), target, measure))
            edge.append(weight * edge_loss(image.float(), target, measure))
    terms["pixel"], terms["edge"] = torch.stack(pixel).sum(), torch.stack(edge).sum()
    return terms


def scale_weights(scales: str, progress: float) -> tuple[float, float, float]:
    """Weights of the pictures at 1/1, 1/2 and 1/4.

    Args:
        scales: `finest` has no coarse pictures; `all` has all three from the start; `staged` begins
            with the coarsest, so that the picture as a whole is right before its details are. The
            terms that only the finest picture has, structure among them, count in full all along.
        progress: share of the run that is over.
    """
    if scales == "finest":
        return 1.0, 0.0, 0.0
    if scales == "staged":
        fine, half = (1.0 if progress >= begins else NOT_YET for begins in BEGINS)
        return fine, half, 1.0
    return 1.0, 1.0, 1.0


def _overview(reflectance_B3HW: Tensor, target_B3HW: Tensor) -> tuple[Tensor, Tensor]:
    """Noise is not the illumination's business: it is compared where noise has averaged out."""
    return F.avg_pool2d(reflectance_B3HW.clamp(max=1.5), 8), F.avg_pool2d(target_B3HW, 8)


def segmentation_loss(logits_BKhw: Tensor, labels_BHW: Tensor, classes_BK: Tensor) -> Tensor:
    """Cross entropy among the classes that an image's own label set knows.

    Args:
        logits_BKhw: of all classes, at any size.
        labels_BHW: class numbers, or `IGNORE`.
        classes_BK: which classes count, bool; the data sets name different things.
    """
    logits = F.interpolate(logits_BKhw.float(), size=labels_BHW.shape[1:], mode="bilinear")
    logits = logits.masked_fill(~classes_BK[:, :, None, None], -1e4)
    return F.cross_entropy(logits, labels_BHW, ignore_index=IGNORE)
