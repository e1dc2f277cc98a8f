"""What `lowlux batch` does."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from app.batch_report import open_reports, tell_forecast, tell_outcome
from core.enhance.plan import Machine
from core.errors import SettingsError
from core.media.disk import free_bytes
from core.media.hardware import with_usable_encoder
from core.run.batch import Batch
from core.run.batch_plan import make_plan
from core.run.engine import Engine
from core.run.folder_lock import FolderLock
from core.run.forecast import forecasts
from core.run.workers import hire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from types import FrameType

    from core.run.batch_events import Outcome
    from core.run.batch_plan import BatchPlan
    from core.run.cluster.crew import Cluster
    from core.run.workers import Workers
    from core.settings import BatchSettings

DONE, FAILED, INTERRUPTED = 0, 1, 130
LOG_NAME = "lowlux-batch.log"


def run_batch(
    inputs: Sequence[Path],
    folder: Path,
    settings: BatchSettings,
    log: Path | None,
    cluster: str | None,
    *,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Makes all films, or tells what it would do; returns the exit code.

    Args:
        inputs: files and folders.
        folder: of the outputs.
        settings: how.
        log: where the log is written; None for the output folder.
        cluster: address of a Dask scheduler, or `local`; None for processes of our own.
        dry_run: whether nothing is to be made.
        as_json: whether programs listen.

    Raises:
        CoreError: nothing could be begun.
    """
    if folder.exists() and not folder.is_dir():
        raise SettingsError(f"The output {folder} is a file; give a folder")
    if dry_run:
        _forecast(*_planned(inputs, folder, settings), as_json=as_json)
        return DONE
    folder.mkdir(parents=True, exist_ok=True)
    log = log or folder / LOG_NAME
    with FolderLock(folder) as lock, open_reports(log, as_json=as_json) as tell:
        if lock.was_stale:
            tell("An earlier batch in this folder was killed; what it did is used")
        plan, settings = _planned(inputs, folder, settings)
        _tell_plan(plan, tell)
        outcome = _run(plan, settings, cluster, tell)
    tell_outcome(plan, outcome, as_json=as_json)
    return _code(plan, outcome)


def _planned(
    inputs: Sequence[Path], folder: Path, settings: BatchSettings
) -> tuple[BatchPlan, BatchSettings]:
    """What is to be done, and how, with an encoder that is here."""
    encode, note = with_usable_encoder(settings.encode)
    settings = settings.model_copy(update={"encode": encode})
    plan = make_plan(inputs, folder, settings)
    return replace(plan, notes=(note, *plan.notes) if note else plan.notes), settings


def _tell_plan(plan: BatchPlan, tell: Callable[[str], None]) -> None:
    for note in plan.notes:
        tell(note)
    for out in plan.left_out:
        tell(f"{out.source} {'failed' if out.is_failure else 'is skipped'}: {out.reason}")


def _run(
    plan: BatchPlan, settings: BatchSettings, cluster: str | None, tell: Callable[..., None]
) -> Outcome:
    engine, crew = _engine_and_crew(settings, cluster, tell)
    with _stop_request(tell) as is_stopping, crew:
        return Batch(plan, settings, engine, crew, tell, is_stopping).run()


def _engine_and_crew(
    settings: BatchSettings, cluster: str | None, tell: Callable[..., None]
) -> tuple[Engine, Workers | Cluster]:
    if cluster is None:
        engine = Engine.of(settings.enhance)
        return engine, hire(settings.workers, engine.device)
    # Dask is there only where it was asked for.
    from core.run.cluster import join_cluster

    return join_cluster(cluster, settings.enhance, settings.workers, tell)


def _forecast(plan: BatchPlan, settings: BatchSettings, *, as_json: bool) -> None:
    engine, folder = Engine.of(settings.enhance), plan.folder
    rows = forecasts(plan, settings, engine, Machine.probe().cores)
    while not folder.exists():
        folder = folder.parent
    tell_forecast(plan, rows, free_bytes(folder), as_json=as_json)


def _code(plan: BatchPlan, outcome: Outcome) -> int:
    if outcome.interrupted:
        return INTERRUPTED
    failed = any(film.state == "failed" for film in outcome.films)
    return FAILED if failed or any(out.is_failure for out in plan.left_out) else DONE


@contextmanager
def _stop_request(tell: Callable[[str], None]) -> Iterator[Callable[[], bool]]:
    """Ctrl+C once asks for the end, twice makes it."""
    asked: list[bool] = []

    def interrupted(_number: int, _frame: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(True)

    told: list[bool] = []

    def is_stopping() -> bool:
        if asked and not told:
            told.append(True)
            tell("Finishing the parts under way; press Ctrl+C again to stop now")
        return bool(asked)

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield is_stopping
    finally:
        signal.signal(signal.SIGINT, before)
