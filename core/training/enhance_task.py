"""Training DeepSPG on pairs, by the paper's objective (Eq. 15) and SKF's."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from core.errors import ModelError
from core.model import checkpoint
from core.model.clip_text import TextPrior
from core.training.datasets import Mixture, PairCrops, to_tensor
from core.training.layouts import open_pairs
from core.training.losses import MEASURES, enhancement_losses, pixel_loss, scale_weights
from core.training.metrics import psnr, ssim
from core.training.semantics import class_map, multimodal_loss, semantic_loss
from core.training.skf import SemanticAdversary, histogram_loss

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from core.model.deepspg import DeepSPG, Enhanced
    from core.model.hrnet import SemanticPrior
    from core.training.recipe import Recipe

    Picture = NDArray[np.uint8]

LOOKED_AT = 3
"""How many validation pairs a person gets to see."""
_LAST = {"memory_format": torch.channels_last}


class EnhanceTask:
    """Make dark crops bright.

    Attributes:
        said: what became of the terms that need weights of others; goes into the weights' header.
    """

    def __init__(self, network: DeepSPG, recipe: Recipe, data: Path, device: torch.device) -> None:
        self.network, self._recipe, self._device = network, recipe, device
        self.said: dict[str, str] = {}
        self._prior = _open_prior(recipe.prior, device)
        self._teacher = _open_teacher(recipe, device)
        self._text = self._open_text()
        self.rival = _open_rival(recipe, self._prior, device)
        self._mixtures = [
            Mixture(open_pairs(source, data), source.weight, source.reduced)
            for source in recipe.data
        ]
        self._validation = open_pairs(recipe.validation, data)
        self._seen: tuple[Tensor, Tensor, Tensor] | None = None

    def crops(self, side: int) -> PairCrops:
        """Crops of this side."""
        plan = self._recipe
        return PairCrops(
            self._mixtures,
            side,
            plan.schedule.seed,
            mix_up=plan.mix_up,
            filmed=plan.filmed,
            shaken=plan.shaken,
            twin=bool(plan.objective.steady),
        )

    def losses(self, batch: list[Tensor], progress: float) -> dict[str, Tensor]:
        """The terms of the objective that have a weight, weighted."""
        dark_B3HW, *again, bright_B3HW = (tensor.contiguous(**_LAST) for tensor in batch)
        if self._teacher is not None:
            bright_B3HW = self._teacher(dark_B3HW)
        found = self._enhance(self.network, dark_B3HW)
        output_B3HW = found.images[0].float()
        wanted = self._recipe.objective
        scales, measure = scale_weights(wanted.scales, progress), MEASURES[wanted.error]
        terms = enhancement_losses(found, bright_B3HW, scales, measure)
        terms |= self._semantic_terms(dark_B3HW, output_B3HW, bright_B3HW)
        for twin_B3HW in again:
            other = self._enhance(self.network, twin_B3HW).images[0].float()
            terms["steady"] = pixel_loss(output_B3HW, other)
        weights = wanted.model_dump()
        return {name: weights[name] * term for name, term in terms.items() if weights[name]}

    def _semantic_terms(
        self, dark_B3HW: Tensor, output_B3HW: Tensor, bright_B3HW: Tensor
    ) -> dict[str, Tensor]:
        wanted, terms = self._recipe.objective, {}
        if self._text is not None:
            terms["multimodal"] = multimodal_loss(self._text, output_B3HW.clamp(0, 1))
        if self._prior is None:
            return terms
        if wanted.semantic:
            compared = output_B3HW if wanted.semantic_of == "output" else dark_B3HW
            terms["semantic"] = semantic_loss(self._prior, compared.clamp(0, 1), bright_B3HW)
        if wanted.histogram or self.rival is not None:
            classes_BHW = class_map(self._prior, bright_B3HW)
            if wanted.histogram:
                terms["histogram"] = histogram_loss(output_B3HW, bright_B3HW, classes_BHW)
            if self.rival is not None:
                terms["adversarial"] = self.rival.generator_loss(output_B3HW, classes_BHW)
                self._seen = output_B3HW.detach(), bright_B3HW, classes_BHW
        return terms

    def rival_loss(self) -> Tensor | None:
        """How badly the discriminators told the last batch's outputs from its references."""
        if self.rival is None or self._seen is None:
            return None
        return self.rival.discriminator_loss(*self._seen)

    @torch.inference_mode()
    def validate(self, network: nn.Module) -> dict[str, float]:
        """Mean PSNR and SSIM on what the recipe is judged on."""
        found = []
        for pair in self._validation:
            picture = self._picture(network, cast("Picture", pair.dark))
            found.append((psnr(picture, pair.bright), ssim(picture, pair.bright)))
        psnr_mean, ssim_mean = np.mean(found, axis=0)
        return {"psnr": round(float(psnr_mean), 3), "ssim": round(float(ssim_mean), 4)}

    @torch.inference_mode()
    def pictures(self, network: nn.Module) -> dict[str, Picture]:
        """Dark, enhanced and reference, beside each other."""
        shown = {}
        apart = -(-len(self._validation) // LOOKED_AT)
        for number in range(0, len(self._validation), apart):
            dark, bright = self._validation[number]
            enhanced = self._picture(network, cast("Picture", dark))
            shown[f"val-{number}"] = np.hstack([cast("Picture", dark), enhanced, bright])
        return shown

    def _picture(self, network: nn.Module, dark: Picture) -> Picture:
        dark_B3HW = to_tensor(dark)[None].to(self._device)
        image = self._enhance(cast("DeepSPG", network).eval(), dark_B3HW).images[0]
        return (image[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()

    def _enhance(self, network: DeepSPG, dark_B3HW: Tensor) -> Enhanced:
        return _enhanced(network, self._prior, dark_B3HW)

    def _open_text(self) -> TextPrior | None:
        """CLIP, or a word on why there is none; prompts that are missing are a mistake."""
        wanted = self._recipe.objective
        if not wanted.multimodal:
            return None
        try:
            text = TextPrior.open(wanted.clip, wanted.prompts, wanted.clip_model)
        except ModelError as error:
            self.said["multimodal"] = f"off: {error}"
            return None
        self.said["multimodal"] = f"on: {wanted.clip}"
        return text.to(self._device)


def _enhanced(network: DeepSPG, prior: SemanticPrior | None, dark_B3HW: Tensor) -> Enhanced:
    if prior is None:
        return cast("Enhanced", network(dark_B3HW))
    with torch.no_grad():
        features = prior(dark_B3HW).features
    return cast("Enhanced", network(dark_B3HW, network.queries(features)))


def _open_prior(name: str | None, device: torch.device) -> SemanticPrior | None:
    if name is None:
        return None
    network = checkpoint.load(checkpoint.find(name), "hrnet-prior").network
    return cast("SemanticPrior", network.to(device))


def _open_teacher(recipe: Recipe, device: torch.device) -> Callable[[Tensor], Tensor] | None:
    """What makes the pictures to learn from; none where the references are learnt."""
    if recipe.teacher is None:
        return None
    loaded = checkpoint.load(checkpoint.find(recipe.teacher), "deepspg")
    network = cast("DeepSPG", loaded.network.to(device))
    name = loaded.header.get("prior", "none")
    prior = _open_prior(None if name == "none" else name, device)

    @torch.no_grad()
    def teach(dark_B3HW: Tensor) -> Tensor:
        return _enhanced(network, prior, dark_B3HW).images[0].float()

    return teach


def _open_rival(
    recipe: Recipe, prior: SemanticPrior | None, device: torch.device
) -> SemanticAdversary | None:
    if not recipe.objective.adversarial or prior is None:
        return None
    return SemanticAdversary(prior.config.classes).to(device)
