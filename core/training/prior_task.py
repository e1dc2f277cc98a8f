"""Training the semantic prior: to segment dark pictures as it does bright ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import cv2
import numpy as np
import torch
from torch.nn import functional as F

from core.training.darkness import Darkness, darken
from core.training.datasets import to_tensor
from core.training.labelled import CAMVID_CLASSES, LabelledCrops, camvid, voc_pseudo
from core.training.losses import segmentation_loss

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from core.model.hrnet import SemanticPrior

    Picture = NDArray[np.uint8]

VALIDATION_NIGHT = Darkness(
    exposure=0.02,
    electrons=8_000,
    read_noise=2,
    balance=(1.05, 1.0, 0.95),
    vignette=0.2,
    black=0.0,
    jpeg=90,
)
"""The dark that the prior is judged in."""


class PriorTask:
    """Segment CamVid and (weakly) VOC, bright and dark alike."""

    rival = None

    def __init__(self, network: SemanticPrior, data: Path, seed: int) -> None:
        self.network = network
        self.said: dict[str, str] = {}
        self._pictures = camvid(data / "camvid", "train") + voc_pseudo(data)
        self._seed = seed
        self._validation = camvid(data / "camvid", "val")[::4]

    def crops(self, side: int) -> LabelledCrops:
        """Crops of this side."""
        return LabelledCrops(self._pictures, side, self._seed)

    def losses(self, batch: list[Tensor], progress: float) -> dict[str, Tensor]:
        """Cross entropy."""
        image_B3HW, labels_BHW, classes_BK = batch
        logits = self.network.segment(self.network(image_B3HW.contiguous(**_LAST)))
        return {"segmentation": segmentation_loss(logits, labels_BHW, classes_BK)}

    @torch.inference_mode()
    def validate(self, network: nn.Module) -> dict[str, float]:
        """Mean intersection over union on CamVid's val split, in daylight and in the dark."""
        prior = cast("SemanticPrior", network).eval()
        day, night = _confusion(), _confusion()
        for number, picture in enumerate(self._validation):
            random = np.random.default_rng(number)
            dark = darken(picture.bright, VALIDATION_NIGHT, random)
            for seen, counts in ((picture.bright, day), (dark, night)):
                counts += _count(_classify(prior, seen), picture.labels)
        return {"miou_day": _mean_iou(day), "miou_night": _mean_iou(night)}

    def rival_loss(self) -> None:
        """There is no rival."""

    @torch.inference_mode()
    def pictures(self, network: nn.Module) -> dict[str, Picture]:
        """Day and night of one street, and the classes found in each."""
        prior = cast("SemanticPrior", network).eval()
        day = self._validation[0].bright
        night = darken(day, VALIDATION_NIGHT, np.random.default_rng(0))
        found = [_paint(_classify(prior, seen)) for seen in (day, night)]
        return {"classes": np.vstack([np.hstack([day, night]), np.hstack(found)])}


_LAST = {"memory_format": torch.channels_last}


def _confusion() -> NDArray[np.int64]:
    return np.zeros((CAMVID_CLASSES, CAMVID_CLASSES), np.int64)


def _classify(prior: SemanticPrior, picture: NDArray[np.uint8]) -> NDArray[np.int64]:
    image_B3HW = to_tensor(picture)[None].to(next(prior.parameters()).device)
    logits = prior.segment(prior(image_B3HW))[:, :CAMVID_CLASSES]
    full = F.interpolate(logits, scale_factor=4, mode="bilinear")[0]
    found = cast("NDArray[np.int64]", full.argmax(0).cpu().numpy())
    return found[: picture.shape[0], : picture.shape[1]]


def _count(found: NDArray[np.int64], labels: NDArray[np.uint8]) -> NDArray[np.int64]:
    known = labels < CAMVID_CLASSES
    codes = labels[known].astype(np.int64) * CAMVID_CLASSES + found[known]
    return np.bincount(codes, minlength=CAMVID_CLASSES**2).reshape(CAMVID_CLASSES, -1)


def _mean_iou(counts: NDArray[np.int64]) -> float:
    hit = np.diag(counts)
    union = counts.sum(0) + counts.sum(1) - hit
    return round(float((hit[union > 0] / union[union > 0]).mean()), 4)


def _paint(classes: NDArray[np.int64]) -> Picture:
    codes = np.rint(classes * (255 / CAMVID_CLASSES)).astype(np.uint8)
    painted = cast("Picture", cv2.applyColorMap(codes, cv2.COLORMAP_TURBO))
    return np.ascontiguousarray(painted[..., ::-1])
