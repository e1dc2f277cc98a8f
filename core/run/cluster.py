"""A crew of processes on other machines, by way of a Dask scheduler, or on this one.

Note [who counts tries]
    Work that fails on a worker is answered as `Failed`, and the batch counts its three tries as
    always. Work whose worker is lost is given to another by the scheduler, which counts these
    losses itself (Dask's `allowed-failures`, three); once it gives a chunk up, the crew answers
    further tries at once. The scheduler's own retries, three as well, are for what never gets as
    far as LowLux: a worker that cannot unpack what it is sent.

Note [what the scheduler sees]
    A scheduler unpickles the functions that it hands on. Given ours, it would need LowLux, and
    stand still while it imports PyTorch. So it is given `pickle.loads` and some bytes.
"""

from __future__ import annotations

import asyncio
import logging
import pickle
import time
from collections import deque
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from core.closing import Closing
from core.errors import BackendError, BackendUnavailableError, SettingsError
from core.run import remote
from core.run.batch import Engine
from core.run.chunk_task import ChunkTask
from core.run.crew import Advanced, Completed, Failed, failed
from core.run.dask_loop import dask_loop
from core.run.journal import program_version
from core.run.remote import Offers, Parcel, Unfit, with_absolute_model
from core.run.workers import hire

try:
    from distributed import Client, Future, KilledWorker, LocalCluster, Security, get_worker, wait
    from distributed.client import CancelledError, ClosedClientError
    from distributed.comm import connect
except ImportError as error:
    raise BackendUnavailableError(
        "--cluster needs Dask: pip install 'lowlux[cluster]', here and on every worker."
    ) from error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from core.run.crew import Told, Work
    from core.settings import EnhanceSettings

LOCAL = "local"
"""In place of an address: start a cluster here."""
_SCHEMES = ("tcp://", "tls://")
_CONNECT_S = 10.0
"""A scheduler that has not answered in this time is not there, nor are its workers."""
_ALONE_S = 120.0
"""Without any worker for so long, work has failed; those that crash are back in seconds."""
_LOOK_EVERY_S = 2.0


def join_cluster(
    address: str,
    enhance: EnhanceSettings,
    wished: int | None,
    tell: Callable[[str], None],
    connect_seconds: float = _CONNECT_S,
) -> tuple[Engine, Cluster]:
    """What the workers of a cluster enhance with, and the crew of them, which is to be closed.

    Workers declare what they have as Dask's resources, `CPU=4` or `GPU=1`, and do one work at a
    time. Where any has a GPU, and it was not forbidden, only those with one are used.

    Args:
        address: tcp://HOST:PORT, tls://HOST:PORT (with the certificates in Dask's own
            configuration), or `local` for processes on this machine.
        enhance: names the device wished for, and the model.
        wished: works at a time, at most; for `local`, processes to start.
        tell: told a sentence whenever a worker is left out.
        connect_seconds: how long the scheduler may take to answer, and then a worker to be there.

    Raises:
        SettingsError: this is no address.
        BackendUnavailableError: there is no scheduler, or none of its workers can be used.
        CheckpointError: there is no such model here.
    """
    if address != LOCAL and not address.startswith(_SCHEMES):
        raise SettingsError(
            f"--cluster {address} is no address; give tcp://HOST:PORT, tls://HOST:PORT or local"
        )
    # What Dask would log here, the batch tells in its own words.
    for name in ("distributed", "distributed.client", "tornado.application"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with ExitStack() as opened:
        if address == LOCAL:
            address = opened.enter_context(_local_scheduler(wished, enhance))
        client = opened.enter_context(_connected(address, connect_seconds))
        with suppress(TimeoutError):
            client.wait_for_workers(1, timeout=connect_seconds)
        device, offers = remote.choose(_offers(client), enhance.device, address)
        engine, unfit = _meet(client, offers, enhance.model_copy(update={"device": device}))
        for reason in unfit.values():
            tell(reason)
        fit = [offer for worker, offer in offers.items() if worker not in unfit]
        if not fit:
            raise BackendUnavailableError(next(iter(unfit.values())))
        threads = int(min(offer.get("CPU", 1) for offer in fit))
        need = {"GPU": 1} if device == "cuda" else {"CPU": threads}
        crew = Cluster(client, address, need, threads, wished, unfit, tell, opened.pop_all())
    return engine, crew


@dataclass(slots=True)
class _UnderWay:
    """Work that the scheduler has."""

    work: Work
    future: Future[Any]
    may: frozenset[str]
    """Addresses of the workers that may do it; empty for all."""
    seen: float
    """When one of them was last there."""


class Cluster(Closing):
    """Workers of a Dask cluster, who may come and go; `join_cluster` makes it.

    Called from the batch's thread alone; of Dask's own thread it hears through a deque.

    Args:
        client: of the scheduler.
        address: of the scheduler.
        need: resources that a work asks of its worker.
        threads: processor threads for each work.
        most: works at a time; None for as many as there are workers.
        unfit: workers left out, and why; see Note [unfit workers] in `core.run.remote`.
        tell: told a sentence whenever another is left out.
        opened: closes the client, and what was started for it.
    """

    def __init__(
        self,
        client: Client,
        address: str,
        need: Mapping[str, int],
        threads: int,
        most: int | None,
        unfit: Mapping[str, str],
        tell: Callable[[str], None],
        opened: ExitStack,
    ) -> None:
        self.threads = threads
        self._client, self._address, self._need = client, address, dict(need)
        self._most, self._unfit, self._tell = most, dict(unfit), tell
        self._opened = opened
        self._works: dict[int, _UnderWay] = {}
        self._answers: list[Failed] = []
        self._given_up: dict[Path, str] = {}
        self._fit = frozenset[str]()
        self._next_look = 0.0
        self._ticks = deque[tuple[int, int]]()
        self._topic = f"lowlux-{uuid4().hex}"
        self._listen()
        self._look()

    @property
    def size(self) -> int:
        """See `core.run.crew.Crew`; one for each worker that was there a moment ago."""
        size = max(1, len(self._fit))
        return size if self._most is None else min(size, self._most)

    def begin(self, ticket: int, work: Work) -> None:
        """See `core.run.crew.Crew`.

        Raises:
            BackendError: the scheduler is gone; what was done is in the journals.
        """
        if isinstance(work, ChunkTask) and work.path in self._given_up:
            self._answers.append(Failed(ticket, self._given_up[work.path]))
            return
        with self._reached():
            self._submit(ticket, work)

    def wait(self, seconds: float) -> Sequence[Told]:
        """See `core.run.crew.Crew`.

        Raises:
            BackendError: the scheduler is gone; what was done is in the journals.
        """
        if not self._answers:
            self._sleep(seconds)
        told: list[Told] = [*self._advanced(), *self._answers]
        self._answers = []
        with self._reached():
            self._look()
            for ticket, work in list(self._works.items()):
                if work.future.done() and (event := self._end(ticket, work)) is not None:
                    told.append(event)
        return told + self._left_alone()

    def close(self) -> None:
        """Stop now: workers give up what is under way, after the frame they are at."""
        self._works = {}
        # A scheduler that is gone cannot be told goodbye.
        with suppress(OSError, TimeoutError):
            self._opened.close()

    def _submit(self, ticket: int, work: Work) -> None:
        if self._unfit and not self._fit:
            self._answers.append(Failed(ticket, next(iter(self._unfit.values()))))
            return
        may = self._fit if self._unfit else frozenset[str]()
        errand = _Errand(remote.pack(ticket, work, self.threads), self._topic, ticket)
        future = self._client.submit(
            pickle.loads,
            pickle.dumps(errand),
            key=f"lowlux-{type(work).__name__.lower()}-{uuid4().hex}",
            resources=self._need,
            retries=3,
            workers=sorted(may) or None,
        )
        self._works[ticket] = _UnderWay(work, future, may, time.monotonic())

    def _listen(self) -> None:
        self._client.subscribe_topic(self._topic, lambda event: self._ticks.append(event[1]))

    def _sleep(self, seconds: float) -> None:
        """Until some work ends, one way or another."""
        futures = [work.future for work in self._works.values()]
        if not futures:
            time.sleep(seconds)
            return
        with suppress(TimeoutError, CancelledError), self._client.as_current():
            wait(futures, timeout=seconds, return_when="FIRST_COMPLETED")

    @contextmanager
    def _reached(self) -> Iterator[None]:
        """The scheduler is there, or is expected back."""
        try:
            if self._client.status not in ("running", "connecting"):
                raise ClosedClientError
            yield
        except ClosedClientError as error:
            raise BackendError(
                f"The scheduler at {self._address} is gone; start it and its workers again, and "
                "the same command goes on where this one ended."
            ) from error

    def _look(self) -> None:
        """Who is there now."""
        now = time.monotonic()
        if now < self._next_look or self._client.status != "running":
            return
        self._next_look = now + _LOOK_EVERY_S
        self._fit = frozenset(
            worker
            for worker, offer in _offers(self._client).items()
            if worker not in self._unfit
            and all(offer.get(name, 0) >= count for name, count in self._need.items())
        )
        for ticket, work in list(self._works.items()):
            if self._fit & (work.may or self._fit):
                work.seen = now
            elif self._fit:
                # Those that might do it are gone, and others have come.
                work.future.cancel()
                self._submit(ticket, work.work)

    def _left_alone(self) -> list[Failed]:
        """Work that nobody has been there to do."""
        limit = time.monotonic() - _ALONE_S
        alone = [ticket for ticket, work in self._works.items() if work.seen < limit]
        for ticket in alone:
            self._works.pop(ticket).future.cancel()
        reason = f"No worker has been left at {self._address} for a while; start some again"
        return [Failed(ticket, reason) for ticket in alone]

    def _advanced(self) -> list[Advanced]:
        """Frames done of what is under way; fewer again where a lost worker's were lost too."""
        ticks = [self._ticks.popleft() for _ in range(len(self._ticks))]
        return [Advanced(ticket, frames) for ticket, frames in ticks if ticket in self._works]

    def _end(self, ticket: int, work: _UnderWay) -> Completed | Failed | None:
        """What became of work that is over; None where it is to be done again."""
        del self._works[ticket]
        try:
            worker, said = work.future.result()
        except KilledWorker:
            return self._give_up(ticket, work.work)
        except CancelledError:
            # A scheduler forgets a batch, and all it asked for, when their connection is lost.
            self._listen()
            self._submit(ticket, work.work)
            return None
        except Exception as error:
            return failed(ticket, error)
        if isinstance(said, Unfit):
            return self._leave_out(ticket, work.work, worker, said)
        event: Completed | Failed = said
        return event

    def _give_up(self, ticket: int, work: Work) -> Failed:
        reason = (
            "Every worker that was given this part ended over it; there may be too little memory, "
            "so start fewer on each machine"
        )
        if isinstance(work, ChunkTask):
            self._given_up[work.path] = reason
        return Failed(ticket, reason)

    def _leave_out(self, ticket: int, work: Work, worker: str, said: Unfit) -> Failed | None:
        if said.unseen is not None and not said.unseen.exists():
            return Failed(ticket, f"{said.unseen} is gone; put it back, or leave it out")
        if worker not in self._unfit:
            self._unfit[worker] = remote.left_out(worker, said)
            self._fit -= {worker}
            self._tell(self._unfit[worker])
        self._submit(ticket, work)
        return None


@contextmanager
def _local_scheduler(wished: int | None, enhance: EnhanceSettings) -> Iterator[str]:
    """Its address; only this machine can reach it and its workers."""
    device = Engine.of(enhance).device
    with hire(wished, device) as shared:
        size, threads = shared.size, shared.threads
    with LocalCluster(
        n_workers=size,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        scheduler_kwargs={"dashboard": False},
        worker_dashboard_address="127.0.0.1:0",
        memory_limit=0,
        resources={"CPU": threads} | ({"GPU": 1} if device == "cuda" else {}),
        preload=[remote.__name__],
        silence_logs=logging.CRITICAL,
    ) as cluster:
        yield cluster.scheduler_address


@contextmanager
def _connected(address: str, seconds: float) -> Iterator[Client]:
    with dask_loop() as loop:
        try:
            asyncio.run(_knock(address, seconds))
            client = Client(address, timeout=seconds, loop=loop, set_as_default=False)
        except (OSError, TypeError, ValueError, RuntimeError) as error:
            raise BackendUnavailableError(
                f"No Dask scheduler answered at {address} in {seconds:g} s; start one with "
                "`dask scheduler`, and check the address, the firewall and, for tls://, the "
                "certificates in Dask's configuration."
            ) from error
        with client:
            yield client


async def _knock(address: str, seconds: float) -> None:
    """Fails as a client would, but leaves nothing behind then."""
    comm = await connect(address, timeout=seconds, **Security().get_connection_args("client"))
    await comm.close()


def _offers(client: Client) -> Offers:
    workers = client.scheduler_info(n_workers=-1).get("workers", {})
    return {address: dict(worker["resources"]) for address, worker in workers.items()}


def _meet(
    client: Client, workers: Iterable[str], enhance: EnhanceSettings
) -> tuple[Engine, dict[str, str]]:
    """What the workers enhance with, and why some of them cannot."""
    ours = Engine.of(enhance.model_copy(update={"device": "cpu"}))
    wishes, model = with_absolute_model(enhance).model_dump(), ours.model_sha256
    answers = client.run(
        remote.introduce, program_version(), wishes, model, workers=list(workers), on_error="return"
    )
    return remote.agree(answers) or ours, remote.unfit_of(answers)


@dataclass(frozen=True, slots=True)
class _Errand:
    """Is run by being unpickled, which only a worker does; see Note [what the scheduler sees]."""

    parcel: Parcel
    topic: str
    ticket: int

    def __reduce__(self) -> tuple[Any, ...]:
        return _serve, (self.parcel, self.topic, self.ticket)


def _serve(parcel: Parcel, topic: str, ticket: int) -> tuple[str, Completed | Failed | Unfit]:
    """Runs on a worker, on a thread of Dask's; answers with its address."""
    worker = get_worker()
    return worker.address, remote.answer(parcel, remote.ticker(worker, topic, ticket))
