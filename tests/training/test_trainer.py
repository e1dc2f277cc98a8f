from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.errors import SettingsError
from core.model.deepspg import DeepSPG, DeepSPGConfig
from core.training.datasets import Mixture, Pair, PairCrops
from core.training.losses import enhancement_losses, scale_weights
from core.training.place import Place
from core.training.recipe import Schedule, Stage
from core.training.trainer import fit

CONFIG = DeepSPGConfig(widths=(4, 4, 4, 4), depths=(1, 1, 1, 1), prior_channels=None)
STAGES = (Stage(steps=3, batch=2, crop=32), Stage(steps=3, batch=1, crop=48))
SCHEDULE = Schedule(stages=STAGES, warm_up=2, ema=0.5, save_every=2)


class Guard(nn.Module):
    """Learns to tell bright pictures from enhanced ones, by their mean."""

    def __init__(self) -> None:
        super().__init__()
        self.weigh = nn.Linear(3, 1)

    def forward(self, image_B3HW: Tensor) -> Tensor:
        return self.weigh(image_B3HW.mean((2, 3)))  # type: ignore[no-any-return]


class TinyTask:
    """DeepSPG of a few hundred weights, and its rival, on one picture."""

    def __init__(self) -> None:
        torch.manual_seed(5)
        self.network, self.rival = DeepSPG(CONFIG), Guard()
        self.said: dict[str, str] = {}
        bright = np.random.default_rng(1).integers(0, 256, (48, 48, 3), dtype=np.uint8)
        self.mixtures = [Mixture([Pair(None, bright)], 1.0)]
        self.seen = torch.empty(0), torch.empty(0)

    def crops(self, side: int) -> PairCrops:
        return PairCrops(self.mixtures, side, SCHEDULE.seed)

    def losses(self, batch: list[Tensor], progress: float) -> dict[str, Tensor]:
        dark, bright = batch
        found = self.network(dark)
        self.seen = found.images[0].detach(), bright
        terms = enhancement_losses(found, bright, scale_weights("staged", progress))
        return terms | {"adversarial": -0.01 * self.rival(found.images[0].float()).mean()}

    def rival_loss(self) -> Tensor:
        fake, real = self.seen
        return (1 + self.rival(fake.float()) - self.rival(real)).square().mean()  # type: ignore[no-any-return]

    def validate(self, network: nn.Module) -> dict[str, float]:
        network.eval()
        return {"weight": float(next(network.parameters()).detach().sum())}

    def pictures(self, network: nn.Module) -> dict[str, NDArray[np.uint8]]:
        return {"reference": np.full((8, 8, 3), 200, np.uint8)}


class PowerCutError(Exception):
    """The run ends here, whatever it was doing."""


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """`fit` sets the process up for training; the tests after it should not notice."""
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    torch.set_flush_denormal(False)


def train(folder: Path, schedule: Schedule = SCHEDULE, cut_at: int | None = None) -> TinyTask:
    task = TinyTask()

    def export(network: nn.Module, step: int) -> None:
        torch.save(network.state_dict(), folder / f"{step}.pt")
        if step == cut_at:
            raise PowerCutError

    fit(task, schedule, folder, export)
    return task


def flat(value: Any) -> list[Any]:
    """Leaves of nested dicts and lists, in order."""
    if isinstance(value, dict):
        return [leaf for key in value for leaf in flat(value[key])]
    return [leaf for part in value for leaf in flat(part)] if isinstance(value, list) else [value]


def same(one: Path, other: Path) -> bool:
    leaves = [flat(torch.load(path, weights_only=True)) for path in (one, other)]
    return len(leaves[0]) == len(leaves[1]) and all(
        torch.equal(a, b) if isinstance(a, Tensor) else a == b for a, b in zip(*leaves, strict=True)
    )


def rows(folder: Path) -> list[dict[str, float]]:
    text = (folder / "log.jsonl").read_text()
    found = [json.loads(line) for line in text.splitlines()]
    return [{k: v for k, v in row.items() if k != "crops_per_second"} for row in found]


def test_a_run_that_is_cut_off_ends_as_one_that_is_not(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    train(whole)
    with pytest.raises(PowerCutError):
        train(cut, cut_at=2)
    with pytest.raises(PowerCutError):
        train(cut, cut_at=4)
    train(cut)
    assert same(whole / "state.pt", cut / "state.pt")
    assert same(whole / "6.pt", cut / "6.pt")
    assert rows(whole) == rows(cut)
    assert [row["step"] for row in rows(whole)] == [2, 4, 6]


def test_steps_lost_since_the_last_save_are_done_again(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    train(whole)
    task, original, steps = TinyTask(), TinyTask.losses, 0

    def losses(batch: list[Tensor], progress: float) -> dict[str, Tensor]:
        nonlocal steps
        steps += 1
        if steps == 4:
            raise PowerCutError
        return original(task, batch, progress)

    task.losses = losses  # type: ignore[method-assign]
    with pytest.raises(PowerCutError):
        fit(task, SCHEDULE, cut, lambda network, step: None)
    assert steps == 4
    train(cut)
    assert same(whole / "state.pt", cut / "state.pt")


def test_a_run_cut_off_while_it_is_judged_at_the_end_is_judged_again(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    train(whole)
    with pytest.raises(PowerCutError):
        train(cut, cut_at=6)
    (cut / "6.pt").unlink()
    train(cut)
    assert same(whole / "6.pt", cut / "6.pt")
    assert rows(whole) == rows(cut)


def test_a_run_keeps_a_diary(tmp_path: Path) -> None:
    train(tmp_path)
    assert (tmp_path / "curve.png").stat().st_size > 1000
    shown = cv2.imread(str(tmp_path / "pictures" / "reference-000004.png"))
    assert shown is not None
    assert (shown == 200).all()
    assert list((tmp_path / "tensorboard").iterdir())


def test_the_diary_tells_the_mean_of_all_steps_since_the_last_row(tmp_path: Path) -> None:
    train(tmp_path / "each", SCHEDULE.model_copy(update={"save_every": 1}))
    train(tmp_path / "pairs")
    each = [row["pixel"] for row in rows(tmp_path / "each")]
    means = [(one + other) / 2 for one, other in zip(each[::2], each[1::2], strict=True)]
    assert [row["pixel"] for row in rows(tmp_path / "pairs")] == pytest.approx(means, abs=2e-5)


def test_a_batch_that_devices_cannot_share_is_refused(tmp_path: Path) -> None:
    place = Place(torch.device("cpu"), rank=0, world=2)
    with pytest.raises(SettingsError, match="multiple of 2"):
        fit(TinyTask(), SCHEDULE, tmp_path, lambda network, step: None, place)


def test_the_rival_learns_too(tmp_path: Path) -> None:
    task, untrained = train(tmp_path), TinyTask()
    assert not torch.equal(task.rival.weigh.weight, untrained.rival.weigh.weight)


def test_a_finished_run_stays_as_it_is(tmp_path: Path) -> None:
    train(tmp_path)
    before = (tmp_path / "state.pt").read_bytes()
    train(tmp_path)
    assert (tmp_path / "state.pt").read_bytes() == before
    assert len(rows(tmp_path)) == 3


def test_another_rate_is_another_run(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    train(one)
    schedule = SCHEDULE.model_copy(update={"rate": 1e-4})
    train(other, schedule)
    assert not same(one / "state.pt", other / "state.pt")


def test_what_is_exported_is_the_average(tmp_path: Path) -> None:
    task = train(tmp_path)
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    exported = torch.load(tmp_path / "6.pt", weights_only=True)
    average = state["average"]
    assert all(torch.equal(t, average[f"module.{name}"]) for name, t in exported.items())
    trained = task.network.state_dict()
    assert not all(torch.equal(t, trained[name]) for name, t in exported.items())


def test_training_learns(tmp_path: Path) -> None:
    schedule = SCHEDULE.model_copy(
        update={"stages": (Stage(steps=40, batch=2, crop=32),), "save_every": 5, "rate": 3e-3}
    )
    train(tmp_path, schedule)
    found = rows(tmp_path)
    first, last = (sum(row["pixel"] for row in part) for part in (found[:3], found[-3:]))
    assert last < first
