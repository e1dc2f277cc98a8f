"""A disk of a few bytes, real to the programs that are started on it."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_MOUNTED = "mounted"
_HOLD = f'mount -t tmpfs -o size="$1" tmpfs "$0" && echo {_MOUNTED} && exec cat'


@dataclass(frozen=True)
class SmallDisk:
    """A file system in memory with a name that only those who are `on` it know.

    It lives in a mount namespace of its own, so it needs no rights, and is gone with the process
    that holds it whatever becomes of the test.
    """

    folder: Path
    """Its name to programs on it."""
    seen: Path
    """The same from outside."""
    holder: int
    """The process that holds it."""

    def on(self, command: list[str]) -> list[str]:
        """A command as a program on the disk."""
        enter = ["nsenter", "--preserve-credentials", "-U", "-m", "-t", str(self.holder)]
        # Entering leads to the root folder.
        back = ["sh", "-c", 'cd "$0" && exec "$@"', os.getcwd()]
        return [*enter, *back, *command]

    @property
    def free(self) -> int:
        """Bytes that are left."""
        return shutil.disk_usage(self.seen).free

    def fill(self, leave: int = 0) -> None:
        """Somebody else takes all but so many bytes, at once."""
        with (self.seen / "filler").open("ab") as file:
            while (more := self.free - leave) > 0:
                try:
                    os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), more)
                except OSError as error:
                    # A program on the disk may have taken some of it just now.
                    if error.errno != errno.ENOSPC:
                        raise

    def empty(self) -> None:
        """They are given back."""
        (self.seen / "filler").unlink()


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[SmallDisk]:
    """An empty disk; the test is skipped where none can be made.

    Args:
        folder: does not exist yet.
        size: bytes.
    """
    if shutil.which("unshare") is None or shutil.which("nsenter") is None:
        pytest.skip("there are no unshare and nsenter here to make a small disk with")
    folder.mkdir()
    pipe = subprocess.PIPE
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", _HOLD, str(folder), str(size)]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as holder:
        assert holder.stdout is not None
        if holder.stdout.readline().strip() != _MOUNTED:
            why = holder.communicate()[1].strip()
            pytest.skip(f"a small disk cannot be made here: {why}")
        seen = Path(f"/proc/{holder.pid}/root") / folder.resolve().relative_to("/")
        yield SmallDisk(folder, seen, holder.pid)
