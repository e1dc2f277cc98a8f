"""A model and its judge in one file."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
import torch
import typer

from core.model import checkpoint
from core.model.deepspg import DeepSPG
from core.training.widening import begin_as
from scripts.give_judge import main
from tests.fakes import TINY, tiny_network


@pytest.fixture
def judged(tmp_path: Path) -> Path:
    files = {"model": tiny_network(1), "judge": tiny_network(2)}
    for name, network in files.items():
        path = tmp_path / f"{name}.safetensors"
        checkpoint.save(path, "deepspg", TINY, network.state_dict(), prior="none", steps=name)
    out = tmp_path / "judged.safetensors"
    main(str(tmp_path / "model.safetensors"), str(tmp_path / "judge.safetensors"), out)
    return out


def test_both_are_read_from_one_file(judged: Path, tmp_path: Path) -> None:
    found = checkpoint.load(judged, "deepspg")
    network = cast(DeepSPG, found.network)
    assert (found.header["prior"], found.header["steps"]) == ("none", "model")
    assert network.judge is not None
    for ours, name in ((network, "model"), (network.judge, "judge")):
        file = checkpoint.load(tmp_path / f"{name}.safetensors", "deepspg")
        assert torch.equal(ours.fold.weight, cast(DeepSPG, file.network).fold.weight)


def test_who_begins_from_a_judged_model_leaves_the_judge(judged: Path) -> None:
    known = cast(DeepSPG, checkpoint.load(judged, "deepspg").network)
    begun = tiny_network(3)
    begin_as(begun, known)
    assert torch.equal(begun.fold.weight, known.fold.weight)


def test_no_such_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(typer.Exit) as told:
        main("none-such", "deepspg-lite", tmp_path / "out.safetensors")
    assert told.value.exit_code == 2
