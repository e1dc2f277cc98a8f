"""Which films a batch makes of which, decided before the first frame."""

from __future__ import annotations

import os
import time
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import CoreError, SettingsError
from core.media.codecs import CONTAINERS, encoder_for
from core.media.source import open_source
from core.run.inputs import find_inputs, growing
from core.run.journal import journal_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from core.media.source import SourceInfo
    from core.run.inputs import Found
    from core.settings import BatchSettings


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
    found, notes = find_inputs(inputs, folder, settings)
    unique, twins = _without_twins(found)
    outputs = [_output(item, folder, settings) for item in unique]
    _refuse_collisions(unique, outputs)
    unfinished = growing(unique, wait)
    seen = [
        _look_into(item, output, settings, is_growing=item.source in unfinished)
        for item, output in zip(unique, outputs, strict=True)
    ]
    return BatchPlan(
        folder,
        jobs=tuple(item for item in seen if isinstance(item, Job)),
        left_out=(*twins, *(item for item in seen if isinstance(item, LeftOut))),
        notes=tuple(notes),
    )


def _without_twins(found: Iterable[Found]) -> tuple[list[Found], list[LeftOut]]:
    """Every file once, whatever names it has."""
    unique: dict[object, Found] = {}
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


def _output(item: Found, folder: Path, settings: BatchSettings) -> Path:
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


def _refuse_collisions(found: Sequence[Found], outputs: Sequence[Path]) -> None:
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


def _look_into(
    item: Found, output: Path, settings: BatchSettings, *, is_growing: bool
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
