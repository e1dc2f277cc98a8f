"""The network of a worker, which stays in its process from one chunk to the next."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from core.enhance.enhancer import Enhancer, open_backend, set_up_thread
from core.enhance.plan import Machine, resolve
from core.errors import CheckpointError
from core.model import checkpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.enhance.backends import Backend
    from core.enhance.plan import Plan
    from core.model.checkpoint import Checkpoint
    from core.run.chunk_task import ChunkTask


def plan_of(task: ChunkTask) -> Plan:
    """The machine as the task may use it, computing as the film's other chunks do."""
    machine = replace(Machine.probe(), cores=task.threads)
    return replace(resolve(task.enhance, machine), precision=task.precision)


@lru_cache(maxsize=1)
def _loaded(model: str, sha256: str) -> Checkpoint:
    loaded = checkpoint.load(checkpoint.find(model), "deepspg")
    if loaded.sha256 != sha256:
        raise CheckpointError(
            f"The model {model} here is not the one this film was begun with; copy the same "
            "weights to every machine, or start again."
        )
    return loaded


@lru_cache(maxsize=1)
def _backend(model: str, sha256: str, device: str, precision: str) -> Backend:
    return open_backend(_loaded(model, sha256), device, precision)


@contextmanager
def chunk_enhancer(task: ChunkTask, plan: Plan) -> Iterator[Enhancer]:
    """A new one on the network that is kept: nothing of an earlier chunk is remembered."""
    weights = (task.enhance.model, task.model_sha256)
    backend = _backend(*weights, plan.device, plan.precision)
    slow = partial(open_backend, _loaded(*weights), "cpu", "float32")
    with ThreadPoolExecutor(1, "lowlux-prior", set_up_thread, (1,)) as pool:
        yield Enhancer(backend, pool, task.enhance, None if plan.device == "cpu" else slow)
