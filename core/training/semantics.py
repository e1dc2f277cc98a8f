"""What a picture shows, as a loss: DeepSPG's semantic and multimodal terms, Eq. 13 and 14.

B batch, K classes, H W pixels, h w of the class map, a quarter of H W.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch.nn import functional as F

from core.training.labelled import CAMVID_CLASSES, VOC_CLASSES

if TYPE_CHECKING:
    from torch import Tensor

    from core.model.clip_text import TextPrior
    from core.model.hrnet import SemanticPrior

MAP_STEP = 4
"""Pixels to a cell of the class map, along each side."""


def semantic_loss(prior: SemanticPrior, compared_B3HW: Tensor, reference_B3HW: Tensor) -> Tensor:
    """D_KL(X_seg || X^_seg), Eq. 13: X_seg is the compared picture's map, X^_seg the reference's.

    So it is the compared picture's classes that weigh the logarithms: what it is sure of and the
    reference is not costs most. The paper's words compare the low-light input; then nothing learns
    from this term, so the caller passes the output if something is to. Groups of classes that never
    stood against each other are judged apart, and their divergences added.

    Args:
        prior: frozen and in evaluation mode, as `checkpoint.load` returns it.
        compared_B3HW: the output, or the input, in [0, 1]; the gradient reaches it.
        reference_B3HW: what it should look like, in [0, 1]; no gradient.

    Returns:
        Mean over the maps' cells, in nats, at least 0.
    """
    compared_BKhw = _log_shares(_logits(prior, compared_B3HW))
    with torch.no_grad():
        reference_BKhw = _log_shares(_logits(prior, reference_B3HW))
    # kl_div(a, b) is D_KL(b || a).
    found = F.kl_div(reference_BKhw, compared_BKhw, reduction="none", log_target=True)
    return found.sum(1).mean()


def multimodal_loss(text: TextPrior, image_B3HW: Tensor) -> Tensor:
    """Eq. 14: how much nearer a picture in [0, 1] is to the dark words than to the bright ones."""
    dark_B, bright_B = text(image_B3HW)
    return cast("Tensor", (dark_B - bright_B).mean())


@torch.no_grad()
def class_map(prior: SemanticPrior, image_B3HW: Tensor) -> Tensor:
    """The likeliest class of every pixel, int64 (B, H, W), below the prior's number of classes.

    Of our prior's two groups, a thing that PASCAL VOC names counts before what CamVid calls the
    place: background is where VOC sees nothing.
    """
    logits_BKhw = _logits(prior, image_B3HW)
    groups = [
        group.argmax(1) for group in logits_BKhw.split_with_sizes(_groups(logits_BKhw.shape[1]), 1)
    ]
    classes_Bhw = groups[0]
    if len(groups) == 2:
        classes_Bhw = torch.where(groups[1] > 0, groups[1] + CAMVID_CLASSES, groups[0])
    wide = classes_Bhw.repeat_interleave(MAP_STEP, 1).repeat_interleave(MAP_STEP, 2)
    return wide[:, : image_B3HW.shape[2], : image_B3HW.shape[3]]


def _logits(prior: SemanticPrior, image_B3HW: Tensor) -> Tensor:
    """Of the picture alone, without what the prior pads it with."""
    height, width = (-(-length // MAP_STEP) for length in image_B3HW.shape[2:])
    return prior.segment(prior(image_B3HW))[:, :, :height, :width].float()


def _log_shares(logits_BKhw: Tensor) -> Tensor:
    groups = logits_BKhw.split_with_sizes(_groups(logits_BKhw.shape[1]), 1)
    return torch.cat([group.log_softmax(1) for group in groups], 1)


def _groups(classes: int) -> list[int]:
    """Sizes of the sets of classes that were trained against each other."""
    ours = [CAMVID_CLASSES, VOC_CLASSES]
    return ours if classes == sum(ours) else [classes]
