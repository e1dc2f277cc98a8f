"""Keeps the semantic prior fresh without holding up a frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.enhance.scene_cut import SceneCut

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

    from core.enhance.backends import Backend, Queries
    from core.frame import Pixels

LAG = 2
"""A refresh asked for at one frame is taken up this many frames later, where that is before the
next."""
BLEND = 8
"""Frames over which the old prior gives way to the new."""


@dataclass(slots=True)
class _Refresh:
    future: Future[Queries | None]
    due: int
    blend: int


class PriorCache:
    """The prior for each frame in turn; called from one thread, computes on `executor`.

    The first frame waits for its prior, for there is none to use meanwhile. Afterwards a refresh
    starts every `every` frames and at a scene cut, and is taken up exactly `LAG` frames later: by
    then it is done, and the result depends on the frames alone, not on how fast the machine was.
    """

    def __init__(self, backend: Backend, executor: Executor, every: int) -> None:
        self._backend, self._executor, self._every = backend, executor, every
        self._lag = min(LAG, every - 1)
        self._is_cut = SceneCut()
        self._old: Queries | None = None
        self._new: Queries | None = None
        self._refresh: _Refresh | None = None
        self._frame, self._asked, self._taken_up, self._blend = 0, 0, 0, 1
        self.refreshes = 0
        """How often the prior was computed."""

    def __call__(self, pixels: Pixels) -> Queries | None:
        """The prior to use for this frame; none for a network that uses none."""
        cut = self._is_cut(pixels)
        if self._frame == 0:
            self._old = self._new = self._ask(pixels).result()
            if self._new is None:
                self.refreshes = 0
        elif self._new is not None:
            self._renew(pixels, cut=cut)
        share = min(1.0, (self._frame - self._taken_up + 1) / self._blend)
        self._frame += 1
        if self._new is None or self._old is None or share == 1.0:
            return self._new
        return self._backend.blend(self._old, self._new, share)

    def _renew(self, pixels: Pixels, *, cut: bool) -> None:
        if cut or (self._frame - self._asked >= self._every and self._refresh is None):
            # Across a cut nothing is shared, so there is nothing to blend from.
            blend = 1 if cut else min(BLEND, self._every)
            self._refresh = _Refresh(self._ask(pixels), self._frame + self._lag, blend)
            self._asked = self._frame
        if self._refresh is not None and self._frame >= self._refresh.due:
            self._old, self._new = self._new, self._refresh.future.result()
            self._taken_up, self._blend = self._frame, self._refresh.blend
            self._refresh = None

    def _ask(self, pixels: Pixels) -> Future[Queries | None]:
        self.refreshes += 1
        return self._executor.submit(self._backend.queries, pixels)
