"""Work on its way through a Dask scheduler.

Note [what the scheduler sees]
    A scheduler unpickles the functions that it hands on. Given ours, it would need LowLux, and
    stand still while it imports PyTorch. So it is given `pickle.loads` and some bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.run import remote
from core.run.cluster.dask import get_worker

if TYPE_CHECKING:
    from core.run.crew import Completed, Failed
    from core.run.remote import Parcel, Unfit


@dataclass(frozen=True, slots=True)
class Errand:
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
