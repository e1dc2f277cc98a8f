"""DeepSPG: Retinex enhancement guided by semantics, coarse to fine.

After "DeepSPG: Exploring Deep Semantic Prior Guidance for Low-light Image Enhancement with
Multimodal Learning"; equation numbers are the paper's. B batch, C channels, H W pixels; a digit
after a name is its scale: features_4 are at 1/4.

Everything between the decomposition and the last sum runs at half resolution or below; the picture
is folded into channels (pixel unshuffle) and unfolded again, which loses nothing and takes a
quarter of the time.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from kornia.filters import guided_blur
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn
from torch.nn import functional as F

from core.model.retinex import Decomposition
from core.model.sem import SemanticEmbedding

MULTIPLE = 16
"""Height and width are padded to a multiple of this inside."""
NEIGHBOURHOOD = 17
"""Side, in cells of 1/16, of what is relit as one."""
EVEN = 1e-3
"""Variance of brightness below which a neighbourhood counts as one surface."""


class DeepSPGConfig(BaseModel):
    """What distinguishes one DeepSPG from another; stored in the header of its weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    widths: tuple[int, int, int, int] = (32, 48, 48, 64)
    """Channels at 1/2, 1/4, 1/8 and 1/16."""
    depths: tuple[int, int, int, int] = (3, 2, 1, 1)
    """Residual blocks at each scale, once on the way down and, above 1/16, once on the way up."""
    prior_channels: tuple[int, int, int] | None = (16, 32, 64)
    """Channels of the semantic prior at 1/4, 1/8 and 1/16; none for the network without a prior."""
    judge: DeepSPGConfig | None = None
    """Of a second, smaller network without a prior, which guesses the exposure as well; it has
    learnt by itself."""


CONFIGS = {
    "deepspg": DeepSPGConfig(),
    "deepspg-large": DeepSPGConfig(widths=(64, 96, 96, 112)),
}
"""The two sizes, each within the paper's budget for it."""


class Enhanced(NamedTuple):
    """What the network found; pictures are not clipped to [0, 1]."""

    images: list[Tensor]
    """Finest first: (B, 3, H, W), and when training also the one at 1/2 and the one at 1/4."""
    light_B1HW: Tensor
    """Illumination of the input, Eq. 6."""
    reflectance_B3HW: Tensor
    """Reflectance of the input before its refinement, Eq. 6."""


class Residual(nn.Module):
    """Two convolutions beside the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.second.weight)

    def forward(self, features_BCHW: Tensor) -> Tensor:
        """Refines; the shape stays."""
        inner = F.leaky_relu(self.first(features_BCHW), 0.1)
        return features_BCHW + self.second(inner)  # type: ignore[no-any-return]


class DeepSPG(nn.Module):
    """F_Reflectance of Eq. 4, with the decomposition before it."""

    def __init__(self, config: DeepSPGConfig) -> None:
        super().__init__()
        self.config = config
        w2, w4, w8, w16 = config.widths
        d2, d4, d8, d16 = config.depths
        s4, s8, s16 = config.prior_channels or (1, 1, 1)
        self.decompose = Decomposition()
        self.fold = nn.Conv2d(4 * 7, w2, 3, padding=1)
        self.encode_2, self.encode_4 = _blocks(w2, d2), _blocks(w4, d4)
        self.encode_8, self.encode_16 = _blocks(w8, d8), _blocks(w16, d16)
        self.down_4, self.down_8 = nn.Conv2d(w2, w4, 2, 2), nn.Conv2d(w4, w8, 2, 2)
        self.down_16 = nn.Conv2d(w8, w16, 2, 2)
        self.sem_16 = SemanticEmbedding(w16, s16)
        self.sem_8, self.sem_4 = SemanticEmbedding(w8, s8), SemanticEmbedding(w4, s4)
        self.up_8, self.up_4 = nn.Conv2d(w16, w8, 1), nn.Conv2d(w8, w4, 1)
        self.up_2 = nn.Conv2d(w4, w2, 1)
        self.decode_8, self.decode_4 = _blocks(w8, d8), _blocks(w4, d4)
        self.decode_2 = _blocks(w2, d2)
        self.head_4, self.head_2 = nn.Conv2d(w4, 3, 1), nn.Conv2d(w2, 3, 1)
        self.head_1 = nn.Conv2d(w2, 4 * (3 + 1), 3, padding=1)
        self.judge = None if config.judge is None else DeepSPG(config.judge)

    def queries(self, prior: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """M_seg (Eq. 1) as the three SEMs want it, from 1/4, 1/8 and 1/16.

        They hold for every frame until the prior is computed anew.
        """
        prior_4, prior_8, prior_16 = prior
        return self.sem_4.query(prior_4), self.sem_8.query(prior_8), self.sem_16.query(prior_16)

    def forward(
        self, image_B3HW: Tensor, queries: tuple[Tensor, Tensor, Tensor] | None = None
    ) -> Enhanced:
        """Makes a dark image in [0, 1] bright; any height and width from 32 pixels up."""
        height, width = image_B3HW.shape[2:]
        pad = (0, -width % MULTIPLE, 0, -height % MULTIPLE)
        image_B3HW = F.pad(image_B3HW, pad, mode="replicate")
        query_4, query_8, query_16 = queries or (None, None, None)

        light, reflectance = self.decompose(image_B3HW)  # Eq. 6
        # Not given a name: at full size it would be kept in memory to the end.
        folded_BC = self.fold(F.pixel_unshuffle(torch.cat([image_B3HW, light, reflectance], 1), 2))
        features_2 = self.encode_2(folded_BC)
        features_4 = self.encode_4(self.down_4(features_2))
        features_8 = self.encode_8(self.down_8(features_4))
        features_16 = self.sem_16(self.encode_16(self.down_16(features_8)), query_16)
        features_8 = self.sem_8(features_8 + _up(self.up_8(features_16)), query_8)
        features_8 = self.decode_8(features_8)
        features_4 = self.sem_4(features_4 + _up(self.up_4(features_8)), query_4)
        features_4 = self.decode_4(features_4)
        features_2 = self.decode_2(features_2 + _up(self.up_2(features_4)))

        images = [self._finest(reflectance, features_2)]
        if self.training:
            images += self._coarse(reflectance, features_2, features_4)
        cut = (..., slice(height), slice(width))
        images[0] = images[0][cut]
        return Enhanced(images, light[cut], reflectance[cut])

    def _finest(self, reflectance: Tensor, features_2: Tensor) -> Tensor:
        """Reflectance where it can be trusted, its average where it is noise, and a residual.

        Taking noise away by a residual alone would mean predicting the noise of each pixel.
        """
        unfolded = F.pixel_shuffle(self.head_1(features_2), 2)
        residual, trust = unfolded[:, :3], unfolded[:, 3:].float().sigmoid()
        calm = F.interpolate(F.avg_pool2d(reflectance, 4), scale_factor=4, mode="bilinear")
        return torch.lerp(calm, reflectance, trust) + residual - _stray_shade(residual, reflectance)

    def _coarse(self, reflectance: Tensor, features_2: Tensor, features_4: Tensor) -> list[Tensor]:
        """The pictures at 1/2 and 1/4 that training supervises as well."""
        return [
            F.avg_pool2d(reflectance, 2) + self.head_2(features_2),
            F.avg_pool2d(reflectance, 4) + self.head_4(features_4),
        ]


def _stray_shade(residual_B3HW: Tensor, reflectance_B3HW: Tensor) -> Tensor:
    """The smooth part of a residual's brightness that the picture beneath does not explain.

    Left in, it shows as a dark or bright halo about a roof against the sky, and along the border of
    the picture. What is explained is found with the guided filter (He, Sun and Tang, 2013).
    """
    shade = F.avg_pool2d(residual_B3HW, MULTIPLE).float().mean(1, keepdim=True)
    guide = F.avg_pool2d(reflectance_B3HW, MULTIPLE).float().mean(1, keepdim=True)
    explained = guided_blur(guide, shade, NEIGHBOURHOOD, EVEN, "replicate")
    stray: Tensor = F.interpolate(shade - explained, scale_factor=MULTIPLE, mode="bilinear")
    return stray


def _blocks(channels: int, depth: int) -> nn.Sequential:
    return nn.Sequential(*(Residual(channels) for _ in range(depth)))


def _up(features: Tensor) -> Tensor:
    return F.interpolate(features, scale_factor=2, mode="bilinear")
