"""What a training run is made of: one TOML file, any field of which can be set on the way in.

`--set schedule.rate=1e-4` and `--set schedule.stages.0.steps=10` reach every field; values are
TOML.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from core.errors import SettingsError
from core.model.deepspg import DeepSPGConfig
from core.model.hrnet import PriorConfig
from core.training.layouts import DataSource

if TYPE_CHECKING:
    from collections.abc import Sequence


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Stage(_Part):
    """A stretch of the run with crops of one size; later stages usually have larger ones."""

    steps: int = Field(ge=1)
    batch: int = Field(8, ge=1)
    """Crops a step, over all devices together."""
    crop: int = Field(128, ge=32)
    """Side of a crop, in pixels."""


class Schedule(_Part):
    """How long and how hard to train."""

    stages: tuple[Stage, ...] = Field(min_length=1)
    rate: float = 3e-4
    """Adam's learning rate at the top of the cosine."""
    warm_up: int = Field(100, ge=1)
    """Steps over which the rate rises to its top."""
    ema: float = 0.995
    """Decay of the averaged weights: they look back about 1 / (1 - ema) steps."""
    seed: int = 1
    save_every: int = Field(250, ge=1)
    threads: int = 1
    """Processor threads of each process."""
    workers: int = 0
    """Processes that prepare crops; 0 prepares them in the training process."""

    @property
    def steps(self) -> int:
        """Of all stages."""
        return sum(stage.steps for stage in self.stages)


class Objective(_Part):
    """Weights of the terms that DeepSPG minimises, Eq. 15; 0 leaves a term out."""

    pixel: float = 1.0
    """Eq. 11."""
    edge: float = 0.5
    """Eq. 12."""
    error: Literal["root", "square"] = "root"
    """What an error of a pixel or an edge counts for; the paper has the square."""
    light: float = 0.5
    """The decomposition's own: X_r is the bright picture, seen from afar; not in the paper."""
    structure: float = 0.3
    """Structural similarity of the finest picture; not in the paper."""
    semantic: float = 0.0
    """Eq. 13, the class maps of the prior."""
    semantic_of: Literal["output", "input"] = "output"
    """What the reference's class map is compared with. The paper's words say the input; since its
    segmentation network is frozen, that value is a constant and teaches nothing."""
    multimodal: float = 0.0
    """Eq. 14, CLIP's opinion."""
    clip: str = "openai"
    """CLIP's weights: a file, or a name that open_clip can fetch."""
    clip_model: str = "ViT-B-16"
    """open_clip's name; a file of OpenAI's own weights needs "ViT-B-16-quickgelu"."""
    prompts: str = "assets/prompts.toml"
    """What CLIP compares pictures with."""
    histogram: float = 0.0
    """SKF's colours, segment by segment."""
    adversarial: float = 0.0
    """SKF's discriminators, global and of the worst segment."""
    steady: float = 0.0
    """Same content, fresh noise: same picture; not in the paper."""
    scales: Literal["finest", "all", "staged"] = "all"
    """Which pictures pixel and edge look at; staged begins with the coarse ones."""

    def __str__(self) -> str:
        terms = {name: w for name, w in self if isinstance(w, float) and w}
        return ", ".join(f"{name} {weight:g}" for name, weight in terms.items())


class Recipe(_Part):
    """One TOML file."""

    architecture: Literal["deepspg", "hrnet-prior"]
    network: DeepSPGConfig | PriorConfig
    prior: str | None = None
    """Weights of the frozen prior: a shipped name or a file."""
    teacher: str | None = None
    """A finished model, a shipped name or a file: its pictures are learnt, not the references."""
    begin_from: str | None = None
    """Weights to start from, of this network or of a narrower one."""
    data: tuple[DataSource, ...] = ()
    """What DeepSPG learns from; the prior's data sets are fixed."""
    validation: DataSource = DataSource(kind="pairs-csv", path=Path("lol_v1"), split="val")
    """What it is judged on at every save."""
    mix_up: float = Field(0.0, ge=0, le=1)
    """Share of crops that are blended with another."""
    filmed: float = Field(0.0, ge=0, le=1)
    """Share of made nights that are stored as H.264."""
    shaken: float = Field(0.0, ge=0)
    """Most doublings or halvings by which the codes of a dark crop are changed."""
    objective: Objective = Objective()
    schedule: Schedule
    header: dict[str, str] = {}
    """What the weights' header says of data and licence."""

    @model_validator(mode="after")
    def _has_what_its_terms_need(self) -> Recipe:
        wanted = self.objective
        if self.prior is None and (wanted.semantic or wanted.histogram or wanted.adversarial):
            raise ValueError("semantic, histogram and adversarial terms need a prior")
        if self.architecture == "deepspg" and not self.data:
            raise ValueError("DeepSPG needs data to learn from")
        return self


def read_recipe(path: Path, wishes: Sequence[str] = ()) -> Recipe:
    """A recipe, with wishes such as `schedule.rate=1e-4` in place of what it says.

    Raises:
        SettingsError: there is no such file, or something in it or in a wish is not understood.
    """
    try:
        said: dict[str, Any] = tomllib.loads(path.read_text())
        for wish in wishes:
            _set(said, wish)
        return Recipe.model_validate(said)
    except OSError as error:
        raise SettingsError(f"Cannot read the recipe {path}: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, LookupError, ValueError, TypeError) as error:
        raise SettingsError(f"The recipe {path} is not understood: {_reason(error)}.") from error


def _set(said: dict[str, Any], wish: str) -> None:
    name, equals, value = wish.partition("=")
    if not equals:
        raise ValueError(f"a wish is NAME=VALUE, and {wish!r} is not")
    *parents, last = name.split(".")
    place: Any = said
    for parent in parents:
        place = place[int(parent)] if isinstance(place, list) else place.setdefault(parent, {})
    place[int(last) if isinstance(place, list) else last] = tomllib.loads(f"it = {value}")["it"]


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return f"{where}: {first['msg']}"
    return str(error)
