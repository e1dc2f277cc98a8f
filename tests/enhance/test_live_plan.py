"""Wishes, a runtime and a measurement become the best way that is in time; and time is kept."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from core.enhance.governor import FIRST_PAUSE_S, Governor
from core.enhance.ladder import RUNGS, Step, enlarged, ladder, shrunk
from core.enhance.live_plan import (
    SMALL_MODEL,
    LivePlan,
    Runtime,
    budget_s,
    choose_runtime,
    pick_model,
    resolve_live,
)
from core.enhance.plan import Machine, resolve
from core.frame import Frame
from core.settings import EnhanceSettings, LiveSettings

SMALL = Machine("x86_64", 2, fast_bfloat16=False, gpus=())
LARGE = Machine("x86_64", 16, fast_bfloat16=True, gpus=())
WITH_GPU = Machine("x86_64", 16, fast_bfloat16=True, gpus=("Acme 9000",))
BUDGET_S = 1 / 30


def wishes(plan: Any = "auto", **enhance: Any) -> LiveSettings:
    return LiveSettings(enhance=EnhanceSettings(**enhance), plan=plan)


def runtime(machine: Machine = SMALL, *, openvino: bool = True, eight_bits: bool = True) -> Runtime:
    planned = resolve(EnhanceSettings(), machine)
    return choose_runtime(planned, machine, openvino=openvino, eight_bits=eight_bits)


def quick(seconds: float) -> Callable[[Step], float]:
    """A network that takes so long on 384 pixels, and in proportion on others; whole, 20 times."""
    return lambda step: seconds * ((step.side / 384) ** 2 if step.side else 20.0)


def planned(
    settings: LiveSettings,
    machine: Machine,
    measure: Callable[[Step], float],
    following_s: float = 0.0,
) -> LivePlan:
    device = runtime(machine)
    model = pick_model(settings, device.device, has_small=True)
    return resolve_live(settings, model, Fraction(30), device, measure, lambda: following_s)


@pytest.mark.parametrize(
    ("plan", "device", "sides"),
    [
        ("auto", "cpu", [side for side, _ in RUNGS]),
        ("fast", "cpu", [side for side, _ in RUNGS]),
        ("full", "cpu", [0]),
        ("auto", "cuda", [0, *(side for side, _ in RUNGS)]),
        ("fast", "cuda", [side for side, _ in RUNGS]),
        ("full", "cuda", [0]),
    ],
)
def test_the_ladder_is_what_was_asked_for(plan: str, device: str, sides: list[int]) -> None:
    steps = ladder(plan, device, "deepspg")
    assert [step.side for step in steps] == sides
    assert all((step.side == 0) == (step.mode == "full") for step in steps)


@pytest.mark.parametrize(
    ("longer", "shrinks"), [(0, []), (1279, []), (1280, [2]), (1920, [2]), (3840, [2, 4])]
)
def test_only_large_frames_are_made_smaller_and_last(longer: int, shrinks: list[int]) -> None:
    steps = ladder("auto", "cpu", "deepspg", longer)
    assert [step.shrink for step in steps] == [1] * len(RUNGS) + shrinks
    assert len({str(step) for step in steps}) == len(steps)
    assert ladder("full", "cpu", "deepspg", longer) == ladder("full", "cpu", "deepspg")


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_a_frame_made_smaller_comes_back_as_large_as_it_was(depth: type[Any]) -> None:
    pixels = np.full((45, 81, 3), 90, depth)
    frame = Frame(pixels, 7, Fraction(1, 30))
    small = shrunk(frame, 2)
    assert (small.pixels.shape, small.pts) == ((22, 40, 3), 7)
    assert (enlarged(small, pixels.shape).pixels == pixels).all()
    assert shrunk(frame, 1) is enlarged(frame, pixels.shape) is frame


def test_every_rung_is_less_work_than_the_one_above() -> None:
    work = [side**2 / cadence for side, cadence in RUNGS]
    assert all(less < more for more, less in pairwise(work))


@pytest.mark.parametrize(
    ("settings", "device", "has_small", "expected"),
    [
        (wishes(), "cpu", True, SMALL_MODEL),
        (wishes(), "cpu", False, "deepspg"),
        (wishes(), "cuda", True, "deepspg"),
        (wishes("full"), "cpu", True, "deepspg"),
        (wishes(model="own.safetensors"), "cpu", True, "own.safetensors"),
    ],
)
def test_the_small_model_stands_in_on_a_processor_only(
    settings: LiveSettings, device: str, has_small: bool, expected: str
) -> None:
    assert pick_model(settings, device, has_small=has_small) == expected


@pytest.mark.parametrize(
    ("machine", "openvino", "eight_bits", "expected"),
    [
        (SMALL, True, True, ("cpu", "openvino", "float32", True, 1)),
        (SMALL, True, False, ("cpu", "openvino", "float32", False, 1)),
        (SMALL, False, True, ("cpu", "torch", "float32", False, 1)),
        (LARGE, True, False, ("cpu", "openvino", "bfloat16", False, 4)),
        (WITH_GPU, True, True, ("cuda", "torch", "float16", False, 16)),
    ],
)
def test_the_fastest_runtime_that_is_there(
    machine: Machine, openvino: bool, eight_bits: bool, expected: tuple[Any, ...]
) -> None:
    found = runtime(machine, openvino=openvino, eight_bits=eight_bits)
    assert (
        *(found.device, found.name, found.precision),
        *(found.eight_bits, found.threads),
    ) == expected
    said = " ".join(found.reasons)
    assert found.device in said
    assert ("int8" if found.eight_bits else found.precision) in said
    assert ("not installed" in said) == (not openvino)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.004, (384, 1)), (0.024, (384, 2)), (0.036, (320, 2)), (0.048, (320, 3)), (9.0, (256, 4))],
)
def test_the_best_step_that_is_in_time(seconds: float, expected: tuple[int, int]) -> None:
    plan = planned(wishes(), SMALL, quick(seconds))
    assert (plan.step.side, plan.step.cadence) == expected
    assert ("too long" in plan.reasons[0]) == (seconds > 1)
    assert plan.network_s[0] == seconds
    assert plan.network_s[1] == seconds / 2


@pytest.mark.parametrize(("seconds", "follows"), [(0.008, True), (0.010, False)])
def test_what_moves_is_followed_where_there_is_time(seconds: float, follows: bool) -> None:
    plan = planned(wishes(), SMALL, quick(0.004), seconds)
    assert plan.follows == follows
    said = "10 ms of 33 are too many to follow what moves"
    assert (said in " ".join(plan.reasons)) == (not follows)


def test_each_size_is_measured_once() -> None:
    asked: list[int] = []

    def measure(step: Step) -> float:
        asked.append(step.side)
        return 1.0

    planned(wishes(), WITH_GPU, measure)
    assert sorted(asked) == sorted({0, *(side for side, _ in RUNGS)})


@pytest.mark.parametrize(("seconds", "mode"), [(0.001, "full"), (0.01, "fast")])
def test_a_gpu_sees_the_whole_frame_if_it_can(seconds: float, mode: str) -> None:
    assert planned(wishes(), WITH_GPU, quick(seconds)).step.mode == mode


def test_the_whole_frame_on_a_processor_is_done_if_it_is_in_time() -> None:
    plan = planned(wishes("full"), SMALL, quick(0.001))
    assert plan.step == Step("full", "deepspg", 0, 1)
    assert "full: asked for" in " ".join(plan.reasons)
    assert not plan.step.carries


def test_of_whole_frames_that_take_too_long_as_many_are_seen_as_can_be() -> None:
    plan = planned(wishes("full"), SMALL, quick(0.04))
    assert plan.step == Step("full", "deepspg", 0, 30)
    assert plan.step.carries
    assert str(plan.step) == "the whole of one frame in 30"
    assert "in time at 30 frames a second" in plan.reasons[0]
    assert "carried over to the others" in " ".join(plan.reasons)


def test_the_stand_in_is_told() -> None:
    said = " ".join(planned(wishes(), SMALL, quick(0.01)).reasons)
    assert f"{SMALL_MODEL}: made to be quick, it stands in for deepspg" in said
    own = planned(wishes(model="own.safetensors"), SMALL, quick(0.01))
    assert "stands in" not in " ".join(own.reasons)


def test_a_plan_is_one_line() -> None:
    text = str(planned(wishes(), SMALL, quick(0.024)))
    assert text == "deepspg-lite on 384 px, every 2nd frame (int8, openvino, 1 thread)"
    full = str(planned(wishes(), WITH_GPU, quick(0.001)))
    assert full == "deepspg on the whole of every frame (float16, GPU)"


@pytest.mark.parametrize(
    ("rate", "expected"),
    [(None, 1 / 30), (Fraction(25), 0.04), (Fraction(1), 1.0), (Fraction(120), 1 / 60)],
)
def test_the_source_sets_the_budget(rate: Fraction | None, expected: float) -> None:
    assert budget_s(rate) == pytest.approx(expected)


# Keeping time


class Drive:
    """Frames at 30 a second, or as slowly as they take; `cost_s` is that of each step."""

    def __init__(self, costs_s: list[float], at: int) -> None:
        self.costs_s, self.now_s = costs_s, 0.0
        self.governor = Governor(len(costs_s), at)
        self.moves: list[tuple[float, int]] = []

    def frame(self, busy_s: float | None = None) -> None:
        at = self.governor.at
        busy = self.costs_s[at] if busy_s is None else busy_s
        better = busy * self.costs_s[at - 1] / self.costs_s[at]
        self.now_s += max(busy, BUDGET_S)
        self.governor(busy, better, BUDGET_S, self.now_s)
        if self.governor.at != at:
            self.moves.append((self.now_s, self.governor.at))

    def until(self, now_s: float) -> Drive:
        while self.now_s < now_s:
            self.frame()
        return self


def test_too_slow_a_step_is_left_within_about_a_second() -> None:
    drive = Drive([0.05, 0.03, 0.02], at=0).until(30)
    assert [at for _, at in drive.moves] == [1]
    assert drive.moves[0][0] < 1.5


def test_the_last_step_is_kept_however_slow() -> None:
    drive = Drive([0.4, 0.3], at=1).until(60)
    assert drive.moves == []


def test_a_step_that_just_fits_is_kept() -> None:
    assert Drive([0.05, 0.032, 0.016], at=1).until(120).moves == []


def test_one_frozen_frame_is_no_reason() -> None:
    drive = Drive([0.02, 0.01], at=0).until(5)
    drive.frame(busy_s=3600.0)
    assert drive.until(drive.now_s + 5).moves == []


def test_every_other_frame_may_be_slow() -> None:
    """As with a network that sees every second one."""
    drive = Drive([0.02, 0.01], at=0)
    for index in range(300):
        drive.frame(busy_s=0.055 if index % 2 else 0.005)
    assert drive.moves == []


def test_a_better_step_is_tried_after_some_calm() -> None:
    drive = Drive([0.012, 0.006, 0.003], at=2).until(20)
    assert [at for _, at in drive.moves] == [1, 0]
    assert drive.moves[0][0] > 4


def test_a_short_calm_is_not_enough() -> None:
    drive = Drive([0.012, 0.006], at=1)
    for index in range(600):
        drive.frame(busy_s=0.03 if index % 90 > 60 else 0.006)
    assert drive.moves == []


def test_a_step_left_for_being_slow_is_tried_ever_more_rarely() -> None:
    """Its time was underrated: it always looks as if there were room for it."""
    drive = Drive([0.05, 0.01], at=0)
    governor = drive.governor
    while drive.now_s < 400:
        busy = 0.05 if governor.at == 0 else 0.01
        drive.now_s += max(busy, BUDGET_S)
        before = governor.at
        governor(busy, 0.012, BUDGET_S, drive.now_s)
        if governor.at != before:
            drive.moves.append((drive.now_s, governor.at))
    tries = [now for now, at in drive.moves if at == 0]
    pauses = [later - earlier for earlier, later in pairwise(tries)]
    assert tries[0] >= FIRST_PAUSE_S
    assert len(tries) <= 5
    assert all(later > 1.7 * earlier for earlier, later in pairwise(pauses))


def test_slow_sources_are_governed_as_well() -> None:
    governor, now_s = Governor(2, 0), 0.0
    for _ in range(16):
        now_s += 1.4
        governor(1.4, 2.0, 1.0, now_s)
    assert governor.at == 1
