"""One call, as `Enhancer` has it, for machines on which the network cannot see every pixel."""

from __future__ import annotations

import math
import time
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, cast

import cv2
import numpy as np

from core.enhance.crushed import held, keep_black
from core.enhance.effect import Transfer, apply, sample
from core.enhance.finish import Look
from core.enhance.grain import Grain
from core.enhance.prior_cache import PriorCache
from core.enhance.quick_steady import QuickSteady, deep
from core.enhance.scene_cut import SceneCut
from core.model.reduced import reduce, sharpen, to_float

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor, Future

    from numpy.typing import NDArray

    from core.enhance.backends import Backend, Queries
    from core.frame import Frame, Pixels
    from core.settings import EnhanceSettings

    Plane = NDArray[np.float32]
    _Learn = Callable[[Pixels], Transfer]

WHOLE_SIDE = 384
"""Longer side of the small pictures, in pixels, where the network sees whole frames."""
MEMORY = 20.0
"""Frames after which what the network said has faded to 1/e: its guesses flicker less so."""
LEAST_KEEP = 0.5
"""Share of what it said before in what it says of whole frames, which come seconds apart: by itself
each would be seen to jump."""


class _Answer(NamedTuple):
    transfer: Transfer
    seconds: float


class FastEnhancer:
    """Enhances the frames of one stream in turn; called from one thread.

    The network sees a small picture of every so many frames, on `executor`. Its answer is taken up
    when it is done, at the latest when the next is asked for; until then the last one serves, on
    the current frame. The first frame, and the first after a cut, wait for theirs.

    Or it sees whole frames, and no frame waits for one: the first answer is that for a small
    picture, and each whole one is taken up when it is done, after a cut as well.

    Args:
        backend: makes small pictures bright.
        executor: where it does; one thread is enough, and belongs to the caller.
        settings: what the user wishes.
        side: longer side of the small pictures, in pixels; 0 for whole frames.
        cadence: the network sees one in so many frames; of whole ones it may be fewer.
        follows: whether the average over time is brought along with what moves.

    Attributes:
        notes: what went otherwise than planned, one sentence each.
        network_seconds: how long the last small picture took.
        prior_age: frames since the picture that the semantic prior was last asked about; None for a
            network that uses none.
    """

    def __init__(
        self,
        backend: Backend,
        executor: Executor,
        settings: EnhanceSettings,
        side: int,
        cadence: int,
        *,
        follows: bool = True,
    ) -> None:
        self._backend, self._executor, self._settings = backend, executor, settings
        self._look = Look(settings.strength, settings.protect_highlights)
        self._is_changed = False
        self.notes: list[str] = []
        self.network_seconds = 0.0
        self.prior_age: int | None = None
        self._shape: tuple[int, ...] | None = None
        self._asked: Future[_Answer] | None = None
        self._transfer: Transfer | None = None
        self._side, self._cadence, self._follows = side, cadence, follows
        self._begin()

    def set_pace(self, side: int, cadence: int) -> None:
        """Another size and period, from the next frame on."""
        if side != self._side:
            # A prior of one size cannot be blended with one of another.
            self._forget_prior(cadence)
        self._side, self._cadence = side, cadence

    def change(self, settings: EnhanceSettings) -> None:
        """Take up strength, highlights, firmness and the prior's period from the next frame on."""
        before, self._settings = self._settings, settings
        self._look = Look(settings.strength, settings.protect_highlights)
        self._is_changed = True
        if settings.steady != before.steady:
            self._steady = self._new_steady()
        if settings.prior_every != before.prior_every:
            self._forget_prior(self._cadence)

    def __call__(self, frame: Frame) -> Frame:
        """The same moment, bright.

        Raises:
            BackendError: the device failed.
        """
        if self._settings.strength == 0:
            return frame
        pixels = frame.pixels
        if pixels.shape != self._shape:
            self._change_size(pixels.shape)
        luma = cast("Pixels", cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))
        steady = self._steady(pixels, luma)
        small = reduce(deep(steady.colour), self._side or WHOLE_SIDE)
        if self._is_cut(small):
            self._begin()
            return self(frame)
        holds = held(luma, (small.shape[1], small.shape[0]))
        transfer = self._renew(pixels, small, holds)
        dark = to_float(small)
        bright = keep_black(dark, transfer(dark), holds)
        noise = self._noise(luma, small)
        return frame.with_pixels(apply(steady.luma, dark, bright, noise, pixels.dtype))

    def _begin(self) -> None:
        """Of the scene that comes, nothing is known."""
        if self._sees_whole:
            self._is_changed = True
        else:
            self._take_up()  # so that the backend has one picture at a time
            self._transfer = None
        self._prior = self._new_prior(self._cadence)
        self._is_cut = SceneCut()
        self._steady, self._grain = self._new_steady(), Grain()
        self._since = self._cadence

    @property
    def _sees_whole(self) -> bool:
        """Whether whole frames are asked about; what serves until the first is done is small."""
        return self._side == 0 and self._transfer is not None

    def _new_steady(self) -> QuickSteady:
        return QuickSteady(self._settings.steady, follows=self._follows)

    def _new_prior(self, cadence: int) -> PriorCache:
        every = max(1, self._settings.prior_every // cadence)
        return PriorCache(self._backend, self._executor, every)

    def _forget_prior(self, cadence: int) -> None:
        if not self._sees_whole:
            self._take_up()
        self._prior = self._new_prior(cadence)

    def _change_size(self, shape: tuple[int, ...]) -> None:
        before, self._shape = self._shape, shape
        if before is not None:
            sizes = f"{shape[1]}x{shape[0]} and no longer {before[1]}x{before[0]}"
            self.notes.append(f"The picture is {sizes}: began anew.")
            self._begin()

    def _renew(self, pixels: Pixels, small: Pixels, holds: Plane) -> Transfer:
        """Asks the network when it is time, and takes up what is done."""
        if self.prior_age is not None:
            self.prior_age += 1
        is_busy = self._asked is not None and not self._asked.done()
        if (self._since >= self._cadence or self._is_changed) and not (
            self._sees_whole and is_busy
        ):
            self._take_up()
            self._ask(pixels, small, holds)
            self._is_changed, self._since = False, 0
        if self._transfer is None or (self._asked is not None and self._asked.done()):
            self._take_up()
        self._since += 1
        assert self._transfer is not None
        return self._transfer

    def _ask(self, pixels: Pixels, small: Pixels, holds: Plane) -> None:
        # Of another strength or scene, what was said before tells nothing.
        known = None if self._is_changed else self._transfer
        keep = max(LEAST_KEEP, math.exp(-self._cadence / MEMORY))
        learn = partial(_learned, small, holds, known, keep)
        if self._sees_whole:
            if self.prior_age is not None:
                self.prior_age = 0
            self._asked = self._executor.submit(self._answer_whole, pixels, learn)
            return
        refreshes = self._prior.refreshes
        queries = self._prior(small)
        if self._prior.refreshes != refreshes:
            self.prior_age = 0
        raw = sample(pixels, small.shape)
        self._asked = self._executor.submit(self._answer, raw, small, queries, learn)

    def _take_up(self) -> None:
        asked, self._asked = self._asked, None
        if asked is not None:
            self._transfer, self.network_seconds = asked.result()

    def _answer(
        self, raw: Pixels, small: Pixels, queries: Queries | None, learn: _Learn
    ) -> _Answer:
        """What the network says of a picture, with what it said before; runs on the executor."""
        start = time.perf_counter()
        bright = self._backend.enhance(raw, queries, self._look, sharpen(small))
        return _Answer(learn(bright), time.perf_counter() - start)

    def _answer_whole(self, pixels: Pixels, learn: _Learn) -> _Answer:
        """Likewise of a whole frame, whose prior is as old as its answer."""
        start = time.perf_counter()
        bright = self._backend.enhance(pixels, self._backend.queries(pixels), self._look)
        return _Answer(learn(reduce(bright, WHOLE_SIDE)), time.perf_counter() - start)

    def _noise(self, luma: Pixels, small: Pixels) -> Plane:
        """Variance of luma that is noise in the frame after its averaging, for each small pixel."""
        size = (small.shape[1], small.shape[0])
        fresh = cv2.LUT((small[..., 1] >> 8).astype(np.uint8), self._grain(luma))
        return np.asarray(fresh * cv2.resize(self._steady.left, size), np.float32)


def _learned(
    small: Pixels, holds: Plane, known: Transfer | None, keep: float, bright: Pixels
) -> Transfer:
    return Transfer.learn(to_float(small), to_float(bright), holds, known, keep)
