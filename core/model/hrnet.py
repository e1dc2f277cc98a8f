"""Semantic prior: what is in the picture, from a frozen HRNet segmentation network.

F_segment of DeepSPG, Eq. 1. B batch, C channels, K classes, H W pixels.

Two networks behind one interface. `hrnet-w18-small` comes in the box, trained here to see in the
dark what it sees in daylight. `hrnet-w48-ade20k` is the paper's; its weights are published by
others, and `load_released` reads both layouts they come in.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple, cast

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn
from torch.nn import functional as F

from core.errors import CheckpointError
from core.model.torchvision_guard import import_timm

if TYPE_CHECKING:
    from collections.abc import Mapping

MULTIPLE = 32
"""Height and width are padded to a multiple of this inside."""
USUAL_MEAN = 0.45
"""A dark picture is multiplied up to this mean before it is segmented."""
MOST_GAIN = 30.0
_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class PriorConfig(BaseModel):
    """What distinguishes one prior from another; stored in the header of its weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    backbone: str = "hrnet_w18_small"
    """timm's name."""
    branches: tuple[int, int, int, int] = (16, 32, 64, 128)
    """Channels of the backbone's last stage at 1/4, 1/8, 1/16 and 1/32."""
    head_width: int = 64
    head_kernel: int = 1
    classes: int = 32
    """Ours: 11 of CamVid, then 21 of PASCAL VOC. ADE20K's: 150."""


W48_ADE20K = PriorConfig(
    backbone="hrnet_w48", branches=(48, 96, 192, 384), head_width=180, head_kernel=3, classes=150
)


class Prior(NamedTuple):
    """M_seg and X_seg of Eq. 1."""

    features: tuple[Tensor, Tensor, Tensor]
    """Raw branch features at 1/4, 1/8 and 1/16."""
    branches: list[Tensor]
    """All four, from which `SemanticPrior.segment` makes the map."""


class SemanticPrior(nn.Module):
    """HRNetV2 with its segmentation head."""

    def __init__(self, config: PriorConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone = import_timm().create_model(
            config.backbone,
            pretrained=False,
            features_only=True,
            feature_location="",
            out_indices=(1, 2, 3, 4),
        )
        kernel = config.head_kernel
        self.head = nn.Sequential(
            nn.Conv2d(sum(config.branches), config.head_width, kernel, 1, kernel // 2, bias=False),
            nn.BatchNorm2d(config.head_width),
            nn.ReLU(),
            nn.Conv2d(config.head_width, config.classes, 1),
        )

    def forward(self, image_B3HW: Tensor) -> Prior:
        """Features of an sRGB image in [0, 1], dark or bright, of any size."""
        height, width = image_B3HW.shape[2:]
        pad = (0, -width % MULTIPLE, 0, -height % MULTIPLE)
        padded_B3HW = F.pad(expose(image_B3HW), pad, mode="replicate")
        branches = cast("list[Tensor]", self.backbone(padded_B3HW))
        return Prior((branches[0], branches[1], branches[2]), branches)

    def segment(self, prior: Prior) -> Tensor:
        """X_seg: logits (B, K, H/4, W/4)."""
        size = prior.branches[0].shape[2:]
        wide = [F.interpolate(b, size=size, mode="bilinear") for b in prior.branches]
        return cast("Tensor", self.head(torch.cat(wide, 1)))


def expose(image_B3HW: Tensor) -> Tensor:
    """Brings an image to a usual brightness, then to ImageNet's statistics.

    One gain for the whole picture: noise and colour stay as they are, so the network still has
    to learn the dark, but its first layers see values in their range.
    """
    mean_B111 = image_B3HW.mean((1, 2, 3), keepdim=True)
    gain_B111 = (USUAL_MEAN / mean_B111.clamp(min=1e-4)).clamp(1.0, MOST_GAIN)
    mean = image_B3HW.new_tensor(_IMAGENET_MEAN)[:, None, None]
    std = image_B3HW.new_tensor(_IMAGENET_STD)[:, None, None]
    return ((image_B3HW * gain_B111).clamp(max=1.0) - mean) / std


def load_released(
    encoder: Mapping[str, Tensor], decoder: Mapping[str, Tensor] | None
) -> SemanticPrior:
    """The paper's prior from a published checkpoint.

    Args:
        encoder: the scene-parsing release's encoder, or HRNet's own release, which holds the
            head as well.
        decoder: the scene-parsing release's decoder; none for HRNet's own release.

    Raises:
        CheckpointError: a key is missing, left over or of another shape.
    """
    if decoder is None:
        state = {_own_name(name): tensor for name, tensor in encoder.items()}
    else:
        state = {f"backbone.{name}": tensor for name, tensor in encoder.items()}
        state |= {_decoder_name(name): tensor for name, tensor in decoder.items()}
    state.pop("", None)
    return _strict(state)


_OWN_HEAD = {"last_layer.0": "head.0", "last_layer.1": "head.1", "last_layer.3": "head.3"}
_DECODER_HEAD = {"cbr.0": "head.0", "cbr.1": "head.1", "conv_last": "head.3"}


def _own_name(name: str) -> str:
    """HRNet's own release wraps the network in `model.` and keeps its loss beside it."""
    if name.startswith("loss."):
        return ""
    return _head_name(name.removeprefix("module.").removeprefix("model."), _OWN_HEAD)


def _decoder_name(name: str) -> str:
    return _head_name(name, _DECODER_HEAD) if not name.startswith("backbone.") else name


def _head_name(name: str, table: Mapping[str, str]) -> str:
    stem, _, leaf = name.rpartition(".")
    return f"{table[stem]}.{leaf}" if stem in table else f"backbone.{name}"


def _strict(state: dict[str, Tensor]) -> SemanticPrior:
    head = state.get("head.0.weight")
    last = state.get("head.3.weight")
    if head is None or last is None:
        raise CheckpointError("The HRNet checkpoint has no head: give encoder and decoder.")
    config = W48_ADE20K.model_copy(
        update={"head_width": head.shape[0], "head_kernel": head.shape[2], "classes": last.shape[0]}
    )
    with torch.device("meta"):
        prior = SemanticPrior(config)
    expected = prior.state_dict()
    # Releases older than PyTorch 0.4.1 lack the counter that only training with momentum None uses.
    for name in expected.keys() - state.keys():
        if name.endswith("num_batches_tracked"):
            state[name] = torch.zeros((), dtype=torch.int64)
    try:
        prior.load_state_dict(OrderedDict(state), strict=True, assign=True)
    except RuntimeError as error:
        reason = str(error).replace("\n", " ")[:300]
        raise CheckpointError(f"Not an HRNet-W48 segmentation checkpoint: {reason}") from error
    return prior.eval().requires_grad_(False)
