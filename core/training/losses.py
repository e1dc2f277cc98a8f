"""What training minimises. B batch, C channels, K classes, H W pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from kornia.metrics import ssim
from torch import Tensor
from torch.nn import functional as F

if TYPE_CHECKING:
    from core.model.deepspg import Enhanced

CHARBONNIER = 1e-3
"""Below this error the root behaves like a square."""
IGNORE = 255
"""Label of a pixel that teaches nothing."""


def pixel_loss(image_B3HW: Tensor, target_B3HW: Tensor) -> Tensor:
    """Eq. 11 under Charbonnier's root: the bare square all but ignores fine noise."""
    return ((image_B3HW - target_B3HW).square() + CHARBONNIER**2).sqrt().mean()


def edge_loss(image_B3HW: Tensor, target_B3HW: Tensor) -> Tensor:
    """Eq. 12, the difference of gradients, under the same root as the pixel loss."""
    difference = image_B3HW - target_B3HW
    down, across = difference.diff(dim=2), difference.diff(dim=3)
    return sum_of_roots(down) + sum_of_roots(across)


def structure_loss(image_B3HW: Tensor, target_B3HW: Tensor) -> Tensor:
    """One minus the structural similarity; not in the paper, for textures the other terms blur."""
    similar = ssim(image_B3HW, target_B3HW, 11, padding="valid")
    return 1 - cast("Tensor", similar).mean()


def sum_of_roots(difference: Tensor) -> Tensor:
    """Mean Charbonnier magnitude."""
    return (difference.square() + CHARBONNIER**2).sqrt().mean()


def enhancement_losses(found: Enhanced, target_B3HW: Tensor) -> dict[str, Tensor]:
    """Pixel and edge loss at every scale; the decomposition's own: X_r is the bright picture."""
    terms = {"light": pixel_loss(*_overview(found.reflectance_B3HW, target_B3HW))}
    pixel, edge = [], []
    for image in found.images:
        target = F.adaptive_avg_pool2d(target_B3HW, (image.shape[2], image.shape[3]))
        pixel.append(pixel_loss(image.float(), target))
        edge.append(edge_loss(image.float(), target))
    terms["pixel"], terms["edge"] = torch.stack(pixel).sum(), torch.stack(edge).sum()
    terms["structure"] = structure_loss(found.images[0].float(), target_B3HW)
    return terms


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
