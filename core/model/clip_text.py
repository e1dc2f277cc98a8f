"""Text prior: how near a picture is to words for dark and for bright, from a frozen CLIP.

Enc_i, Enc_t and D_cos of DeepSPG, Eq. 2, 3 and 9. B batch, H W pixels, D dimensions of CLIP's joint
space. Only training needs it, so open_clip is imported when a prior is opened.
"""

from __future__ import annotations

import importlib
import pickle
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch
from pydantic import Field, ValidationError
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.nn import functional as F

from core.errors import CheckpointError, ModelError, SettingsError
from core.model.torchvision_guard import import_timm
from core.settings import Model

if TYPE_CHECKING:
    from types import ModuleType

PROMPTS = Path(__file__).parents[2] / "assets" / "prompts.toml"
"""The paper's words."""
_UNREADABLE = (
    RuntimeError,
    OSError,
    EOFError,
    ValueError,
    LookupError,
    AttributeError,
    pickle.UnpicklingError,
    SafetensorError,
)


class Prompts(Model):
    """Texts for either side; the mean of a side's embeddings counts."""

    dark: tuple[str, ...] = Field(min_length=1)
    bright: tuple[str, ...] = Field(min_length=1)


class TextPrior(nn.Module):
    """CLIP's image encoder beside two fixed text embeddings; nothing in it learns.

    The text encoder has done its work once the texts are embedded, and is not kept.

    Args:
        clip: a network of open_clip's.
        dark_D: what the dark texts mean to it.
        bright_D: what the bright texts mean to it.
    """

    dark_D: Tensor
    bright_D: Tensor
    mean_311: Tensor
    std_311: Tensor

    def __init__(self, clip: nn.Module, dark_D: Tensor, bright_D: Tensor) -> None:
        super().__init__()
        self.visual = cast("nn.Module", clip.visual)
        self._side_px = cast("tuple[int, int]", self.visual.image_size)[0]
        self.register_buffer("dark_D", dark_D)
        self.register_buffer("bright_D", bright_D)
        self.register_buffer("mean_311", torch.tensor(self.visual.image_mean)[:, None, None])
        self.register_buffer("std_311", torch.tensor(self.visual.image_std)[:, None, None])
        self.eval().requires_grad_(False)

    @classmethod
    def open(
        cls, weights: str, prompts: str | Path = PROMPTS, model: str = "ViT-B-16"
    ) -> TextPrior:
        """The prior of published weights.

        Args:
            weights: a safetensors or PyTorch file, or a name that open_clip can fetch, such as
                `openai` (the paper's) or `laion2b_s34b_b88k`.
            prompts: a TOML file with the lists of texts `dark` and `bright`.
            model: open_clip's name of the architecture. A file does not say which activation it
                was trained with: OpenAI's weights in a file need `ViT-B-16-quickgelu`.

        Raises:
            ModelError: open_clip is not installed.
            CheckpointError: the weights are missing, cannot be fetched, are of another
                architecture or need pickled code to be run.
            SettingsError: the prompts are missing or not understood.
        """
        texts = read_prompts(prompts)
        open_clip = _import_open_clip()
        clip = _create(open_clip, weights, model)
        tokenize = open_clip.get_tokenizer(model)
        dark_D, bright_D = (_embed(clip, tokenize(list(t))) for t in (texts.dark, texts.bright))
        return cls(clip, dark_D, bright_D)

    def forward(self, image_B3HW: Tensor) -> tuple[Tensor, Tensor]:
        """D_cos to the dark texts and to the bright ones, Eq. 9.

        Args:
            image_B3HW: sRGB in [0, 1], of any size. What CLIP sees is its middle square.

        Returns:
            Two of (B,), in [-1, 1].
        """
        image_BD = self.visual(self.prepare(image_B3HW))
        dark_B = F.cosine_similarity(image_BD, self.dark_D, dim=1)
        return dark_B, F.cosine_similarity(image_BD, self.bright_D, dim=1)

    def prepare(self, image_B3HW: Tensor) -> Tensor:
        """CLIP's own view: shortest side resized, middle cut out, colours normalised."""
        height, width = image_B3HW.shape[2:]
        side = self._side_px
        size = (max(side, side * height // width), max(side, side * width // height))
        whole = F.interpolate(image_B3HW.float(), size, mode="bicubic", antialias=True)
        top, left = (round((length - side) / 2) for length in size)
        middle = whole[:, :, top : top + side, left : left + side]
        return (middle.clamp(0, 1) - self.mean_311) / self.std_311


def read_prompts(path: str | Path) -> Prompts:
    """The texts in a TOML file.

    Raises:
        SettingsError: there is no such file, or it does not hold both lists.
    """
    try:
        return Prompts.model_validate(tomllib.loads(Path(path).read_text()))
    except OSError as error:
        raise SettingsError(f"Cannot read the prompts {path}: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValidationError) as error:
        raise SettingsError(
            f"The prompts {path} are not understood: give two lists of texts, dark and bright."
        ) from error


def _import_open_clip() -> ModuleType:
    import_timm()  # open_clip imports torchvision as timm does; whoever comes first needs the guard
    try:
        return importlib.import_module("open_clip")
    except ImportError as error:
        raise ModelError(
            "The text prior needs open_clip, which is not here: install LowLux with its extra "
            "'train', or give the multimodal term the weight 0."
        ) from error


def _create(open_clip: ModuleType, weights: str, model: str) -> nn.Module:
    names = open_clip.list_pretrained_tags_by_model(model)
    if weights not in names and not Path(weights).is_file():
        known = f"a name that it knows, such as {names[0]}" if names else "another model's name"
        raise CheckpointError(
            f"open_clip has no weights {weights!r} for {model}: give a file, or {known}."
        )
    quick = open_clip.get_pretrained_cfg(model, weights).get("quick_gelu", False)
    try:
        clip: nn.Module = open_clip.create_model(
            model, weights, force_quick_gelu=quick, weights_only=True, require_pretrained=True
        )
    except _UNREADABLE as error:
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(
            f"The CLIP weights {weights} could not be loaded into {model} ({reason}): give a "
            "safetensors file of that model's weights."
        ) from error
    return clip.eval()


@torch.no_grad()
def _embed(clip: nn.Module, tokens: Tensor) -> Tensor:
    embedded = clip.encode_text(tokens)  # type: ignore[operator]
    return F.normalize(F.normalize(embedded, dim=1).mean(0), dim=0)
