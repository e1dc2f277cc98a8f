"""One call for live pictures: the way to run the network is chosen, and changed, behind it."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import cv2

from core.enhance.enhancer import Enhancer, set_up_thread
from core.enhance.fast import FastEnhancer
from core.enhance.governor import Governor
from core.enhance.ladder import enlarged, shrunk
from core.enhance.live_network import open_network
from core.enhance.live_plan import budget_s, resolve_live
from core.enhance.measuring import following_s, network_s
from core.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Executor
    from fractions import Fraction

    from core.enhance.ladder import Step
    from core.enhance.live_network import Network
    from core.enhance.live_plan import LivePlan
    from core.enhance.plan import Machine
    from core.frame import Frame
    from core.media.live import LiveInfo
    from core.settings import EnhanceSettings, LiveSettings

    OpenNetwork = Callable[[LiveSettings, Machine], Network]


class LiveEnhancer(Protocol):
    """Makes one frame after the other bright; used from one thread once it is open."""

    @property
    def plan(self) -> LivePlan:
        """What is done now, and why."""

    @property
    def prior_age(self) -> int | None:
        """Frames since the semantic prior was computed; none without one."""

    @property
    def notes(self) -> Sequence[str]:
        """What went otherwise than planned, one sentence each."""

    def __call__(self, frame: Frame) -> Frame:
        """The same moment, bright.

        Raises:
            BackendError: the device failed and there is none to fall back on.
        """

    def change(self, settings: EnhanceSettings) -> None:
        """Take up what needs no other network: strength, highlights, noise, the prior's age."""

    def close(self) -> None:
        """Lets go of the network; safe to call twice."""


def open_live_enhancer(
    settings: LiveSettings, info: LiveInfo, machine: Machine, executor: Executor
) -> LiveEnhancer:
    """An enhancer that keeps time with its source; measures for a second or two.

    Args:
        settings: what the user wishes.
        info: of the source.
        machine: what there is to compute on.
        executor: one thread, where the network runs beside the frames; the caller's.

    Raises:
        BackendUnavailableError: a GPU was asked for by name and there is none.
        CheckpointError: there is no such model.
    """
    enhancer = GovernedEnhancer(settings, info.rate, machine, executor)
    enhancer.prepare(info.width, info.height)
    return enhancer


class GovernedEnhancer:
    """Goes up and down the ladder of its plan as time allows; falls back to the processor.

    A frame of another size than the one before is measured for anew, in that call: who cannot wait
    a second or more opens another one for it.

    Attributes:
        plan: what is done now.
        prior_age: frames since the semantic prior was computed; none without one.
    """

    plan: LivePlan

    def __init__(
        self,
        settings: LiveSettings,
        rate: Fraction | None,
        machine: Machine,
        executor: Executor,
        open_network: OpenNetwork = open_network,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._settings, self._rate, self._machine = settings, rate, machine
        self._executor, self._clock = executor, clock
        self._open_network = open_network
        self._network: Network | None = None
        self._size = (0, 0)
        self._way: Enhancer | FastEnhancer | None = None
        self._notes: list[str] = []
        self._refreshes = 0
        self._calls: list[float] = []
        self.prior_age: int | None = None

    @property
    def notes(self) -> Sequence[str]:
        """What went otherwise than planned, oldest first."""
        way = self._way  # another thread may let go of it meanwhile
        return [*self._notes, *(way.notes if way else ())]

    def __call__(self, frame: Frame) -> Frame:
        """The same moment, bright.

        Raises:
            BackendError: the processor failed, too.
        """
        height, width = frame.pixels.shape[:2]
        try:
            if (width, height) != self._size:
                self.prepare(width, height)
            return self._enhance(frame)
        except BackendError as error:
            self._fall_back(error)
            return self(frame)

    def change(self, settings: EnhanceSettings) -> None:
        """Take up what needs no other network."""
        self._settings = self._settings.model_copy(update={"enhance": settings})
        if isinstance(self._way, FastEnhancer):
            self._way.change(settings)
        elif self._way is not None:
            self._set_out()

    def close(self) -> None:
        """Lets go of the network; it is opened again if a frame comes all the same."""
        self._network, self._way, self._size = None, None, (0, 0)

    def prepare(self, width: int, height: int) -> None:
        """Measures for frames of this size, and chooses.

        Raises:
            BackendError: the processor failed.
        """
        try:
            self._plan(width, height)
        except BackendError as error:
            self._fall_back(error)
            self._plan(width, height)

    def _plan(self, width: int, height: int) -> None:
        network = self._network
        if network is None:
            self._network = network = self._open_network(self._settings, self._machine)
            self._notes += network.notes
        set_up_thread(network.runtime.threads)
        # OpenCV shares its work out in all of the process: a helper that another thread keeps from
        # its core would be waited for.
        cv2.setNumThreads(network.runtime.threads)
        self._wait_for_network(network)
        self.plan = resolve_live(
            *(self._settings, network.model, self._rate, network.runtime),
            lambda step: network_s(network.backend, width, height, step.side, self._clock),
            lambda: following_s(width, height, self._clock),
            max(width, height),
        )
        self._governor = Governor(len(self.plan.steps), self.plan.steps.index(self.plan.step))
        self._reasons = self.plan.reasons
        self._set_out()
        self._size = (width, height)

    def _set_out(self) -> None:
        """Begins the way of the plan's step; of the frames before, nothing is known to it."""
        assert self._network is not None
        self._wait_for_network(self._network)
        step, settings = self.plan.step, self._settings.enhance
        self._notes, self._refreshes, self.prior_age = list(self.notes), 0, None
        self._way = (
            FastEnhancer(
                *(self._network.backend, self._executor, settings, step.side, step.cadence),
                follows=self.plan.follows,
            )
            if step.carries
            else Enhancer(self._network.backend, self._executor, settings)
        )

    def _wait_for_network(self, network: Network) -> None:
        """Until nothing runs on the executor: a backend takes frames from one thread at a time."""
        self._executor.submit(set_up_thread, network.runtime.threads).result()

    def _enhance(self, frame: Frame) -> Frame:
        assert self._way is not None
        start = self._clock()
        result = enlarged(self._way(shrunk(frame, self.plan.step.shrink)), frame.pixels.shape)
        now = self._clock()
        self._note_prior(self._way)
        self._govern(now - start, now)
        return result

    def _note_prior(self, way: Enhancer | FastEnhancer) -> None:
        if isinstance(way, FastEnhancer):
            self.prior_age = way.prior_age
        elif way.refreshes != self._refreshes:
            self._refreshes, self.prior_age = way.refreshes, 0
        elif self.prior_age is not None:
            self.prior_age += 1

    def _govern(self, call_s: float, now_s: float) -> None:
        way, plan, at = self._way, self.plan, self._governor.at
        self._calls = [*self._calls, call_s][-plan.step.cadence :]
        usual_s = network_s = sum(self._calls) / len(self._calls)
        if isinstance(way, FastEnhancer):
            # It runs beside the frames, and must keep up as well.
            network_s = way.network_seconds / plan.step.cadence
        busy_s = max(usual_s, network_s)
        better_s = plan.better_s(at, usual_s, network_s)
        self._governor(busy_s, better_s, budget_s(self._rate), now_s)
        if self._governor.at != at:
            self._take_step(plan.steps[self._governor.at], busy_s)

    def _take_step(self, step: Step, busy_s: float) -> None:
        before, self._calls = self.plan.step, []
        why = f"{step}: a frame took {busy_s * 1000:.0f} ms of {budget_s(self._rate) * 1000:.0f}"
        self.plan = replace(self.plan, step=step, reasons=(why, *self._reasons))
        if isinstance(self._way, FastEnhancer) and step.carries and step.shrink == before.shrink:
            self._way.set_pace(step.side, step.cadence)
        else:
            self._set_out()

    def _fall_back(self, error: BackendError) -> None:
        """From the GPU to the processor; what was open on the GPU is forgotten."""
        if not self._machine.gpus or self._settings.enhance.device == "cpu":
            raise error
        self._notes = [*self.notes, f"{error} Went on with the CPU."]
        self._machine = replace(self._machine, gpus=())
        enhance = self._settings.enhance.model_copy(update={"device": "auto"})
        self._settings = self._settings.model_copy(update={"enhance": enhance})
        self.close()
