"""Those who do the work of a batch: what is asked of them, and how they answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from core.errors import CoreError
from core.media.disk import FULL
from core.run.chunk_task import ChunkDone, ChunkTask, run_chunk
from core.run.film_tasks import Joined, JoinTask, Surveyed, SurveyTask, join_film, survey

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Work = SurveyTask | ChunkTask | JoinTask
"""All of it pickles."""
Result = Surveyed | ChunkDone | Joined


@dataclass(frozen=True, slots=True)
class Advanced:
    """Work goes on."""

    ticket: int
    frames: int
    """Done of this work so far."""


@dataclass(frozen=True, slots=True)
class Completed:
    """Work is done."""

    ticket: int
    result: Result


@dataclass(frozen=True, slots=True)
class Failed:
    """Work could not be done; nothing of it is left."""

    ticket: int
    reason: str
    """One sentence."""
    is_disk_full: bool = False
    """It may be done again as soon as there is room."""


Told = Advanced | Completed | Failed


class Crew(Protocol):
    """Does work beside the caller's thread, which alone calls it."""

    @property
    def size(self) -> int:
        """How many works can be under way at a time."""

    @property
    def threads(self) -> int:
        """Processor threads for each."""

    def begin(self, ticket: int, work: Work) -> None:
        """Have work done; no more at a time than `size`. Never waits.

        Args:
            ticket: names the work in what `wait` tells of it; used once.
            work: what to do.
        """

    def wait(self, seconds: float) -> Sequence[Told]:
        """What happened, as soon as something does, or nothing after so many seconds.

        Every work that was begun ends in `Completed` or `Failed`, also where a worker was lost.
        """

    def close(self) -> None:
        """Stop now, whatever is under way; safe to call twice."""


def perform(work: Work, tick: Callable[[int], None]) -> Result:
    """Does work on the caller's thread.

    Args:
        work: what to do.
        tick: told now and then how many frames are done.

    Raises:
        CoreError: it could not be done; nothing of it is left.
    """
    match work:
        case SurveyTask():
            return survey(work, tick)
        case ChunkTask():
            return run_chunk(work, tick)
        case JoinTask():
            return join_film(work)


def failed(ticket: int, error: BaseException) -> Failed:
    """What a worker answers when `perform` raised."""
    known = isinstance(error, CoreError)
    reason = str(error) if known else f"Unexpected {type(error).__name__}: {error}"
    return Failed(ticket, reason, is_disk_full=is_disk_full(error))


def is_disk_full(error: BaseException | None) -> bool:
    """Whether that is what is behind an error."""
    while error is not None:
        if getattr(error, "errno", None) in FULL:  # the system's errors, and FFmpeg's
            return True
        error = error.__cause__
    return False
