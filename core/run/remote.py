"""What a batch asks of workers on other machines, and how they answer; imports no Dask.

Note [unfit workers]
    A worker with another LowLux, with other weights, without the GPU, or one that cannot see the
    files, would fail every chunk in no time and so be given them all. It does no more work, which
    costs nobody a try: its work goes to the others.
"""

from __future__ import annotations

import os
import pickle
import signal
import time
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

from core.errors import BackendUnavailableError, CheckpointError, CoreError
from core.run.chunk_task import ChunkTask
from core.run.crew import Completed, Failed, failed, perform
from core.run.engine import Engine
from core.run.film_tasks import JoinTask, SurveyTask
from core.run.heap import settle_heap
from core.run.identity import program_version
from core.run.workers import share_processor
from core.settings import EnhanceSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from core.run.crew import Work
    from core.run.journal import Journal

Offers = dict[str, dict[str, float]]
"""Workers by address, and what each declares of Dask's resources, CPU and GPU."""
_ONE_AT_A_TIME = Lock()
"""Of this process; a scheduler may think it has room for more."""
_TELL_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Unfit:
    """A worker cannot do what the others can; see Note [unfit workers]."""

    reason: str
    """One sentence about it."""
    unseen: Path | None = None
    """Which file, where that is why."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """Work on its way to a worker. Only a worker of the same version can unpack it."""

    version: str
    """Of the LowLux that sends it."""
    packed: bytes


def choose(offers: Offers, device: str, address: str) -> tuple[Literal["cpu", "cuda"], Offers]:
    """The device to enhance on, and the workers that have it.

    Args:
        offers: of all workers there are.
        device: auto, cpu or cuda, as wished for.
        address: of their scheduler, for the message.

    Raises:
        BackendUnavailableError: no worker has it.
    """
    kinds: tuple[tuple[Literal["cpu", "cuda"], str], ...] = (("cuda", "GPU"), ("cpu", "CPU"))
    for name, kind in kinds:
        having = {worker: offer for worker, offer in offers.items() if offer.get(kind, 0) >= 1}
        if having and device in (name, "auto"):
            return name, having
    wanted = "GPU=1" if device == "cuda" else "CPU=4"
    raise BackendUnavailableError(
        f"None of the {len(offers)} workers at {address} offers what is needed; start them with "
        f'`dask worker {address} --nthreads 1 --resources "{wanted}"`.'
    )


def agree(answers: Mapping[str, Engine | Unfit | Exception]) -> Engine | None:
    """What all fit workers can enhance with; None where there are none.

    Args:
        answers: of `introduce`, by worker.
    """
    engines = sorted({said for said in answers.values() if isinstance(said, Engine)}, key=str)
    if len(engines) < 2:
        return next(iter(engines), None)
    # All machines have single precision, and a film is made in one.
    return replace(engines[0], precision="float32")


def unfit_of(answers: Mapping[str, Engine | Unfit | Exception]) -> dict[str, str]:
    """The workers that cannot do the work, and what the user is told of each."""
    return {
        worker: left_out(worker, said)
        for worker, said in answers.items()
        if not isinstance(said, Engine)
    }


def left_out(worker: str, said: Unfit | Exception) -> str:
    """What the user is told of a worker that cannot do the work."""
    reason = said.reason if isinstance(said, Unfit) else f"{type(said).__name__}: {said}"
    return f"The worker {worker} is left out: {reason}"


def pack(ticket: int, work: Work, threads: int) -> Parcel:
    """Work that any machine can do which sees the same files under the same names.

    Args:
        ticket: names the work in the answer.
        work: its paths, and the model's, are made absolute.
        threads: of the processor, that it may use.
    """
    source, output = work.source.absolute(), work.output.absolute()
    match work:
        case ChunkTask():
            path, enhance = work.path.absolute(), with_absolute_model(work.enhance)
            work = replace(work, source=source, output=output, path=path, enhance=enhance)
        case JoinTask():
            journal = _with_absolute_model(work.journal)
            work = replace(work, source=source, output=output, journal=journal)
        case SurveyTask():
            # It is compared with what an earlier run wrote, to the letter.
            work = replace(work, source=source, output=output)
    return Parcel(program_version(), pickle.dumps((ticket, work, threads)))


def with_absolute_model(enhance: EnhanceSettings) -> EnhanceSettings:
    """The same, where the model is a file, from any folder."""
    path = Path(enhance.model)
    return enhance.model_copy(update={"model": str(path.absolute())}) if path.suffix else enhance


def _with_absolute_model(journal: Journal) -> Journal:
    """Joining notes which prior the model asks for, so it needs the model as well."""
    enhance = with_absolute_model(journal.identity.enhance)
    identity = journal.identity.model_copy(update={"enhance": enhance})
    return journal.model_copy(update={"identity": identity})


def answer(parcel: Parcel, tick: Callable[[int], None]) -> Completed | Failed | Unfit:
    """Does the work, on the worker that calls it.

    Args:
        parcel: what `pack` made.
        tick: told now and then how many frames are done; what it raises ends the work.
    """
    if parcel.version != program_version():
        return Unfit(_other_version(parcel.version))
    ticket, work, threads = pickle.loads(parcel.packed)
    for path in (work.source, work.output.parent):
        if not path.exists():
            sentence = f"it cannot see {path}; put it where all machines can, under one name"
            return Unfit(sentence, path)
    with _ONE_AT_A_TIME:
        settle_heap()
        share_processor(threads)
        try:
            if isinstance(work, ChunkTask):
                # A network disk may remember that there is no such folder; asking for it cures it.
                work.path.parent.mkdir(exist_ok=True)
            return Completed(ticket, perform(work, tick))
        except (CheckpointError, BackendUnavailableError) as error:
            return Unfit(str(error))
        except Exception as error:
            return failed(ticket, error)


def introduce(version: str, enhance: dict[str, Any], model_sha256: str) -> Engine | Unfit:
    """What the worker that calls it would enhance with, or why it cannot.

    Args:
        version: of the LowLux that asks.
        enhance: the settings, as plain values.
        model_sha256: of the weights that are needed.
    """
    if version != program_version():
        return Unfit(_other_version(version))
    try:
        engine = Engine.of(EnhanceSettings.model_validate(enhance))
    except CoreError as error:
        return Unfit(str(error))
    if engine.model_sha256 != model_sha256:
        return Unfit(f"its model {enhance['model']} is another one; copy the same to all machines")
    return engine


def ticker(worker: Any, topic: str, ticket: int) -> Callable[[int], None]:
    """Tells the batch how far work is, and ends what the batch no longer wants.

    Args:
        worker: Dask's.
        topic: of Dask's events, that the batch listens to.
        ticket: names the work.
    """
    key, next_time = worker.get_current_task(), 0.0

    def tick(frames: int) -> None:
        nonlocal next_time
        if time.monotonic() < next_time:
            return
        next_time = time.monotonic() + _TELL_EVERY_S
        task = worker.state.tasks.get(key)
        if task is None or task.state != "executing":
            raise CoreError("The batch was stopped")
        worker.log_event(topic, (ticket, frames))

    return tick


def dask_setup(worker: Any) -> None:
    """Called by Dask in each process of a local cluster, which loads this module first.

    Ctrl+C in a terminal reaches them all, and it is for the batch to decide what it means.

    Args:
        worker: Dask's, named by its number.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if "GPU" in worker.state.total_resources:
        # Before the first call of CUDA, which looks at it once.
        listed, number = os.environ.get("CUDA_VISIBLE_DEVICES"), int(worker.name)
        os.environ["CUDA_VISIBLE_DEVICES"] = listed.split(",")[number] if listed else str(number)


def _other_version(version: str) -> str:
    ours = program_version()
    return f"it has LowLux {ours} where the batch has {version}; install one version everywhere"
