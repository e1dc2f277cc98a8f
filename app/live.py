"""What `lowlux live --headless` does and tells."""

from __future__ import annotations

import json
import math
import sys
from contextlib import contextmanager
from dataclasses import asdict
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from rich.console import Console

from core.errors import CoreError, SourceError, WriterError
from core.model import checkpoint
from core.run.headless import watch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.status import Status

    from core.run.headless import Watched
    from core.run.live_status import LiveStatus
    from core.run.record_ledger import RecordWish
    from core.settings import LiveSettings

_KEPT = ("captured", "shown", "dropped", "reconnects", "plan", "reasons", "notes", "trouble")
_out = Console(soft_wrap=True, markup=False, emoji=False, highlight=False)
_err = Console(stderr=True, soft_wrap=True, markup=False, emoji=False, highlight=False)


def run_headless(
    uri: str,
    settings: LiveSettings,
    wish: RecordWish | None,
    seconds: float | None,
    *,
    as_json: bool,
) -> None:
    """Runs without a window and tells how it goes.

    Raises:
        CoreError: the run failed, or its network did; what was recorded is finished.
        SourceError: no frame came.
        WriterError: the run went well, but what it recorded is not whole.
        KeyboardInterrupt: it was interrupted before the first frame.
    """
    checkpoint.find(settings.enhance.model)  # what nobody knows is told before a camera is opened
    with _open_report(as_json=as_json) as report:
        watched = watch(uri, settings, report.status, wish=wish, seconds=seconds)
    report.summary(watched)
    if isinstance(watched.error, CoreError):
        raise watched.error
    if watched.error is not None:
        # Its own words may repeat the address and what is secret in it.
        raise CoreError(watched.status.trouble) from watched.error
    if not watched.status.captured and watched.is_interrupted:
        raise KeyboardInterrupt
    if not watched.status.captured:
        raise SourceError(f"No frame came from {watched.status.title}: is anything sent there?")
    if watched.incomplete:
        raise WriterError(watched.incomplete)
    if watched.status.trouble:
        raise CoreError(watched.status.trouble)


class _Report(Protocol):
    """Tells how a run goes and what came of it."""

    def status(self, status: LiveStatus) -> None:
        """Where it is, every second."""

    def summary(self, watched: Watched) -> None:
        """It is over."""


class _Lines:
    """One JSON object a line on standard output."""

    def status(self, status: LiveStatus) -> None:
        self._print({"event": "status", **asdict(status)})

    def summary(self, watched: Watched) -> None:
        status = asdict(watched.status)
        self._print(
            {
                "event": "summary",
                "state": watched.status.state,
                "source": watched.status.title,
                "seconds": round(watched.seconds, 2),
                "fps": _fps(watched),
                **{name: status[name] for name in _KEPT},
                **status["latency"],
                "files": [asdict(file) for file in watched.files],
                "incomplete": watched.incomplete,
                "peak_memory_mib": _peak_mib(),
            }
        )

    def _print(self, values: dict[str, object]) -> None:
        _out.print(json.dumps(_plain(values)))


class _Words:
    """One line that changes while it goes, a few sentences at the end."""

    def __init__(self, line: Status) -> None:
        self._line = line

    def status(self, status: LiveStatus) -> None:
        self._line.update(
            f"{status.title}: {status.state.value}, {status.captured_fps:.1f} frames/s come, "
            f"{status.enhanced_fps:.1f} are enhanced, {status.latency.p50_ms:.0f} ms late. "
            f"{status.trouble}"
        )

    def summary(self, watched: Watched) -> None:
        status, latency = watched.status, watched.status.latency
        _err.print(
            f"{status.title}: {status.captured} frames, {status.shown} shown, {status.dropped} "
            f"dropped, {_fps(watched):.1f} a second; {latency.p50_ms:.0f} ms late, 95 of 100 under "
            f"{latency.p95_ms:.0f} ms; {status.reconnects} times reconnected; {status.plan}"
        )
        for file in watched.files:
            verdict = "checked" if file.checked else "not as it should be"
            _err.print(f"{file.path}: {file.frames} frames, {file.seconds:.1f} s, {verdict}")
            if file.note:
                _err.print(f"Note: {file.note}.")
        for note in status.notes:
            _err.print(f"Note: {note}")


@contextmanager
def _open_report(*, as_json: bool) -> Iterator[_Report]:
    if as_json:
        yield _Lines()
    elif _err.is_terminal:
        with _err.status("Opening") as line:
            yield _Words(line)
    else:
        # Nothing moves where nobody sees it.
        yield _Words(_err.status(""))


def _fps(watched: Watched) -> float:
    return round(watched.status.shown / watched.seconds, 2) if watched.seconds else 0.0


def _plain(value: object) -> object:
    """As JSON knows it: no infinity, no fractions."""
    match value:
        case dict():
            return {name: _plain(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_plain(inner) for inner in value]
        case Enum():
            return value.value
        case Path():
            return str(value)
        case Fraction() | float():
            return round(float(value), 3) if math.isfinite(value) else None
    return value


def _peak_mib() -> float | None:
    """The most memory this process ever held; none where the system does not say."""
    try:
        from resource import RUSAGE_SELF, getrusage
    except ImportError:
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return round(getrusage(RUSAGE_SELF).ru_maxrss * unit / 2**20, 1)
