"""What the command line tells: a bar for people, JSON lines for programs."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from core.media.source import open_source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from core.enhance.plan import Machine, Plan
    from core.run.transcode import Progress as JobProgress
    from core.run.transcode import Summary

EVERY_S = 0.5
"""JSON progress comes no more often."""

# File names are told as they are: neither [brackets] nor :words: mean anything.
_out = Console(soft_wrap=True, markup=False, emoji=False, highlight=False)
_err = Console(stderr=True, soft_wrap=True, markup=False, emoji=False, highlight=False)


class Report(Protocol):
    """Tells how a job goes and what came of it."""

    def progress(self, now: JobProgress) -> None:
        """Another frame is done."""
        ...

    def summary(self, summary: Summary, plan: Plan) -> None:
        """All is done."""
        ...


class _Lines:
    """One JSON object a line on standard output."""

    def __init__(self) -> None:
        self._next = 0.0

    def progress(self, now: JobProgress) -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + EVERY_S
        left = now.seconds_left
        self._print(
            event="progress",
            frames=now.frames,
            total=now.total,
            fps=round(now.fps, 2),
            seconds_left=None if left is None else round(left, 1),
        )

    def summary(self, summary: Summary, plan: Plan) -> None:
        self._print(event="summary", **asdict(summary), reasons=plan.reasons)

    def _print(self, **values: object) -> None:
        _out.print(json.dumps(values))


class _Bar:
    """A progress bar on a terminal, a few plain sentences at the end."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("Enhancing", total=None, fps=0.0)

    def progress(self, now: JobProgress) -> None:
        self._bar.update(self._task, completed=now.frames, total=now.total, fps=now.fps)

    def summary(self, summary: Summary, plan: Plan) -> None:
        frames = f"{summary.frames} frame{'s' * (summary.frames != 1)}"
        _err.print(
            f"{summary.output}: {frames} in {summary.seconds:.1f} s "
            f"({summary.fps:.1f} a second), {summary.model} on {plan.device}, {plan.precision}",
        )
        if summary.dropped:
            _err.print(f"{summary.dropped} damaged pieces of the input were stepped over.")
        for note in summary.notes:
            _err.print(f"Note: {note}")


@contextmanager
def open_report(*, as_json: bool) -> Iterator[Report]:
    """A report, and its bar while the job runs."""
    if as_json:
        yield _Lines()
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f} frames, {task.fields[fps]:.1f}/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=_err, transient=True, disable=not _err.is_terminal) as bar:
        yield _Bar(bar)


def tell_error(sentence: str) -> None:
    """One sentence on standard error."""
    _err.print(sentence, style="red")


def show_info(machine: Machine, plan: Plan, file: Path | None) -> None:
    """The machine and the plan; for a file also its streams."""
    _row("Processor", f"{machine.processor}, {machine.cores} cores")
    _row("Graphics", ", ".join(machine.gpus) or "none that PyTorch can use")
    _row("Plan", f"{plan.device}, {plan.precision}")
    for reason in plan.reasons:
        _row("", reason)
    _row("Prior", f"refreshed every {plan.prior_every} frames")
    if file is not None:
        _show_file(file)


def _show_file(file: Path) -> None:
    with open_source(file) as source:
        info = source.info
    rate = float(info.average_rate) if info.average_rate else 0.0
    _row("File", str(info.path))
    _row(
        "Video",
        f"{info.width}x{info.height}, {info.codec} {info.pixel_format}, {rate:.3f} a second",
    )
    _row("Colour", str(info.colour))
    if info.rotation_degrees:
        _row("Rotation", f"{info.rotation_degrees} degrees, will be applied")
    if info.hdr or info.interlaced:
        _row("Will be", "tone-mapped to SDR" if info.hdr else "deinterlaced")
    for stream in info.streams:
        _row(f"Stream {stream.index}", f"{stream.kind} {stream.codec or ''} {stream.details or ''}")


def _row(name: str, value: str) -> None:
    # A table would cut long names to the width of the terminal, or of a pipe's 80 columns.
    _out.print(f"{name:<12}{value}")
