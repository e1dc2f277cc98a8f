"""Stand-ins, written by hand, that keep the contracts of what they stand for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from pathlib import Path
from threading import Event
from threading import enumerate as all_threads
from typing import TYPE_CHECKING, Any, cast

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from core.enhance.finish import Look
from core.errors import BackendError
from core.model import checkpoint
from core.model.deepspg import DeepSPG, DeepSPGConfig

if TYPE_CHECKING:
    from core.enhance.backends import Queries
    from core.frame import Pixels

TINY = DeepSPGConfig(widths=(8, 8, 8, 8), depths=(1, 1, 1, 1), prior_channels=None)
PATIENCE_S = 20.0
"""How long an event may take to come before a test gives up; none waits so long."""


def scene(seed: int, height: int = 72, width: int = 128) -> NDArray[np.uint8]:
    """A smooth pattern, different for each seed, with levels from 10 to 200."""
    coarse = np.random.default_rng(seed).integers(10, 200, (6, 10, 3), dtype=np.uint8)
    return cast("NDArray[np.uint8]", cv2.resize(coarse, (width, height)))


def tiny_network(seed: int = 1) -> DeepSPG:
    """A network without a prior whose every layer does something."""
    torch.manual_seed(seed)
    network = DeepSPG(TINY).eval().requires_grad_(False)
    torch.nn.init.normal_(network.head_1.weight, std=0.02)
    return network


def write_tiny_model(path: Path) -> Path:
    """A weights file that is quick to run."""
    checkpoint.save(path, "deepspg", TINY, tiny_network().state_dict(), prior="none")
    return path


class FakeBackend:
    """Doubles every code; the prior of a frame is the first code of its first pixel."""

    def __init__(self, *, has_prior: bool = True, fails_at: int | None = None) -> None:
        self._has_prior, self._fails_at = has_prior, fails_at
        self.seen: list[Queries | None] = []
        """What each frame was enhanced with."""
        self.steady: list[Pixels | None] = []
        """Each frame without its noise."""
        self.asked = 0
        """How often a prior was computed."""

    def queries(self, pixels: Pixels) -> Queries | None:
        self.asked += 1
        first = float(pixels[0, 0, 0])
        return (first, first, first) if self._has_prior else None

    def blend(self, old: Queries, new: Queries, share: float) -> Queries:
        mixed = [
            before * (1 - share) + after * share
            for before, after in zip(
                cast("tuple[float, ...]", old), cast("tuple[float, ...]", new), strict=True
            )
        ]
        return mixed[0], mixed[1], mixed[2]

    def enhance(
        self, pixels: Pixels, queries: Queries | None, look: Look, steady: Pixels | None = None
    ) -> Pixels:
        if self._fails_at is not None and len(self.seen) >= self._fails_at:
            raise BackendError("The device has no memory for this frame.")
        self.seen.append(queries)
        self.steady.append(steady)
        most = np.iinfo(pixels.dtype).max
        return cast("Pixels", np.minimum(pixels.astype(np.uint32) * 2, most).astype(pixels.dtype))


class PatientBackend(FakeBackend):
    """Computes no prior but the first before `may_compute` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.may_compute = Event()

    def queries(self, pixels: Pixels) -> Queries | None:
        if self.asked:
            assert self.may_compute.wait(PATIENCE_S), "the cache waited for a prior too early"
            self.may_compute.clear()
        return super().queries(pixels)


class AtOnce(Executor):
    """Computes while it is asked to: as fast as a machine can be."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    """Fails a test that leaves a thread behind."""
    before = set(all_threads())
    yield
    assert [thread for thread in all_threads() if thread not in before] == []
