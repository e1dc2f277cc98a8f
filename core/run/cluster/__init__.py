"""Workers on other machines, by way of a Dask scheduler, or on this one: how they are met."""

from __future__ import annotations

import asyncio
import logging
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import BackendUnavailableError, SettingsError
from core.run import remote
from core.run.cluster.crew import Cluster, offers_of
from core.run.cluster.dask import Client, LocalCluster, Security, connect
from core.run.cluster.loop import dask_loop
from core.run.engine import Engine
from core.run.identity import program_version
from core.run.remote import with_absolute_model
from core.run.workers import hire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from core.settings import EnhanceSettings

LOCAL = "local"
"""In place of an address: start a cluster here."""
_SCHEMES = ("tcp://", "tls://")
_CONNECT_S = 10.0
"""A scheduler that has not answered in this time is not there, nor are its workers."""


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
    _quieten_dask()
    with ExitStack() as opened:
        address = opened.enter_context(_scheduler(address, wished, enhance))
        client = opened.enter_context(_connected(address, connect_seconds))
        with suppress(TimeoutError):
            client.wait_for_workers(1, timeout=connect_seconds)
        met = _meet(client, address, enhance, tell)
        crew = Cluster(
            client, address, met.need, met.threads, wished, met.unfit, tell, opened.pop_all()
        )
    return met.engine, crew


def _quieten_dask() -> None:
    """What it would log here, the batch tells in its own words."""
    for name in ("distributed", "distributed.client", "tornado.application"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


@contextmanager
def _scheduler(address: str, wished: int | None, enhance: EnhanceSettings) -> Iterator[str]:
    """The address of one; where that is to be here, it is started."""
    if address == LOCAL:
        with _local_scheduler(wished, enhance) as started:
            yield started
    elif address.startswith(_SCHEMES):
        yield address
    else:
        raise SettingsError(
            f"--cluster {address} is no address; give tcp://HOST:PORT, tls://HOST:PORT or local"
        )


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


@dataclass(frozen=True, slots=True)
class _Met:
    """What the workers have in common."""

    engine: Engine
    need: dict[str, int]
    """Resources that a work asks of its worker."""
    threads: int
    """Processor threads for each work."""
    unfit: dict[str, str]
    """Workers left out, and why."""


def _meet(
    client: Client, address: str, enhance: EnhanceSettings, tell: Callable[[str], None]
) -> _Met:
    """Asks all workers that are there, and tells of those that cannot do the work."""
    device, offers = remote.choose(offers_of(client), enhance.device, address)
    ours = Engine.of(enhance.model_copy(update={"device": "cpu"}))
    wish = with_absolute_model(enhance.model_copy(update={"device": device}))
    answers = client.run(
        remote.introduce, program_version(), wish.model_dump(), ours.model_sha256,
        workers=list(offers), on_error="return",
    )  # fmt: skip
    unfit = remote.unfit_of(answers)
    for reason in unfit.values():
        tell(reason)
    fit = [offer for worker, offer in offers.items() if worker not in unfit]
    if not fit:
        raise BackendUnavailableError(next(iter(unfit.values())))
    threads = int(min(offer.get("CPU", 1) for offer in fit))
    need = {"GPU": 1} if device == "cuda" else {"CPU": threads}
    return _Met(remote.agree(answers) or ours, need, threads, unfit)
