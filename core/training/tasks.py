"""What there is to train: the semantic prior, and DeepSPG on top of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch.nn import functional as F

from core.training.darkness import Darkness, darken
from core.training.datasets import (
    CAMVID_CLASSES,
    LabelledCrops,
    Mixture,
    PairCrops,
    bright_pictures,
    camvid,
    lol_pairs,
    sice_references,
    to_tensor,
    voc_pseudo,
)
from core.training.losses import enhancement_losses, segmentation_loss
from core.training.metrics import psnr, ssim

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from core.model.deepspg import DeepSPG, Enhanced
    from core.model.hrnet import SemanticPrior
    from core.training.trainer import Schedule

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
WEIGHTS = {"light": 0.5, "pixel": 1.0, "edge": 0.5, "structure": 0.3}


class PriorTask:
    """Segment CamVid and (weakly) VOC, bright and dark alike."""

    def __init__(self, network: SemanticPrior, data: Path, schedule: Schedule) -> None:
        self.network = network
        pictures = camvid(data / "camvid", "train") + voc_pseudo(data)
        self.crops = LabelledCrops(pictures, schedule.crop, schedule.seed)
        self._validation = camvid(data / "camvid", "val")[::4]

    def losses(self, batch: list[Tensor]) -> dict[str, Tensor]:
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


class EnhanceTask:
    """Enhance LOL-v1's pairs and darkened pictures."""

    def __init__(
        self, network: DeepSPG, prior: SemanticPrior | None, data: Path, schedule: Schedule
    ) -> None:
        self.network, self._prior = network, prior
        mixtures = [
            Mixture(lol_pairs(data / "lol_v1", "train"), 0.65),
            Mixture(sice_references(data / "sice"), 0.2),
            Mixture(bright_pictures(data / "camvid" / "train"), 0.15),
        ]
        self.crops = PairCrops(mixtures, schedule.crop, schedule.seed)
        self._validation = lol_pairs(data / "lol_v1", "val")

    def losses(self, batch: list[Tensor]) -> dict[str, Tensor]:
        """Pixel, edge and decomposition terms, weighted."""
        dark_B3HW, bright_B3HW = (tensor.contiguous(**_LAST) for tensor in batch)
        terms = enhancement_losses(self._enhance(self.network, dark_B3HW), bright_B3HW)
        return {name: WEIGHTS[name] * term for name, term in terms.items()}

    @torch.inference_mode()
    def validate(self, network: nn.Module) -> dict[str, float]:
        """Mean PSNR and SSIM on LOL-v1's held-out scenes."""
        deepspg = cast("DeepSPG", network).eval()
        found = []
        for dark, bright in self._validation:
            dark_B3HW = to_tensor(cast("NDArray[np.uint8]", dark))[None]
            image = self._enhance(deepspg, dark_B3HW).images[0]
            picture = (image[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
            found.append((psnr(picture, bright), ssim(picture, bright)))
        psnr_mean, ssim_mean = np.mean(found, axis=0)
        return {"psnr": round(float(psnr_mean), 3), "ssim": round(float(ssim_mean), 4)}

    def _enhance(self, network: DeepSPG, dark_B3HW: Tensor) -> Enhanced:
        if self._prior is None:
            return cast("Enhanced", network(dark_B3HW))
        with torch.no_grad():
            features = self._prior(dark_B3HW).features
        return cast("Enhanced", network(dark_B3HW, network.queries(features)))


_LAST = {"memory_format": torch.channels_last}


def _confusion() -> NDArray[np.int64]:
    return np.zeros((CAMVID_CLASSES, CAMVID_CLASSES), np.int64)


def _classify(prior: SemanticPrior, picture: NDArray[np.uint8]) -> NDArray[np.int64]:
    logits = prior.segment(prior(to_tensor(picture)[None]))[:, :CAMVID_CLASSES]
    full = F.interpolate(logits, scale_factor=4, mode="bilinear")[0]
    return cast("NDArray[np.int64]", full.argmax(0).numpy())[: picture.shape[0], : picture.shape[1]]


def _count(found: NDArray[np.int64], labels: NDArray[np.uint8]) -> NDArray[np.int64]:
    known = labels < CAMVID_CLASSES
    codes = labels[known].astype(np.int64) * CAMVID_CLASSES + found[known]
    return np.bincount(codes, minlength=CAMVID_CLASSES**2).reshape(CAMVID_CLASSES, -1)


def _mean_iou(counts: NDArray[np.int64]) -> float:
    hit = np.diag(counts)
    union = counts.sum(0) + counts.sum(1) - hit
    return round(float((hit[union > 0] / union[union > 0]).mean()), 4)
