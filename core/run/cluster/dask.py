"""All of Dask that LowLux uses; nothing else imports it, for it is an extra."""

from __future__ import annotations

from core.errors import BackendUnavailableError

try:
    from distributed import Client, Future, KilledWorker, LocalCluster, Security, get_worker, wait
    from distributed.client import CancelledError, ClosedClientError
    from distributed.comm import connect
except ImportError as error:
    raise BackendUnavailableError(
        "--cluster needs Dask: pip install 'lowlux[cluster]', here and on every worker."
    ) from error

__all__ = [
    "CancelledError",
    "Client",
    "ClosedClientError",
    "Future",
    "KilledWorker",
    "LocalCluster",
    "Security",
    "connect",
    "get_worker",
    "wait",
]
