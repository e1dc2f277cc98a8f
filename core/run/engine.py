"""What all frames of a batch are enhanced with, wherever its workers are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

from core.enhance.plan import Machine, resolve
from core.model import checkpoint
from core.run.identity import Identity, SourceMark, program_version

if TYPE_CHECKING:
    from pathlib import Path

    from core.settings import BatchSettings, EnhanceSettings


@dataclass(frozen=True, slots=True)
class Engine:
    """The same for every worker, so that it does not matter which of them does a chunk."""

    device: Literal["cpu", "cuda"]
    precision: str
    model_sha256: str

    @classmethod
    def of(cls, enhance: EnhanceSettings) -> Self:
        """What this machine would use.

        Raises:
            CoreError: there is no such model, or not the device asked for.
        """
        plan = resolve(enhance, Machine.probe())
        loaded = checkpoint.load(checkpoint.find(enhance.model), "deepspg")
        return cls("cuda" if plan.device == "cuda" else "cpu", plan.precision, loaded.sha256)

    def identity(self, source: Path, settings: BatchSettings) -> Identity:
        """Of the film that it makes of a source.

        Raises:
            SourceOpenError: the source cannot be read.
        """
        return Identity(
            source=SourceMark.of(source),
            enhance=settings.enhance,
            encode=settings.encode,
            chunk_seconds=settings.chunk_seconds,
            only_dark=settings.only_dark,
            device=self.device,
            precision=self.precision,
            model_sha256=self.model_sha256,
            program=program_version(),
        )
