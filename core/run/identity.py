"""What tells a file, and the making of a film, from any other."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Self

from core.errors import SourceOpenError
from core.settings import EncodeSettings, EnhanceSettings, Model

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader
    from pathlib import Path

_MARK_BYTES = 1024 * 1024
"""Of the head and of the tail of a source that are hashed."""


class SourceMark(Model):
    """Tells a source from another one, or from itself after a change, without reading it all."""

    size: int
    """Bytes."""
    mtime_ns: int
    """When it was last written."""
    ends_sha256: str
    """Of its first and its last MiB."""

    @classmethod
    def of(cls, path: Path) -> Self:
        """Look at a file.

        Raises:
            SourceOpenError: it cannot be read.
        """
        with _opened(path) as file:
            status = os.fstat(file.fileno())
            digest = hashlib.sha256(file.read(_MARK_BYTES))
            file.seek(max(0, status.st_size - _MARK_BYTES))
            digest.update(file.read(_MARK_BYTES))
        return cls(size=status.st_size, mtime_ns=status.st_mtime_ns, ends_sha256=digest.hexdigest())


class FileMark(Model):
    """A file and what was in it."""

    path: str
    """Where it was, from the root."""
    size: int
    """Bytes."""
    sha256: str
    """Of all of it."""

    @classmethod
    def of(cls, path: Path) -> Self:
        """Read a file.

        Raises:
            SourceOpenError: it cannot be read.
        """
        with _opened(path) as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return cls(path=str(path.resolve()), size=file.tell(), sha256=digest)


class Identity(Model):
    """All that a film's frames depend on; the journal and the manifest carry it."""

    source: SourceMark
    enhance: EnhanceSettings
    encode: EncodeSettings
    """What is used, not what was asked for, where that is not on this machine."""
    chunk_seconds: float
    """How long chunks are at least: frames at their seams depend on it."""
    only_dark: bool
    """Bright parts are copied."""
    device: str
    """The network runs on."""
    precision: str
    """Of its arithmetic."""
    model_sha256: str
    """Of the weights."""
    program: str
    """Version of LowLux."""

    @property
    def seed(self) -> str:
        """Draws the frames by which the film is proved: by what its source is, so by nobody."""
        return self.source.ends_sha256

    def differs_from(self, other: Identity) -> str:
        """What is not the same, in plain words; empty where all is."""
        words = {
            "source": "the source has changed",
            "enhance": "a setting of the enhancement has changed",
            "encode": "a setting of the encoder has changed",
            "model_sha256": "the model has changed",
            "program": f"it was begun with version {other.program}",
        }
        names = [n for n in type(self).model_fields if getattr(self, n) != getattr(other, n)]
        return ", ".join(words.get(name, f"the setting {name} has changed") for name in names)


@cache
def program_version() -> str:
    """Of LowLux."""
    return version("lowlux")


@contextmanager
def _opened(path: Path) -> Iterator[BufferedReader]:
    """A file to read, and a sentence where that fails."""
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise SourceOpenError(f"{path} cannot be read: {error.strerror}") from error
