"""What an output was made of, and how, in a file beside it: enough to make any frame again.

Note [seal]
    The manifest carries a digest of all its bytes, taken with zeros in the digest's own place. So
    any byte that is changed is noticed, in its words as well as between them.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal, Self

from pydantic import Field, ValidationError

from core.errors import CoreError, WriterError
from core.media.atomic import PartFile
from core.media.keyframes import Chunk
from core.media.stored import Sound
from core.run.identity import FileMark, Identity, program_version
from core.run.sample import Sample
from core.settings import Model

if TYPE_CHECKING:
    from pathlib import Path

    from core.run.journal import Journal

LAYOUT: Final = 2
"""Of this record; any other is refused."""
_SUFFIX = ".lowlux.json"
_UNSEALED = "0" * 64


class Part(Model):
    """A chunk of the film and what became of it."""

    chunk: Chunk
    frames: int
    """There are in it."""
    copied: bool = False
    """The source's packets were copied: bright enough."""
    dropped: int = 0
    """Damaged pieces of the source that were stepped over."""
    luma: float | None = None
    """Of its darkest picture, as a share of white; if measured."""


class Recipe(Model):
    """All it takes to make the same frames again."""

    identity: Identity
    """Settings, device, precision, model and program."""
    parts: tuple[Part, ...]
    """In order of time; together they are the film."""
    warm_up: float = 0.0
    """Seconds before each part that its enhancer looked at first."""
    threads: int = Field(ge=1)
    """Processor threads at work on a part."""

    @classmethod
    def of(cls, journal: Journal, warm_up: float, threads: int) -> Self:
        """Of a film whose chunks are all done.

        Args:
            journal: of the film.
            warm_up: seconds before each chunk that its worker looked at.
            threads: processor threads of the worker.
        """
        done = {chunk.number: chunk for chunk in journal.done}
        parts = [
            Part(
                chunk=piece.chunk,
                frames=done[piece.chunk.number].frames,
                copied=piece.copied,
                dropped=done[piece.chunk.number].dropped,
                luma=piece.luma,
            )
            for piece in journal.pieces
        ]
        return cls(identity=journal.identity, parts=tuple(parts), warm_up=warm_up, threads=threads)

    @property
    def frames(self) -> int:
        """Of the whole film."""
        return sum(part.frames for part in self.parts)

    @property
    def copied(self) -> tuple[Part, ...]:
        """Parts that are the source's own."""
        return tuple(part for part in self.parts if part.copied)


class Check(Model):
    """Something that was looked into."""

    name: str
    passed: bool
    detail: str
    """What was found, or why it failed."""


class Manifest(Model):
    """What is known of an output; see Note [seal]."""

    layout: Literal[2] = LAYOUT
    created: datetime = Field(default_factory=lambda: datetime.now(UTC))
    program: str = Field(default_factory=program_version)
    """Version of LowLux that wrote this."""
    source: FileMark
    output: FileMark
    recipe: Recipe
    prior: str
    """Name of the semantic prior; "none" where the model uses none."""
    prior_sha256: str
    """Of its weights; empty likewise."""
    frames: int
    """In the output."""
    times_sha256: str
    """Of all frame times of the output, in seconds."""
    sound: tuple[Sound, ...]
    """Tracks of the output."""
    sample: tuple[Sample, ...]
    """Noted while the film was made; see Note [lots] in `core.run.sample`."""
    least_db: float
    """No frame of the output is less like its source enhanced again: PSNR."""
    checks: tuple[Check, ...]
    """Made when this was written."""
    seal: str = _UNSEALED


def manifest_path(output: Path) -> Path:
    """Where the manifest of an output lies."""
    return output.parent / f"{output.name}{_SUFFIX}"


def output_of(path: Path) -> Path:
    """The output that is meant by its own name or by its manifest's."""
    return path.parent / path.name.removesuffix(_SUFFIX)


def save(manifest: Manifest, output: Path) -> Manifest:
    """Seal a manifest and put it beside its output, all of it or nothing; one that is there goes.

    Raises:
        WriterError: the disk is full or gone.
    """
    blank = manifest.model_copy(update={"seal": _UNSEALED})
    sealed = blank.model_copy(update={"seal": _seal(_text(blank))})
    part = PartFile(manifest_path(output), overwrite=True)
    try:
        part.path.write_bytes(_text(sealed))
    except OSError as error:
        part.discard()
        raise WriterError(
            f"The manifest of {output} could not be written ({error.strerror}); free some space"
        ) from error
    part.commit()
    return sealed


def read(output: Path) -> Manifest:
    """The manifest of an output.

    Raises:
        CoreError: there is none, it was changed, or another version of LowLux wrote it.
    """
    path = manifest_path(output)
    try:
        text = path.read_bytes()
    except FileNotFoundError as error:
        raise CoreError(
            f"{path} is not there; only what lowlux batch has made can be verified"
        ) from error
    except OSError as error:
        raise CoreError(
            f"{path} cannot be read ({error.strerror}); check its disk and your rights"
        ) from error
    seal, layout = _seal_and_layout(text)
    if not seal or _seal(text.replace(seal.encode(), _UNSEALED.encode())) != seal:
        raise CoreError(f"{path} was changed since it was written; take it from a backup")
    if layout != LAYOUT:
        raise CoreError(f"{path} is of another layout ({layout}); use the LowLux that wrote it")
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        raise CoreError(f"{path} is of another version; use the LowLux that wrote it") from error


def is_made(output: Path, identity: Identity) -> bool:
    """Whether an output is there that was made just so, has its manifest, and is as it was then."""
    try:
        manifest = read(output)
        if manifest.recipe.identity != identity or manifest.output.size != output.stat().st_size:
            return False
        return manifest.output.sha256 == FileMark.of(output).sha256
    except (CoreError, OSError):
        return False


def _text(manifest: Manifest) -> bytes:
    return (manifest.model_dump_json(indent=1) + "\n").encode()


def _seal(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def _seal_and_layout(text: bytes) -> tuple[str, object]:
    """Both as they are written; an empty seal where there is none."""
    try:
        said = json.loads(text)
    except ValueError:
        return "", None
    seal = said.get("seal") if isinstance(said, dict) else None
    return (seal, said.get("layout")) if isinstance(seal, str) else ("", None)
