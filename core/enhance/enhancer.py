"""One call: a dark frame in, a bright one out."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

import torch

from core.enhance.backends.on_torch import TorchBackend
from core.enhance.finish import Look
from core.enhance.prior_cache import PriorCache
from core.enhance.steady import Steady
from core.errors import BackendError
from core.model import checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from core.enhance.backends import Backend, Queries
    from core.enhance.plan import Plan
    from core.frame import Frame, Pixels
    from core.model.checkpoint import Checkpoint
    from core.model.deepspg import DeepSPG
    from core.model.hrnet import SemanticPrior
    from core.settings import EnhanceSettings


class Enhancer:
    """Enhances the frames of one clip in turn.

    `begin` is called from one thread, frame after frame; the work it returns may run on another,
    and on a processor beside the work of other frames.

    If the device fails, for want of memory say, the frame is done again on the CPU and so are
    those that follow; `notes` says so.

    Attributes:
        notes: what went otherwise than planned, one sentence each.
    """

    def __init__(
        self,
        backend: Backend,
        executor: Executor,
        settings: EnhanceSettings,
        fall_back: Callable[[], Backend] | None = None,
    ) -> None:
        self._backend, self._executor, self._settings = backend, executor, settings
        self._fall_back = fall_back
        self._look = Look(settings.strength, settings.protect_highlights)
        self._prior = PriorCache(backend, executor, settings.prior_every)
        self._steady = Steady(settings.steady)
        self._earlier_refreshes = 0
        self.notes: list[str] = []

    def __call__(self, frame: Frame) -> Frame:
        """The same moment, bright.

        Raises:
            BackendError: the device failed and there is none to fall back on.
        """
        return self.begin(frame)()

    def begin(self, frame: Frame) -> Callable[[], Frame]:
        """Looks up the frame's prior and past; the work that is left makes it bright.

        The work raises:
            BackendError: the device failed and there is none to fall back on.
        """
        try:
            queries = self._prior(frame.pixels)
        except BackendError as error:
            return partial(self._go_on, frame, error)
        return partial(self._enhance, frame, queries, self._steady(frame.pixels))

    @property
    def refreshes(self) -> int:
        """How often the semantic prior was computed."""
        return self._earlier_refreshes + self._prior.refreshes

    def _enhance(self, frame: Frame, queries: Queries | None, steady: Pixels) -> Frame:
        try:
            pixels = self._backend.enhance(frame.pixels, queries, self._look, steady)
            return frame.with_pixels(pixels)
        except BackendError as error:
            return self._go_on(frame, error)

    def _go_on(self, frame: Frame, error: BackendError) -> Frame:
        """Does the frame again on the CPU; a GPU has one lane, so no other frame is under way."""
        if self._fall_back is None:
            raise error
        self.notes.append(f"{error} Went on with the CPU.")
        self._earlier_refreshes = self.refreshes
        self._backend, self._fall_back = self._fall_back(), None
        self._prior = PriorCache(self._backend, self._executor, self._settings.prior_every)
        return self(frame)


def open_enhancer(
    loaded: Checkpoint, plan: Plan, settings: EnhanceSettings, executor: Executor
) -> Enhancer:
    """An enhancer as planned.

    Args:
        loaded: a `deepspg` checkpoint; the prior its header names is loaded at the first frame.
        plan: device, precision and threads.
        settings: what the user wishes.
        executor: where the prior is computed; its threads belong to the caller.
    """
    open_cpu = partial(open_backend, loaded, "cpu", "float32")
    try:
        backend = open_backend(loaded, plan.device, plan.precision)
    except BackendError as error:
        enhancer = Enhancer(open_cpu(), executor, settings)
        enhancer.notes.append(f"{error} Went on with the CPU.")
        return enhancer
    return Enhancer(backend, executor, settings, None if plan.device == "cpu" else open_cpu)


def set_up_thread(threads: int) -> None:
    """Prepares the calling thread for a network's arithmetic.

    Args:
        threads: how many processor threads one operation may use.
    """
    torch.set_num_threads(threads)
    # Tiny weights make denormal numbers, which a processor handles many times slower.
    torch.set_flush_denormal(True)


def open_backend(loaded: Checkpoint, device: str, precision: str) -> TorchBackend:
    """The network of a checkpoint on a device."""
    name = loaded.header.get("prior", "none")
    open_prior = None if name == "none" else partial(_open_prior, name)
    return TorchBackend(cast("DeepSPG", loaded.network), open_prior, device, precision)


def _open_prior(name: str) -> SemanticPrior:
    return cast("SemanticPrior", checkpoint.load(checkpoint.find(name), "hrnet-prior").network)
