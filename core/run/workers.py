"""A crew of processes on this machine.

Note [workers' end]
    Workers ignore Ctrl+C, which a terminal sends to all: the batch decides. They are stopped by
    it, or by its death: a thread of each waits for that, so that a batch that is killed leaves no
    worker behind.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from dataclasses import dataclass
from multiprocessing.connection import wait
from threading import Thread
from typing import TYPE_CHECKING, Any

from core.closing import Closing
from core.enhance.plan import MOST_LANES, Machine
from core.run.crew import Advanced, Completed, Failed, failed, perform
from core.run.heap import settle_heap

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

    from core.run.crew import Told, Work

_TELL_EVERY_S = 0.25
"""A worker tells of its progress no more often."""
_CLOSE_PATIENCE_S = 5.0
_PROCESSES = multiprocessing.get_context("spawn")


def hire(wished: int | None, device: str) -> Workers:
    """As many processes as asked for, or as suit the machine; one for each GPU.

    Args:
        wished: how many; None leaves it to the machine.
        device: cpu or cuda, what the network runs on.
    """
    machine = Machine.probe()
    if device == "cuda":
        listed = os.environ.get("CUDA_VISIBLE_DEVICES")
        gpus = listed.split(",") if listed else [str(n) for n in range(len(machine.gpus))]
        size = min(wished or len(gpus), len(gpus))
        return Workers(size, max(1, machine.cores // size), gpus)
    size = wished or max(1, machine.cores // MOST_LANES)
    return Workers(size, max(1, machine.cores // size))


@dataclass(slots=True)
class _Worker:
    """One process, and the driver's end of its pipe."""

    process: SpawnProcess
    pipe: Connection[Any, Any]
    ticket: int | None = None
    """Of the work under way."""


class Workers(Closing):
    """Processes that do one work at a time each. A worker that dies is replaced.

    Called from the batch's thread alone.

    Args:
        size: how many processes.
        threads: for each.
        gpus: names, for `CUDA_VISIBLE_DEVICES`, of those to share out; empty on a CPU.
    """

    def __init__(self, size: int, threads: int, gpus: Sequence[str] = ()) -> None:
        self.size, self.threads = size, threads
        self._gpus = gpus
        self._workers: list[_Worker | None] = [None] * size

    def begin(self, ticket: int, work: Work) -> None:
        """See `core.run.crew.Crew`; processes are started when they are first needed."""
        place = next(
            number
            for number, worker in enumerate(self._workers)
            if worker is None or worker.ticket is None
        )
        worker = self._workers[place]
        if worker is None or not worker.process.is_alive():
            worker = self._workers[place] = self._start(place)
        worker.ticket = ticket
        # A process that died just now is noticed by `wait`.
        with contextlib.suppress(OSError):
            worker.pipe.send((ticket, work))

    def wait(self, seconds: float) -> Sequence[Told]:
        """See `core.run.crew.Crew`."""
        busy = {
            worker.pipe: worker
            for worker in self._workers
            if worker is not None and worker.ticket is not None
        }
        if not busy:
            time.sleep(seconds)
            return []
        told: list[Told] = []
        for pipe in wait(list(busy), seconds):
            worker = busy[pipe]  # type: ignore[index]
            try:
                told.append(worker.pipe.recv())
            except (EOFError, OSError):
                told.append(self._lost(worker))
        for event in told:
            if not isinstance(event, Advanced):
                self._free(event.ticket)
        return told

    def close(self) -> None:
        """Stops all processes now; what they were writing is left under a temporary name."""
        workers = [worker for worker in self._workers if worker is not None]
        for worker in workers:
            worker.process.kill()
        for worker in workers:
            worker.process.join(_CLOSE_PATIENCE_S)
            worker.pipe.close()
        self._workers = [None] * self.size

    def _start(self, place: int) -> _Worker:
        ours, theirs = _PROCESSES.Pipe()
        gpu = self._gpus[place % len(self._gpus)] if self._gpus else None
        process = _PROCESSES.Process(
            target=_serve, args=(theirs, gpu, self.threads), name=f"lowlux-worker-{place}",
            daemon=True,
        )  # fmt: skip
        with _deaf_to_interrupts():
            process.start()
        theirs.close()
        return _Worker(process, ours)

    def _lost(self, worker: _Worker) -> Failed:
        assert worker.ticket is not None
        worker.process.join(_CLOSE_PATIENCE_S)
        code = worker.process.exitcode
        how = f"was killed (signal {-code})" if code is not None and code < 0 else "ended by itself"
        return Failed(
            worker.ticket,
            f"A worker process {how}; there may be too little memory, so try fewer --workers",
        )

    def _free(self, ticket: int) -> None:
        for worker in self._workers:
            if worker is not None and worker.ticket == ticket:
                worker.ticket = None


@contextlib.contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """A process that is started here never hears of Ctrl+C; the caller hears of it afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(pipe: Connection[Any, Any], gpu: str | None, threads: int) -> None:
    """The worker's own main function; see Note [workers' end]."""
    settle_heap()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    Thread(target=_die_with_the_batch, name="lowlux-lifeline", daemon=True).start()
    if gpu is not None:
        # Before the first call of CUDA, which looks at it once.
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    share_processor(threads)
    with contextlib.suppress(EOFError, OSError):
        while True:
            ticket, work = pipe.recv()
            pipe.send(_answer(pipe, ticket, work))


def _answer(pipe: Connection[Any, Any], ticket: int, work: Work) -> Completed | Failed:
    next_time = 0.0

    def tick(frames: int) -> None:
        nonlocal next_time
        if time.monotonic() >= next_time:
            next_time = time.monotonic() + _TELL_EVERY_S
            pipe.send(Advanced(ticket, frames))

    try:
        return Completed(ticket, perform(work, tick))
    except Exception as error:
        return failed(ticket, error)


def _die_with_the_batch() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


def share_processor(threads: int) -> None:
    """Arithmetic outside the network's lanes keeps to the worker's share as well."""
    import cv2
    import torch

    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
