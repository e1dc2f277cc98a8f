"""A live source that fails on purpose, to see how the rest stands it."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from core.clock import arrival_ns
from core.closing import Closing
from core.errors import SourceLostError
from core.media.live import READ_LIMIT_S
from core.settings import Model

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.frame import Frame, Pixels
    from core.media.live import LiveSource

LATEST_S = 0.5
"""No frame is delivered later than this."""


class FaultPlan(Model):
    """How often what happens, as a share of frames; every field is an option of `fault:`."""

    drop: float = Field(0, ge=0, le=1, description="The frame never comes")
    freeze: float = Field(0, ge=0, le=1, description="The last picture comes again")
    late: float = Field(0, ge=0, le=1, description=f"It comes up to {LATEST_S} s late")
    corrupt: float = Field(0, ge=0, le=1, description="A band of the picture is lost")
    disconnect: float = Field(0, ge=0, le=1, description="The source is lost for good")
    seed: int | None = Field(
        None, ge=0, description="Repeats the same faults; each opening has its own if left out"
    )


@dataclass(frozen=True, slots=True)
class Faults:
    """What was done to the frames so far; one frame may suffer more than one fault."""

    frames: int = 0
    """Frames that the source behind brought: those delivered, dropped and lost in disconnects."""
    drop: int = 0
    """Frames that were left out."""
    freeze: int = 0
    """Frames that showed the picture before them."""
    late: int = 0
    """Frames that were held back."""
    corrupt: int = 0
    """Frames with a band overwritten."""
    disconnect: int = 0
    """1 once the source was lost."""


class Faulty(Closing):
    """Another live source with faults. Passive: starts no thread; one per thread.

    Owns the source behind and closes it. Fates are drawn frame by frame, in the same number
    whatever happens, so one seed gives the same faults at the same frames.

    Args:
        source: where the frames come from.
        plan: how often what happens.
        clock: see `arrival_ns`.
        wait: lets so many seconds pass.
    """

    def __init__(
        self,
        source: LiveSource,
        plan: FaultPlan,
        *,
        clock: Callable[[], int] = arrival_ns,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._source, self._plan = source, plan
        self._clock, self._wait = clock, wait
        self._random = np.random.default_rng(plan.seed)
        self._last: Pixels | None = None
        self.faults = Faults()
        """What was done so far; a new object after every frame."""
        self.info = replace(source.info, title=f"{source.info.title} with faults")

    def read(self) -> Frame | None:
        """The next frame that is not dropped; none when the source behind has ended.

        Raises:
            SourceLostError: a disconnect was drawn, or all was dropped for `READ_LIMIT_S`, or
                the source behind was lost.
        """
        give_up_ns = self._clock() + int(READ_LIMIT_S * 10**9)
        while not self.faults.disconnect:
            frame = self._source.read()
            if frame is None:
                return None
            disconnect, drop, freeze, late, corrupt, delay, place = self._random.random(7)
            self._count("frames")
            if disconnect < self._plan.disconnect:
                self._count("disconnect")
                break
            if drop >= self._plan.drop:
                frame = self._with_picture(frame, freeze, corrupt, place)
                return self._in_time(frame, late, delay)
            self._count("drop")
            if self._clock() >= give_up_ns:
                raise SourceLostError(f"{self.info.title} brought nothing for {READ_LIMIT_S:g} s")
        raise SourceLostError(f"{self.info.title} was disconnected on purpose; open it again")

    def close(self) -> None:
        """Close the source behind; safe to call twice."""
        self._source.close()

    def _with_picture(self, frame: Frame, freeze: float, corrupt: float, place: float) -> Frame:
        if freeze < self._plan.freeze and self._last is not None:
            self._count("freeze")
            frame = frame.with_pixels(self._last)
        if corrupt < self._plan.corrupt:
            self._count("corrupt")
            frame = frame.with_pixels(_with_lost_band(frame.pixels, place))
        self._last = frame.pixels
        return frame

    def _in_time(self, frame: Frame, late: float, delay: float) -> Frame:
        if late >= self._plan.late:
            return frame
        self._count("late")
        self._wait(delay * LATEST_S)
        return replace(frame, captured_ns=self._clock())

    def _count(self, kind: str) -> None:
        self.faults = replace(self.faults, **{kind: getattr(self.faults, kind) + 1})


def _with_lost_band(pixels: Pixels, place: float) -> Pixels:
    """A copy with an eighth of its rows grey, as a decoder leaves a slice that it missed."""
    height = pixels.shape[0]
    top = int(place * (height - height // 8))
    damaged = pixels.copy()
    damaged[top : top + height // 8] = np.iinfo(pixels.dtype).max // 2 + 1
    return damaged
