"""Wishes and a machine become a plan that says why."""

from __future__ import annotations

from typing import Any

import pytest

from core.enhance.plan import Machine, Plan, resolve
from core.errors import BackendUnavailableError
from core.settings import EnhanceSettings

PLAIN = Machine("x86_64", 4, fast_bfloat16=False, gpus=())
MODERN = Machine("x86_64", 8, fast_bfloat16=True, gpus=())
WITH_GPU = Machine("x86_64", 16, fast_bfloat16=True, gpus=("Acme 9000", "Acme 10"))


@pytest.mark.parametrize(
    ("machine", "device", "expected"),
    [
        (PLAIN, "auto", ("cpu", "float32", 4, 1)),
        (PLAIN, "cpu", ("cpu", "float32", 4, 1)),
        (MODERN, "auto", ("cpu", "bfloat16", 4, 2)),
        (WITH_GPU, "auto", ("cuda", "float16", 1, 16)),
        (WITH_GPU, "cuda", ("cuda", "float16", 1, 16)),
        (WITH_GPU, "cpu", ("cpu", "bfloat16", 4, 4)),
    ],
)
def test_the_machine_decides_what_the_user_leaves_open(
    machine: Machine, device: Any, expected: tuple[str, str, int, int]
) -> None:
    plan = resolve(EnhanceSettings(device=device, prior_every=9), machine)
    assert (plan.device, plan.precision, plan.lanes, plan.threads) == expected
    assert plan.prior_every == 9


@pytest.mark.parametrize("machine", [PLAIN, MODERN, WITH_GPU])
@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_every_choice_has_its_reason(machine: Machine, device: Any) -> None:
    plan = resolve(EnhanceSettings(device=device), machine)
    assert all(reason.strip() for reason in plan.reasons)
    said = " ".join(plan.reasons)
    assert plan.device in said
    assert plan.precision in said
    if plan.device == "cpu":
        assert ("asked for" in said) == (device == "cpu")
        assert str(plan.threads) in said
    else:
        assert "Acme 9000" in said


@pytest.mark.parametrize("machine", [PLAIN, MODERN])
def test_a_gpu_asked_for_by_name_must_be_there(machine: Machine) -> None:
    with pytest.raises(BackendUnavailableError, match="CUDA"):
        resolve(EnhanceSettings(device="cuda"), machine)


def test_this_machine_can_be_planned_for() -> None:
    machine = Machine.probe()
    assert machine.cores >= 1
    assert isinstance(resolve(EnhanceSettings(), machine), Plan)
