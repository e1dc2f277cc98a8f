"""How the network is run while a source plays: chosen by a short measurement on the machine."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.enhance.ladder import ladder

if TYPE_CHECKING:
    from collections.abc import Callable
    from fractions import Fraction

    from core.enhance.ladder import Step
    from core.enhance.plan import Machine, Plan
    from core.settings import LiveSettings

USUAL_RATE = 30.0
"""Frames per second of a source that does not say."""
MOST_RATE = 60.0
"""Frames per second that are aimed at: of a faster source the rest may be overtaken."""
FAST_SHARE, FULL_SHARE = 0.4, 0.8
"""Of the time between two frames, what the network may take: in the fast way the rest is for
carrying its effect over, in both for what other threads do."""
FOLLOW_SHARE = 0.25
"""Of the time between two frames, what averaging over time may take: where following what moves
takes it beyond that, nothing is followed."""
SMALL_MODEL = "deepspg-lite"
USUAL_MODEL = "deepspg"
"""What the user has wished for who has wished for nothing."""
MOST_THREADS = 4
"""More of them on a reduced frame only wait for each other."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """What a network is run on, and how."""

    device: str
    """cpu or cuda."""
    name: str
    """openvino or torch."""
    precision: str
    """float32, bfloat16 or float16: of all that is not in 8 bits."""
    eight_bits: bool
    """Whether convolutions are done in 8 bits."""
    threads: int
    """Processor threads for one frame."""
    reasons: tuple[str, ...]
    """Why, one sentence each."""


@dataclass(frozen=True, slots=True)
class LivePlan:
    """What is done now; the status bar, the log and the summary all print it."""

    device: str
    """cpu or cuda."""
    runtime: str
    """openvino or torch."""
    precision: str
    """int8, float32, bfloat16 or float16."""
    threads: int
    """Processor threads for one frame."""
    step: Step
    """What is done now."""
    steps: tuple[Step, ...]
    """The ladder, best first."""
    network_s: tuple[float, ...]
    """Seconds of network for each frame of the source, of each step, measured at the opening."""
    reasons: tuple[str, ...] = field(default=())
    """One plain sentence for each choice the user did not make."""
    follows: bool = True
    """Whether the fast way averages over time along with what moves."""

    def better_s(self, at: int, usual_s: float, network_s: float) -> float:
        """Seconds that a frame would take one step further up.

        Args:
            at: the step it is at, counted from 0.
            usual_s: what it takes there.
            network_s: of that, the network.
        """
        if at == 0:
            return math.inf
        more = self.network_s[at - 1] / self.network_s[at] - 1
        larger = self.steps[at].shrink / self.steps[at - 1].shrink
        return larger**2 * usual_s + more * network_s

    def __str__(self) -> str:
        where = "GPU" if self.device == "cuda" else f"{self.runtime}, {_threads(self.threads)}"
        return f"{Path(self.step.model).stem} on {self.step} ({self.precision}, {where})"


def pick_model(settings: LiveSettings, device: str, *, has_small: bool) -> str:
    """The model that carries out what the user wishes.

    Args:
        settings: what the user wishes.
        device: cpu or cuda.
        has_small: whether `SMALL_MODEL` comes in the box.
    """
    model = settings.enhance.model
    wants_speed = device == "cpu" and settings.plan != "full"
    return SMALL_MODEL if wants_speed and has_small and model == USUAL_MODEL else model


def choose_runtime(planned: Plan, machine: Machine, *, openvino: bool, eight_bits: bool) -> Runtime:
    """What the model is run on.

    Args:
        planned: device and precision, as for files.
        machine: what there is to compute on.
        openvino: whether it is installed.
        eight_bits: whether the model has an 8-bit export that may be used.
    """
    if planned.device == "cuda":
        reasons = planned.reasons
        return Runtime("cuda", "torch", planned.precision, False, planned.threads, reasons)
    threads = max(1, min(MOST_THREADS, machine.cores // 2))
    why, precision, *_ = planned.reasons
    if openvino and eight_bits:
        precision = "int8: the model comes with an 8-bit version, the fastest there is"
    split = f"{_threads(threads)}: the other cores decode, paint and record"
    runtime = "openvino: the fastest here" if openvino else "torch: OpenVINO is not installed"
    return Runtime(
        "cpu",
        "openvino" if openvino else "torch",
        planned.precision,
        openvino and eight_bits,
        threads,
        (why, runtime, precision, split),
    )


def budget_s(rate: Fraction | None) -> float:
    """Seconds there are for one frame of a source of so many frames a second."""
    return 1 / min(float(rate or USUAL_RATE), MOST_RATE)


def resolve_live(
    settings: LiveSettings,
    model: str,
    rate: Fraction | None,
    runtime: Runtime,
    measure: Callable[[Step], float],
    measure_following: Callable[[], float],
    longer: int = 0,
) -> LivePlan:
    """Chooses the best step that is in time.

    Args:
        settings: what the user wishes.
        model: of `pick_model`.
        rate: frames per second of the source; none where it does not say.
        runtime: what the model is run on.
        measure: seconds that one run of the network takes on the frame of a step. Every size is
            measured once, so that a later change of step finds its size prepared.
        measure_following: seconds that averaging over time takes where all that moves is followed;
            only called where the network's effect is carried over.
        longer: side of the source's frames, in pixels; 0 where it is not known.
    """
    steps, budget = ladder(settings.plan, runtime.device, model, longer), budget_s(rate)
    run_s = {step.side: measure(step) for step in {step.side: step for step in steps}.values()}
    if settings.plan == "full":
        steps += (_carried(steps[0], run_s[0], budget),)
    network_s = tuple(run_s[step.side] / step.cadence for step in steps)
    in_time = [
        step for step, seconds in zip(steps, network_s, strict=True) if _fits(step, seconds, budget)
    ]
    step = in_time[0] if in_time else steps[-1]
    following_s = measure_following() if step.carries else 0.0
    follows = following_s <= budget * FOLLOW_SHARE
    return LivePlan(
        runtime.device,
        runtime.name,
        "int8" if runtime.eight_bits else runtime.precision,
        runtime.threads,
        step,
        steps,
        network_s,
        (
            _measured(step, run_s[step.side], budget, in_time=bool(in_time)),
            *_wishes(settings, step),
            *([] if follows else [_not_followed(following_s, budget)]),
            *runtime.reasons,
        ),
        follows,
    )


def _carried(full: Step, run_s: float, budget: float) -> Step:
    """Whole frames as often as there is time, their effect carried over to the others."""
    return replace(full, cadence=max(2, math.ceil(run_s / (budget * FULL_SHARE))))


def _measured(step: Step, run_s: float, budget: float, *, in_time: bool) -> str:
    verdict = "in time" if in_time else "too long"
    taken = f"{run_s * 1000:.0f} ms of network on {step}"
    return f"{taken}: {verdict} at {1 / budget:.0f} frames a second"


def _not_followed(following_s: float, budget: float) -> str:
    taken = f"{following_s * 1000:.0f} ms of {budget * 1000:.0f} are too many to follow what moves"
    return f"{taken}: noise is averaged where the picture stands still"


def _fits(step: Step, network_s: float, budget: float) -> bool:
    """Whether so many seconds of network for each frame leave enough for the rest."""
    return network_s <= budget * (FULL_SHARE if step.mode == "full" else FAST_SHARE)


def _wishes(settings: LiveSettings, step: Step) -> list[str]:
    """What became of what the user wished for."""
    said = [] if settings.plan == "auto" else [f"{settings.plan}: asked for"]
    if step.mode == "full" and step.carries:
        said.append("what is done to that one is carried over to the others, so all are in time")
    if step.model != settings.enhance.model:
        said.append(f"{step.model}: made to be quick, it stands in for {settings.enhance.model}")
    return said


def _threads(count: int) -> str:
    return f"{count} thread" + "s" * (count > 1)
