"""What a batch tells while it runs and when it is over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class FilmBegun:
    """A film was looked through; its chunks are next."""

    source: Path
    output: Path
    frames: int
    """Done by earlier runs."""
    total: int | None
    """There will be, where the file tells."""
    notes: tuple[str, ...]
    """Why it is begun afresh, and the like."""


@dataclass(frozen=True, slots=True)
class FilmResult:
    """What became of a film."""

    source: Path
    output: Path
    state: Literal["done", "failed", "stopped"]
    """`stopped`: the same command goes on with it."""
    reason: str
    """Why it failed."""
    frames: int
    """Done, all runs together."""
    copied_frames: int
    """Of them as they were in the source."""
    dropped: int
    """Damaged pieces of the source that were stepped over."""
    size: int
    """Bytes of the output; 0 where there is none."""
    notes: tuple[str, ...]
    """Whatever the user ought to know, one sentence each."""


@dataclass(frozen=True, slots=True)
class FilmStatus:
    """How far a film is."""

    source: Path
    doing: str
    """In a word or two."""
    frames: int
    """Done, all runs together."""
    total: int | None
    fps: float | None
    """Frames a second since this run took it up; none before it is known."""
    seconds_left: float | None


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """How far all is; what earlier runs did counts as done, but not as speed."""

    frames: int
    total: int
    """Of films whose lengths are known."""
    seconds_left: float | None
    """At the pace of this run."""
    films: tuple[FilmStatus, ...]
    """Those under way."""


@dataclass(frozen=True, slots=True)
class Paused:
    """Nothing new is begun until there is room on the disk."""

    reason: str


@dataclass(frozen=True, slots=True)
class Resumed:
    """There is room again."""


@dataclass(frozen=True, slots=True)
class Retried:
    """A part of a film failed and is tried again."""

    source: Path
    reason: str


Event = FilmBegun | FilmResult | BatchStatus | Paused | Resumed | Retried


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a batch."""

    films: tuple[FilmResult, ...]
    seconds: float
    busy_share: float
    """Of the time of all workers, from before they were started to the end of the last film, the
    networks were at work; see Note [busy] in `core.run.chunk_task`."""
    frames: int
    """Done by this run."""
    interrupted: bool
    """Stopped before all was done."""
