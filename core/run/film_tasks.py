"""What is done with a film before its chunks are enhanced, and after."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from core.errors import SourceLostError
from core.media.joining import join, tag_of
from core.media.keyframes import Chunk, cut_into_chunks
from core.media.mixing import reason_not_to_mix
from core.media.source import open_source
from core.run.chunk_task import WARM_UP_FRAMES, ChunkTask
from core.run.darkness_switch import DARK, LIGHT, mean_luma
from core.run.identity import Identity, SourceMark
from core.run.journal import Journal, Piece, chunk_files, chunk_path, resume
from core.run.manifest import Recipe
from core.run.verify import write_manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

BRIGHT = (DARK + LIGHT) / 2
"""Mean luma, as a share of white, which no picture of a copied part is below."""
_RATE = 25
"""Frames a second, where a film does not tell."""


@dataclass(frozen=True, slots=True)
class SurveyTask:
    """Looks through a film and finds out what is left to do."""

    source: Path
    output: Path
    identity: Identity
    """Of the film that is to be made."""


@dataclass(frozen=True, slots=True)
class Surveyed:
    """What is left to do of a film."""

    journal: Journal
    begun_afresh: str
    """Why what an earlier run did is not used; empty where there is nothing, or it is."""
    warm_up: float
    """Seconds before a chunk that its worker looks at."""


@dataclass(frozen=True, slots=True)
class JoinTask:
    """Puts the chunks of a film together."""

    source: Path
    output: Path
    journal: Journal
    overwrite: bool
    """Whether a file that took the output's name may be replaced; its own result may always."""
    warm_up: float
    """Seconds before a chunk that its worker looked at."""
    threads: int
    """Processor threads the task may use, as its chunks did."""


@dataclass(frozen=True, slots=True)
class Joined:
    """A film is complete."""

    notes: tuple[str, ...]
    """Plain sentences on what could not be kept, and on checks that failed."""
    size: int
    """Bytes."""


def survey(task: SurveyTask, tick: Callable[[int], None] = lambda _: None) -> Surveyed:
    """Goes on with what an earlier run left, or cuts the film anew.

    Raises:
        CoreError: the source cannot be read, or what is left of an earlier run not be used.
    """
    journal, why = resume(task.output, task.identity)
    if journal is None:
        journal = _begin(task, tick)
    with open_source(task.source) as source:
        rate = source.info.average_rate or _RATE
    return Surveyed(journal, why, float(WARM_UP_FRAMES / Fraction(rate)))


def task_of(
    piece: Piece, surveyed: Surveyed, source: Path, output: Path, threads: int
) -> ChunkTask:
    """What a worker is asked to do for a piece of a film.

    Args:
        piece: one of the film's.
        surveyed: what was found out about the film.
        source: the film.
        output: what is made of it.
        threads: processor threads the worker may use.
    """
    identity = surveyed.journal.identity
    return ChunkTask(
        source=source,
        output=output,
        path=chunk_path(output, piece.chunk.number),
        chunk=piece.chunk,
        enhance=identity.enhance.model_copy(update={"device": identity.device}),
        encode=identity.encode,
        precision=identity.precision,
        model_sha256=identity.model_sha256,
        threads=threads,
        warm_up=surveyed.warm_up,
        copied=piece.copied,
        beside_copies=any(other.copied for other in surveyed.journal.pieces),
        seed=identity.seed,
    )


def join_film(task: JoinTask) -> Joined:
    """Joins all chunks; the output is there only when it is complete. Then writes its manifest.

    May be done again, also where an earlier worker was lost after the output had its name: the
    output tells which chunks it was made of.

    Raises:
        CoreError: the source has changed since its first chunk, another file took the output's
            name, a chunk is damaged, or the disk is full; nothing is left behind.
    """
    journal = task.journal
    if SourceMark.of(task.source) != journal.identity.source:
        raise SourceLostError(
            f"{task.source} was changed while it was worked on; start again when it is complete"
        )
    with open_source(task.source) as source:
        info = source.info
    notes = join(
        chunk_files(journal, task.output),
        task.output,
        info,
        journal.identity.encode,
        copy_from=task.source,
        tag=_tag(journal),
        overwrite=task.overwrite or journal.mark in tag_of(task.output),
    )
    recipe = Recipe.of(journal, task.warm_up, task.threads)
    samples = [sample for done in journal.done for sample in done.samples]
    manifest = write_manifest(task.output, task.source, recipe, samples)
    wrong = [f"{check.name}: {check.detail}" for check in manifest.checks if not check.passed]
    return Joined((*notes, *wrong), manifest.output.size)


def _tag(journal: Journal) -> str:
    """What the metadata says about the enhancement."""
    identity = journal.identity
    return (
        f"enhanced with LowLux, model {identity.enhance.model} {identity.model_sha256[:12]}, "
        f"film {journal.mark}"
    )


def _begin(task: SurveyTask, tick: Callable[[int], None]) -> Journal:
    identity, least = task.identity, task.identity.chunk_seconds
    reason = ""
    if identity.only_dark:
        reason = reason_not_to_mix(task.source, task.output, identity.encode)
        if not reason:
            pieces = _by_darkness(task.source, least, tick)
            return Journal(identity=identity, pieces=tuple(pieces))
    chunks = cut_into_chunks(task.source, least)
    pieces = [Piece(chunk=chunk) for chunk in chunks]
    return Journal(identity=identity, pieces=tuple(pieces), reason=reason)


def _by_darkness(path: Path, least: float, tick: Callable[[int], None]) -> list[Piece]:
    """Groups that begin with a key frame, measured, neighbours of one kind put together."""
    groups = cut_into_chunks(path, 0)
    lumas = darkest_of(path, groups, tick)
    pieces: list[Piece] = []
    for group, luma in zip(groups, lumas, strict=True):
        copied, last = luma >= BRIGHT, pieces[-1] if pieces else None
        if last is None or last.copied != copied or _length(last.chunk) >= max(least, 1e-9):
            pieces.append(Piece(chunk=group, copied=copied, luma=luma))
            continue
        longer = Chunk(last.chunk.number, last.chunk.begin, group.end)
        darkest = min(luma, last.luma or 0.0)
        pieces[-1] = Piece(chunk=longer, copied=copied, luma=darkest)
    return [_numbered(piece, number) for number, piece in enumerate(pieces)]


def darkest_of(
    path: Path, groups: Sequence[Chunk], tick: Callable[[int], None] = lambda _: None
) -> list[float]:
    """The mean luma of the darkest picture of each group of a film, as a share of white.

    Decodes the whole film, which takes little beside enhancing a part of it.

    Args:
        path: of the film.
        groups: all of it, in order of time.
        tick: told after every frame how many were seen.
    """
    darkest = [1.0] * len(groups)
    for count, (number, luma) in enumerate(_measured(path, groups), 1):
        darkest[number] = min(darkest[number], luma)
        tick(count)
    return [round(luma, 4) for luma in darkest]


def _measured(path: Path, groups: Sequence[Chunk]) -> Iterator[tuple[int, float]]:
    """For each frame its group and its mean luma."""
    number = 0
    with open_source(path) as source:
        first: Fraction | None = None
        for frame in source:
            time = frame.pts * frame.time_base
            first = time if first is None else first
            while (end := groups[number].end) is not None and time - first >= end:
                number += 1
            yield number, mean_luma(frame)


def _length(chunk: Chunk) -> float:
    return float("inf") if chunk.end is None else float(chunk.end - chunk.begin)


def _numbered(piece: Piece, number: int) -> Piece:
    chunk = Chunk(number, piece.chunk.begin, piece.chunk.end)
    return piece.model_copy(update={"chunk": chunk})
