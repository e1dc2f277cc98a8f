"""Files that appear complete or not at all.

Everything is written under a name of its own beside the target, flushed to the disk and renamed:
a crash, a full disk or a stop leaves the old file, or none, never half of one.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from typing import TYPE_CHECKING

from core.errors import WriterError

if TYPE_CHECKING:
    from pathlib import Path


def refuse_output(path: Path, source: Path | None, overwrite: bool) -> None:
    """Say no before any work is done.

    Args:
        path: where the result is to go.
        source: the file being read, which must survive.
        overwrite: whether an existing result may be replaced.

    Raises:
        WriterError: the result could not be put there, or would destroy the input.
    """
    if path.is_dir():
        raise WriterError(f"{path} is a folder; add a file name to it")
    if not path.parent.is_dir():
        raise WriterError(f"The folder {path.parent} does not exist; create it first")
    if source is not None and path.exists() and source.exists() and path.samefile(source):
        raise WriterError(f"{path} is the input itself; choose another name for the output")
    if path.exists() and not overwrite:
        raise WriterError(f"{path} exists already; choose another name or allow overwriting")
    _refuse_unwritable_folder(path.parent)


def _refuse_unwritable_folder(folder: Path) -> None:
    """Try it: permission bits do not tell about read-only file systems."""
    probe = folder / f".{secrets.token_hex(8)}.part"
    try:
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        raise WriterError(
            f"The folder {folder} cannot be written to ({error.strerror}); choose another one"
        ) from error


class PartFile:
    """A temporary name beside `path` that becomes `path` on `commit`. Passive."""

    def __init__(self, path: Path, *, overwrite: bool) -> None:
        self._final = path
        self._overwrite = overwrite
        self.path = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
        """Write here; the suffix tells nothing, so name the format."""

    def commit(self) -> None:
        """Flush to the disk and take the final name.

        Raises:
            WriterError: the disk refused, or another file took the name in the meantime.
        """
        try:
            _flush(self.path, os.O_RDWR)
            if not self._overwrite and self._final.exists():
                raise WriterError(
                    f"{self._final} appeared while the result was made; choose another name"
                )
            os.replace(self.path, self._final)
            # Not every system can flush a folder; the name is then on the disk a little later.
            with contextlib.suppress(OSError):
                _flush(self._final.parent, os.O_RDONLY)
        except OSError as error:
            raise WriterError(f"{self._final} could not be completed: {error.strerror}") from error
        finally:
            self.discard()

    def discard(self) -> None:
        """Remove what is there of it; safe to call twice and after `commit`."""
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)


def _flush(path: Path, mode: int) -> None:
    descriptor = os.open(path, mode)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
