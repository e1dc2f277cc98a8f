"""Which films a batch makes of which, decided before the first frame."""

from __future__ import annotations

import os
import time
import unicodedata
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import CoreError, SettingsError
from core.media.codecs import CONTAINERS, encoder_for
from core.media.source import open_source
from core.run.journal import journal_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from core.media.source import SourceInfo
    from core.settings import BatchSettings

VIDEO_SUFFIXES = (
    ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".m2ts", ".mts", ".mpg", ".mpeg",
    ".wmv", ".flv", ".3gp", ".ogv", ".mxf", ".vob",
)  # fmt: skip
"""What is taken from folders; a file that is named itself is taken whatever its suffix."""
RECENT_S = 3.0
"""A file written so shortly ago is looked at twice, so far apart: a camera may still write."""


@dataclass(frozen=True, slots=True)
class Job:
    """One film to make."""

    source: Path
    output: Path
    info: SourceInfo

    @property
    def frames(self) -> int | None:
        """How many there will be, where the file tells."""
        info = self.info
        if info.frame_count or info.duration_seconds is None or info.average_rate is None:
            return info.frame_count
        return max(1, round(info.duration_seconds * float(info.average_rate)))


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One input that is not worked on."""

    source: Path
    reason: str
    is_failure: bool
    """It should have been, and cannot."""


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """What will be done."""

    folder: Path
    """Of all outputs."""
    jobs: tuple[Job, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]
    """Plain sentences on what else the user ought to know."""


@dataclass(frozen=True, slots=True)
class _Found:
    """An input, and where in the output folder its result goes."""

    source: Path
    place: Path
    """Relative; the folder of the result."""
    state: tuple[int, int] | None
    """Its size in bytes and the time it was last written, in ns; None if it cannot be seen."""


def make_plan(
    inputs: Sequence[Path],
    folder: Path,
    settings: BatchSettings,
    wait: Callable[[float], None] = time.sleep,
) -> BatchPlan:
    """Looks for films and into them; writes nothing.

    Args:
        inputs: files and folders; folders are searched to the bottom.
        folder: of the outputs; need not exist.
        settings: names, patterns and what may be overwritten.
        wait: sleeps so many seconds.

    Raises:
        SettingsError: an input does not exist, there are no films, two outputs would have one
            name, or an output would replace an input.
    """
    notes: list[str] = []
    found = list(_search(inputs, folder, settings, notes))
    if not found:
        raise SettingsError(
            f"There is no video in {', '.join(map(str, inputs))}; check the folder, and --include "
            "and --exclude"
        )
    unique, left_out = _without_twins(found)
    outputs = [_output(item, folder, settings) for item in unique]
    _refuse_collisions(unique, outputs)
    jobs: list[Job] = []
    growing = _growing(unique, wait)
    for item, output in zip(unique, outputs, strict=True):
        job = _look_into(item, output, settings, is_growing=item.source in growing)
        (jobs if isinstance(job, Job) else left_out).append(job)  # type: ignore[arg-type]
    return BatchPlan(folder, tuple(jobs), tuple(left_out), tuple(notes))


def read_list(lines: Iterable[str]) -> list[Path]:
    """Inputs from a text, one a line; empty lines and those that begin with # mean nothing."""
    names = (line.rstrip("\r\n") for line in lines)
    return [Path(name) for name in names if name.strip() and not name.startswith("#")]


def _search(
    inputs: Sequence[Path], folder: Path, settings: BatchSettings, notes: list[str]
) -> Iterator[_Found]:
    several = sum(path.is_dir() for path in inputs) > 1
    for path in inputs:
        if path.is_dir():
            place = Path(path.resolve().name) if several else Path()
            yield from _search_folder(path, place, folder, settings, notes)
        elif os.path.lexists(path):
            yield _Found(path, Path(), _state(path))
        else:
            raise SettingsError(f"The input {path} does not exist; check the spelling")


def _search_folder(
    top: Path, place: Path, folder: Path, settings: BatchSettings, notes: list[str]
) -> Iterator[_Found]:
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
            if path.suffix.lower() in VIDEO_SUFFIXES and _is_wanted(relative, settings):
                yield _Found(path, place / relative.parent, _state(path))


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


def _without_twins(found: Iterable[_Found]) -> tuple[list[_Found], list[LeftOut]]:
    """Every file once, whatever names it has."""
    unique: dict[object, _Found] = {}
    twins: list[LeftOut] = []
    for item in found:
        path = item.source
        key: object = path.absolute()
        if item.state is not None:
            status = path.stat()
            key = (status.st_dev, status.st_ino)
        first = unique.setdefault(key, item)
        if first is not item:
            twins.append(LeftOut(path, f"it is the same file as {first.source}", is_failure=False))
    return list(unique.values()), twins


def _output(item: _Found, folder: Path, settings: BatchSettings) -> Path:
    source = item.source
    parent, ext = source.resolve().parent.name, source.suffix[1:].lower()
    try:
        stem = settings.name.format(stem=source.stem, ext=ext, parent=parent)
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        raise SettingsError(
            f"--name {settings.name} cannot be filled in; it may hold {{stem}}, {{ext}}, {{parent}}"
        ) from error
    path = folder / item.place / stem
    output = path.with_name(path.name + _suffix(source, settings)) if stem else path
    if ".." in output.parts[len(folder.parts) :] or not output.is_relative_to(folder) or not stem:
        raise SettingsError(f"--name {settings.name} leads out of {folder}; leave out .. and /")
    return output


def _suffix(source: Path, settings: BatchSettings) -> str:
    """The one asked for, or the source's own where that can hold the result, or .mp4."""
    wished = settings.suffix or source.suffix.lower()
    if settings.suffix is None:
        try:
            encoder_for(Path("film" + wished), settings.encode)
        except SettingsError:
            wished = ".mp4" if wished not in CONTAINERS else ".mkv"
    encoder_for(Path("film" + wished), settings.encode)
    return wished


def _refuse_collisions(found: Sequence[_Found], outputs: Sequence[Path]) -> None:
    taken: dict[str, Path] = {}
    sources = {os.path.realpath(item.source): item.source for item in found}
    for item, output in zip(found, outputs, strict=True):
        source = item.source
        # Many disks do not tell "a" from "A", nor the two ways of writing an umlaut.
        first = taken.setdefault(unicodedata.normalize("NFC", str(output)).casefold(), source)
        if first is not source:
            raise SettingsError(
                f"{first} and {source} would both become {output} (many disks do not tell capital "
                "letters from small ones); give --name {parent}-{stem} or {stem}-{ext}, or rename "
                "one"
            )
        victim = sources.get(os.path.realpath(output))
        if victim is not None:
            raise SettingsError(f"{output} would replace the input {victim}; choose another folder")


def _growing(found: Sequence[_Found], wait: Callable[[float], None]) -> set[Path]:
    """Files that changed while they were looked at."""
    now = time.time_ns()
    if any(item.state and abs(now - item.state[1]) < RECENT_S * 1e9 for item in found):
        wait(RECENT_S)
    return {item.source for item in found if item.state and _state(item.source) != item.state}


def _look_into(
    item: _Found, output: Path, settings: BatchSettings, *, is_growing: bool
) -> Job | LeftOut:
    source = item.source
    if is_growing:
        return LeftOut(source, "it is still being written; start again when it is complete", False)
    if output.is_dir():
        return LeftOut(source, f"{output} is a folder; choose another --name", is_failure=True)
    if output.exists() and not settings.overwrite and not journal_path(output).exists():
        return LeftOut(source, f"{output} exists already; --overwrite makes it anew", False)
    try:
        with open_source(source) as opened:
            return Job(source, output, opened.info)
    except CoreError as error:
        return LeftOut(source, str(error), is_failure=True)
