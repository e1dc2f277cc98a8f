"""What the user wishes: frozen, validated, passed between threads without locks.

A field's range, unit and wording stand on the field; the command line's options, their range checks
and their help text all come from here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Model(BaseModel):
    """A frozen group of settings; unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class EnhanceSettings(Model):
    """How a frame is made bright."""

    model: str = Field("deepspg", description="Name of a shipped model, or a .safetensors file")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="Where the network runs")
    strength: float = Field(
        1.0, ge=0.0, le=1.0, description="Blend with the original, in linear light"
    )
    protect_highlights: float = Field(
        1.0, ge=0.0, le=1.0, description="Keep lamps and headlights from being blown further"
    )
    steady: float = Field(
        1.0, ge=0.0, le=1.0, description="Average noise over time, following what moves"
    )
    prior_every: int = Field(
        15, ge=1, le=120, description="Refresh the semantic prior every so many frames"
    )


class EncodeSettings(Model):
    """How the result is written."""

    codec: str = Field("libx264", description="FFmpeg encoder: libx264, libx265, libsvtav1, ...")
    crf: int = Field(18, ge=0, le=63, description="Quality: lower is better and larger")
    preset: str = Field("veryfast", description="Encoder speed against size")


class Purpose(Model):
    """What a film is encoded for."""

    encode: EncodeSettings
    suffix: str | None
    """Of every output; None keeps the input's where that holds the codec."""
    why: str
    """The choice, explained."""


PURPOSES = {
    "archive": Purpose(
        encode=EncodeSettings(codec="libx265", crf=17, preset="medium"),
        suffix=None,
        why="H.265 at CRF 17: hard to tell from the original, about a third smaller than H.264, "
        "keeps 10 bits; slow to encode",
    ),
    "share": Purpose(
        encode=EncodeSettings(codec="libx264", crf=21, preset="medium"),
        suffix=".mp4",
        why="H.264 at CRF 21 in .mp4: plays everywhere, small enough to send",
    ),
    "edit": Purpose(
        encode=EncodeSettings(codec="prores_ks"),
        suffix=".mov",
        why="ProRes 422 HQ in .mov: every frame stands alone, so editing is quick; ten times as "
        "large, and CRF and preset mean nothing to it",
    ),
}


class TrimSettings(Model):
    """Which part of the input is used."""

    start: float = Field(0.0, ge=0.0, description="Seconds from the first frame to begin at")
    end: float | None = Field(None, gt=0.0, description="Seconds from the first frame to stop at")


class JobSettings(Model):
    """One input, one output."""

    input: Path
    output: Path
    enhance: EnhanceSettings = EnhanceSettings()
    encode: EncodeSettings = EncodeSettings()
    trim: TrimSettings = TrimSettings()
    compare: Literal["side", "split"] | None = Field(
        None, description="Show the original beside the result, or left of a line through it"
    )
    overwrite: bool = Field(False, description="Replace the output if it exists")


class BatchSettings(Model):
    """Many inputs, one folder of outputs."""

    enhance: EnhanceSettings = EnhanceSettings()
    encode: EncodeSettings = EncodeSettings()
    suffix: str | None = Field(
        None, description="Of every output; the input's where that holds the codec, if not given"
    )
    name: str = Field(
        "{stem}", description="Output names without suffix, from {stem}, {ext} and {parent}"
    )
    include: tuple[str, ...] = Field((), description="Only files in folders that match a pattern")
    exclude: tuple[str, ...] = Field((), description="No files in folders that match a pattern")
    only_dark: bool = Field(
        False, description="Copy what is bright enough packet for packet, enhance only the rest"
    )
    chunk_seconds: float = Field(
        10.0, ge=0.0, le=3600.0, description="Least length of the parts that are worked on apart"
    )
    workers: int | None = Field(
        None, ge=1, le=256, description="Processes at work; one a GPU, or as the processor allows"
    )
    min_free: int | None = Field(
        None, ge=0, description="Pause below so many MiB of free disk; as the films need"
    )
    overwrite: bool = Field(False, description="Replace outputs that exist")


class LiveSettings(Model):
    """How a camera, a stream or a file is shown while it plays; changes are taken up at once."""

    enhance: EnhanceSettings = EnhanceSettings()
    plan: Literal["auto", "fast", "full"] = Field(
        "auto", description="How the network is run: as the machine can, on a small picture, whole"
    )
    auto: bool = Field(False, description="Enhance only while it is dark")
    keep_seconds: float = Field(
        0.0, ge=0.0, le=300.0, description="Keep the last seconds ready to be saved"
    )
