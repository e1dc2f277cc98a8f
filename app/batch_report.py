"""What `lowlux batch` tells: bars for people, JSON lines for programs, a log for the morning."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Column

from core.run.batch_events import (
    BatchStatus,
    FilmBegun,
    FilmResult,
    Paused,
    Resumed,
    Retried,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from rich.progress import TaskID

    from core.run.batch_events import Event, Outcome
    from core.run.batch_plan import BatchPlan
    from core.run.forecast import Forecast

EVERY_S = 0.5
"""JSON progress comes no more often."""
_NAMES = {
    FilmBegun: "begun",
    FilmResult: "film",
    BatchStatus: "progress",
    Paused: "paused",
    Resumed: "resumed",
    Retried: "retried",
}

# File names are told as they are: neither [brackets] nor :words: mean anything.
_out = Console(soft_wrap=True, markup=False, emoji=False, highlight=False)
_err = Console(stderr=True, soft_wrap=True, markup=False, emoji=False, highlight=False)


@contextmanager
def open_reports(log: Path, *, as_json: bool) -> Iterator[Callable[[Event | str], None]]:
    """Tells events, and plain sentences, to the screen and to a log.

    Args:
        log: a file that is added to; where it cannot be written the batch goes on without.
        as_json: whether programs listen.
    """
    with Progress(
        TextColumn("{task.description}", table_column=Column(ratio=2, no_wrap=True)),
        BarColumn(),
        TextColumn("{task.completed:.0f} frames, {task.fields[pace]}"),
        console=_err,
        transient=True,
        disable=as_json or not _err.is_terminal,
    ) as progress:
        screen = _Lines() if as_json else _Bars(progress)

        def tell(event: Event | str) -> None:
            screen.tell(event)
            _log(log, event)

        yield tell


def tell_outcome(plan: BatchPlan, outcome: Outcome, *, as_json: bool) -> None:
    """The summary: what was made, what was not and why."""
    left_out = [
        {"source": str(out.source), "reason": out.reason, "failed": out.is_failure}
        for out in plan.left_out
    ]
    if as_json:
        _print_json("summary", {**asdict(outcome), "left_out": left_out})
        return
    done = [film for film in outcome.films if film.state == "done"]
    films = "1 film" if len(done) == 1 else f"{len(done)} films"
    _err.print(
        f"{films} done, {outcome.frames} frames in {outcome.seconds:.0f} s; the network was busy "
        f"{outcome.busy_share:.0%} of the time."
    )
    for film in outcome.films:
        if film.state != "done":
            _err.print(f"{film.state.capitalize()}: {film.source}: {film.reason or 'to go on'}")
    for out in plan.left_out:
        word = "Failed" if out.is_failure else "Skipped"
        _err.print(f"{word}: {out.source}: {out.reason}")


def tell_forecast(plan: BatchPlan, rows: Iterable[Forecast], free: int, *, as_json: bool) -> None:
    """What would be done, a line for each film as soon as it is known."""
    seconds, size, at_most = 0.0, 0, False
    for row in rows:
        seconds, size = seconds + (row.seconds or 0.0), size + (row.size or 0)
        at_most = at_most or row.at_most
        _tell_row(row, as_json=as_json)
    if as_json:
        left_out = [asdict(out) for out in plan.left_out]
        total = {"seconds": round(seconds, 1), "size": size, "at_most": at_most, "free": free}
        _print_json("plan", {**total, "left_out": left_out, "notes": plan.notes})
        return
    for out in plan.left_out:
        _out.print(f"{'Cannot' if out.is_failure else 'Skip'}: {out.source}: {out.reason}")
    for note in plan.notes:
        _out.print(f"Note: {note}")
    _out.print(
        f"Together {_about(seconds, size, at_most)}; {_mib(free)} of disk are free, and twice the "
        "largest film is needed while it is made."
    )


def _tell_row(row: Forecast, *, as_json: bool) -> None:
    info = row.job.info
    streams = [f"{s.kind} {s.codec}" for s in info.streams]
    if as_json:
        _print_json("row", {
            "source": row.job.source, "output": row.job.output, "streams": streams,
            "width": info.width, "height": info.height, "frames": row.frames,
            "seconds": row.seconds, "size": row.size, "at_most": row.at_most,
        })  # fmt: skip
        return
    known = "an unknown number of frames"
    if row.seconds is not None and row.size is not None:
        known = f"{row.frames} frames, {_about(row.seconds, row.size, row.at_most)}"
    _out.print(
        f"{row.job.source} -> {row.job.output}: {info.width}x{info.height}, "
        f"{', '.join(streams)}; {known}"
    )


class _Lines:
    """One JSON object a line on standard output."""

    def __init__(self) -> None:
        self._next = 0.0

    def tell(self, event: Event | str) -> None:
        if isinstance(event, str):
            _print_json("note", {"note": event})
            return
        if isinstance(event, BatchStatus):
            if time.monotonic() < self._next:
                return
            self._next = time.monotonic() + EVERY_S
        _print_json(_NAMES[type(event)], asdict(event))


class _Bars:
    """One bar for all, one for each film under way; sentences scroll by above them."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._all = progress.add_task("All", total=None, pace="")
        self._films: dict[Path, TaskID] = {}

    def tell(self, event: Event | str) -> None:
        if isinstance(event, BatchStatus):
            self._show(event)
        elif sentence := _words(event):
            _err.print(sentence)

    def _show(self, status: BatchStatus) -> None:
        bars, left = self._progress, status.seconds_left
        pace = "" if left is None else f"{_duration(left)} left"
        bars.update(self._all, completed=status.frames, total=status.total, pace=pace)
        running = {film.source for film in status.films}
        for source in self._films.keys() - running:
            bars.remove_task(self._films.pop(source))
        for film in status.films:
            if film.source not in self._films:
                self._films[film.source] = bars.add_task(film.source.name, pace="")
            left = film.seconds_left
            pace = film.doing if left is None else f"{film.fps:.1f}/s, {_duration(left)} left"
            task = self._films[film.source]
            bars.update(task, completed=film.frames, total=film.total, pace=pace)


def _words(event: Event | str) -> str:
    """What people read; nothing for what a bar shows."""
    match event:
        case str():
            return event
        case FilmBegun() if event.notes or event.frames:
            goes_on = f"{event.frames} frames are done already" if event.frames else ""
            return f"{event.source}: {'; '.join(filter(None, (goes_on, *event.notes)))}"
        case FilmResult(state="done"):
            notes = "".join(f" {note}." for note in event.notes)
            return f"{event.output}: {event.frames} frames.{notes}"
        case FilmResult(state="failed"):
            return f"{event.source} failed: {event.reason}"
        case Paused() | Retried():
            return f"{type(event).__name__}: {event.reason}"
        case Resumed():
            return "There is room again: going on."
    return ""


def _log(path: Path, event: Event | str) -> None:
    sentence = _words(event)
    if not sentence:
        return
    with suppress(OSError), path.open("a", encoding="utf-8", errors="replace") as file:
        file.write(f"{datetime.now().astimezone().isoformat(timespec='seconds')} {sentence}\n")


def _print_json(event: str, values: dict[str, object]) -> None:
    # Flushed by the console at every line, so that programs hear of it at once.
    _out.print(json.dumps({"event": event, **values}, default=str))


def _about(seconds: float, size: int, at_most: bool) -> str:
    return f"{'at most ' * at_most}about {_duration(seconds)} and {_mib(size)}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"


def _mib(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"
