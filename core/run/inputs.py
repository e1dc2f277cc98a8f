"""The films that a batch is asked for: files, folders and lists."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import SettingsError
from core.run.manifest import manifest_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from core.settings import BatchSettings

VIDEO_SUFFIXES = (
    ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".m2ts", ".mts", ".mpg", ".mpeg",
    ".wmv", ".flv", ".3gp", ".ogv", ".mxf", ".vob",
)  # fmt: skip
"""What is taken from folders; a file that is named itself is taken whatever its suffix."""
RECENT_S = 3.0
"""A file written so shortly ago is looked at twice, so far apart: a camera may still write."""


@dataclass(frozen=True, slots=True)
class Found:
    """An input, and where in the output folder its result goes."""

    source: Path
    place: Path
    """Relative; the folder of the result."""
    state: tuple[int, int] | None
    """Its size in bytes and the time it was last written, in ns; None if it cannot be seen."""


def read_list(lines: Iterable[str]) -> list[Path]:
    """Inputs from a text, one a line; empty lines and those that begin with # mean nothing."""
    names = (line.rstrip("\r\n") for line in lines)
    return [Path(name) for name in names if name.strip() and not name.startswith("#")]


def find_inputs(
    inputs: Sequence[Path], folder: Path, settings: BatchSettings
) -> tuple[list[Found], list[str]]:
    """All files that are meant, and plain sentences on what was not searched.

    Args:
        inputs: files and folders; folders are searched to the bottom.
        folder: of the outputs; is not searched.
        settings: patterns.

    Raises:
        SettingsError: an input does not exist, or there is no video.
    """
    notes: list[str] = []
    found = list(_search(inputs, folder, settings, notes))
    if not found:
        raise SettingsError(
            f"There is no video in {', '.join(map(str, inputs))}; check the folder, and --include "
            "and --exclude"
        )
    return found, notes


def growing(found: Sequence[Found], wait: Callable[[float], None]) -> set[Path]:
    """Files that have changed since they were found; where any is recent, waits before it looks.

    Args:
        found: files.
        wait: sleeps so many seconds.
    """
    now = time.time_ns()
    if any(item.state and abs(now - item.state[1]) < RECENT_S * 1e9 for item in found):
        wait(RECENT_S)
    return {item.source for item in found if item.state and _state(item.source) != item.state}


def _search(
    inputs: Sequence[Path], folder: Path, settings: BatchSettings, notes: list[str]
) -> Iterator[Found]:
    several = sum(path.is_dir() for path in inputs) > 1
    for path in inputs:
        if path.is_dir():
            place = Path(path.resolve().name) if several else Path()
            yield from _search_folder(path, place, folder, settings, notes)
        elif os.path.lexists(path):
            yield Found(path, Path(), _state(path))
        else:
            raise SettingsError(f"The input {path} does not exist; check the spelling")


def _search_folder(
    top: Path, place: Path, folder: Path, settings: BatchSettings, notes: list[str]
) -> Iterator[Found]:
    ours = folder.resolve()
    for name, folders, files in os.walk(top, onerror=lambda error: _note_closed(error, notes)):
        here = Path(name)
        if here.resolve() == ours and here != top:
            notes.append(f"{here}, the output folder, lies in {top} and was not searched")
            folders.clear()
            continue
        folders[:] = sorted(inner for inner in folders if not inner.endswith(".lowlux-chunks"))
        for path in (here / file for file in sorted(files)):
            relative = path.relative_to(top)
            if path.suffix.lower() not in VIDEO_SUFFIXES or not _is_wanted(relative, settings):
                continue
            if here.resolve() == ours and manifest_path(path).exists():
                continue  # a film goes on beside those that an earlier run has made
            yield Found(path, place / relative.parent, _state(path))


def _note_closed(error: OSError, notes: list[str]) -> None:
    notes.append(f"The folder {error.filename} cannot be read ({error.strerror})")


def _is_wanted(relative: Path, settings: BatchSettings) -> bool:
    def matches(patterns: tuple[str, ...]) -> bool:
        names = (relative.as_posix(), relative.name)
        return any(fnmatch(name, pattern) for pattern in patterns for name in names)

    return (not settings.include or matches(settings.include)) and not matches(settings.exclude)


def _state(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns
