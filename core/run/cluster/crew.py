"""A crew of a Dask cluster's workers.

Note [who counts tries]
    Work that fails on a worker is answered as `Failed`, and the batch counts its three tries as
    always. Work whose worker is lost is given to another by the scheduler, which counts these
    losses itself (Dask's `allowed-failures`, three); once it gives a chunk up, the crew answers
    further tries at once. The scheduler's own retries, three as well, are for what never gets as
    far as LowLux: a worker that cannot unpack what it is sent.
"""

from __future__ import annotations

import pickle
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from core.closing import Closing
from core.errors import BackendError
from core.run import remote
from core.run.chunk_task import ChunkTask
from core.run.cluster.dask import CancelledError, ClosedClientError, KilledWorker, wait
from core.run.cluster.errand import Errand
from core.run.cluster.progress import Progress
from core.run.crew import Completed, Failed, failed
from core.run.remote import Unfit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from core.run.cluster.dask import Client, Future
    from core.run.crew import Told, Work
    from core.run.remote import Offers

_ALONE_S = 120.0
"""Without any worker for so long, work has failed; those that crash are back in seconds."""
_LOOK_EVERY_S = 2.0


def offers_of(client: Client) -> Offers:
    """Who is there, and what each declares."""
    workers = client.scheduler_info(n_workers=-1).get("workers", {})
    return {address: dict(worker["resources"]) for address, worker in workers.items()}


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

    Called from the batch's thread alone.

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
        self._progress = Progress(client)
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
        told: list[Told] = [*self._progress.told(self._works), *self._answers]
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
        errand = Errand(remote.pack(ticket, work, self.threads), self._progress.topic, ticket)
        future = self._client.submit(
            pickle.loads,
            pickle.dumps(errand),
            key=f"lowlux-{type(work).__name__.lower()}-{uuid4().hex}",
            resources=self._need,
            retries=3,
            workers=sorted(may) or None,
        )
        self._works[ticket] = _UnderWay(work, future, may, time.monotonic())

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
            for worker, offer in offers_of(self._client).items()
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

    def _end(self, ticket: int, work: _UnderWay) -> Completed | Failed | None:
        """What became of work that is over; None where it is to be done again."""
        del self._works[ticket]
        try:
            worker, said = work.future.result()
        except KilledWorker:
            return self._give_up(ticket, work.work)
        except CancelledError:
            # A scheduler forgets a batch, and all it asked for, when their connection is lost.
            self._progress.listen()
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
