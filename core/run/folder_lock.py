"""One batch at a time writes into a folder."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
from typing import TYPE_CHECKING

import psutil

from core.closing import Closing
from core.errors import SettingsError, WriterError
from core.media.disk import FULL

if TYPE_CHECKING:
    from pathlib import Path

LOCK_NAME = ".lowlux-batch.lock"
_SAME_START_S = 2.0
"""Two readings of when a process began differ by less."""


class FolderLock(Closing):
    """Held until `close`; one that a killed batch left behind is recognised and replaced.

    The lock is a file that tells the machine, the process and when that began: numbers of
    processes are used again, but not with the same beginning.

    Args:
        folder: exists.

    Raises:
        SettingsError: another batch is at work there.
        WriterError: the folder cannot be written to.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK_NAME
        self._mine = json.dumps(_who(os.getpid()))
        self.was_stale = False
        """A batch was killed here earlier."""
        try:
            while not self._take():
                self._remove_stale()
        except OSError as error:
            advice = "free some space" if error.errno in FULL else "choose another one"
            raise WriterError(
                f"The folder {folder} cannot be locked ({error.strerror}); {advice}"
            ) from error

    def close(self) -> None:
        """Let others in."""
        with contextlib.suppress(OSError):
            if self._path.read_text(encoding="utf-8") == self._mine:
                self._path.unlink()

    def _take(self) -> bool:
        """The name appears with its content or not at all, and only where there is none."""
        part = self._path.with_name(f"{LOCK_NAME}.{secrets.token_hex(4)}")
        try:
            part.write_text(self._mine, encoding="utf-8")
            return self._link(part)
        finally:
            part.unlink(missing_ok=True)

    def _link(self, part: Path) -> bool:
        try:
            os.link(part, self._path)
        except FileExistsError:
            return False
        except OSError:
            # Some disks have no links; there the name may appear a moment before its content.
            return self._take_without_link()
        return True

    def _take_without_link(self) -> bool:
        try:
            with self._path.open("x", encoding="utf-8") as file:
                file.write(self._mine)
        except FileExistsError:
            return False
        return True

    def _remove_stale(self) -> None:
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return
        if _is_alive(text):
            raise SettingsError(
                f"Another batch is at work in {self._path.parent} ({_words(text)}); wait for it, "
                f"or delete {self._path} if there is none"
            )
        aside = self._path.with_name(f"{LOCK_NAME}.{secrets.token_hex(4)}")
        with contextlib.suppress(FileNotFoundError):
            os.rename(self._path, aside)
            if aside.read_text(encoding="utf-8") != text:
                # Another batch replaced the stale one in between: this is its lock.
                os.rename(aside, self._path)
                return
            aside.unlink()
            self.was_stale = True


def _who(pid: int) -> dict[str, object]:
    return {"host": socket.gethostname(), "pid": pid, "begun": psutil.Process(pid).create_time()}


def _is_alive(text: str) -> bool:
    """Whether the owner may still be at work; nobody can tell of another machine's."""
    try:
        owner = json.loads(text)
        host, pid, begun = str(owner["host"]), int(owner["pid"]), float(owner["begun"])
    except (ValueError, TypeError, KeyError):
        return False
    if host != socket.gethostname():
        return True
    try:
        process = psutil.Process(pid)
        is_same = abs(float(process.create_time()) - begun) < _SAME_START_S
        return is_same and bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _words(text: str) -> str:
    owner = json.loads(text)
    return f"process {owner['pid']} on {owner['host']}"
