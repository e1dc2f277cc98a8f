"""The script that trains, run as a user runs it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from filelock import FileLock
from safetensors import safe_open
from torch import Tensor

ROOT = Path(__file__).parents[2]
RECIPE = """
architecture = "deepspg"
[network]
widths = [4, 4, 4, 4]
depths = [1, 1, 1, 1]
prior_channels = [16, 32, 64]
[[data]]
kind = "pairs-csv"
path = "lol_v1"
[schedule]
stages = [{ steps = 3, batch = 2, crop = 32 }]
save_every = 2
warm_up = 1
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe, two pairs to learn from and two to be judged on."""
    folder = tmp_path_factory.mktemp("training")
    (folder / "tiny.toml").write_text(RECIPE)
    pairs = folder / "data" / "lol_v1"
    pairs.mkdir(parents=True)
    rows = ["id,low,high,scene,split"]
    for number, split in enumerate(["train", "train", "val", "val"]):
        bright = np.random.default_rng(number).integers(0, 256, (48, 48, 3), dtype=np.uint8)
        cv2.imwrite(str(pairs / f"{number}_high.png"), bright)
        cv2.imwrite(str(pairs / f"{number}_low.png"), bright // 10)
        rows.append(f"{number},{number}_low.png,{number}_high.png,{number},{split}")
    (pairs / "pairs.csv").write_text("\n".join(rows))
    return folder


def command(folder: Path, *wishes: str) -> list[str]:
    """What a user types after Python's name."""
    told = ["-m", "scripts.train", f"{folder / 'tiny.toml'}", "--data", f"{folder / 'data'}"]
    return [*told, "--runs", f"{folder / 'runs'}", *wishes]


def train(folder: Path, *wishes: str, launch: tuple[str, ...] = ()) -> tuple[int, str]:
    """Exit code and what was said on standard error."""
    done = subprocess.run(
        [sys.executable, *launch, *command(folder, *wishes)],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=100,
    )
    return done.returncode, done.stderr


def steps(log: Path) -> list[int]:
    """Of the saves that are in a log."""
    return [json.loads(row)["step"] for row in log.read_text().splitlines()] if log.exists() else []


def weights(folder: Path, name: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and header of what a run exported."""
    with safe_open(folder / "runs" / name / f"{name}.safetensors", framework="pt") as file:
        return {key: file.get_tensor(key) for key in file.keys()}, file.metadata()  # noqa: SIM118


def test_two_processes_learn_what_one_learns(folder: Path) -> None:
    together = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    assert train(folder, "--name", "alone")[0] == 0
    code, said = train(folder, "--name", "shared", launch=together)
    assert code == 0, said
    (one, header), (two, _) = weights(folder, "alone"), weights(folder, "shared")
    assert header["steps"] == "3"
    # Adam's first steps are as long as the rate whatever the gradient's size.
    assert all((one[name].float() - two[name].float()).abs().max() < 2e-3 for name in one)
    log = (folder / "runs" / "shared" / "log.jsonl").read_text().splitlines()
    assert [json.loads(row)["step"] for row in log] == [2, 3]


def test_a_run_goes_on_but_never_becomes_another(folder: Path) -> None:
    assert train(folder, "--name", "mine")[0] == 0
    before = (folder / "runs" / "mine" / "state.pt").read_bytes()
    note = folder / "runs" / "mine" / "recipe.json"
    # As an older version wrote it, before recipes could say this.
    note.write_text(json.dumps({k: v for k, v in json.loads(note.read_text()).items() if v}))
    assert train(folder, "--name", "mine")[0] == 0
    code, said = train(folder, "--name", "mine", "--set", "schedule.rate=1e-3")
    assert code == 2
    assert "another recipe" in said
    assert (folder / "runs" / "mine" / "state.pt").read_bytes() == before


def test_a_run_goes_on_with_no_other_weights_than_it_began_with(folder: Path) -> None:
    runs = folder / "runs"
    begin = runs / "origin" / "origin.safetensors"
    assert train(folder, "--name", "origin")[0] == 0
    wish = ("--name", "heir", "--set", f"begin_from='{begin}'")
    assert train(folder, *wish)[0] == 0
    digest = hashlib.sha256(begin.read_bytes()).hexdigest()
    assert weights(folder, "heir")[1]["begin_from_sha256"] == digest
    shutil.copy(runs / "heir" / "heir.safetensors", begin)
    code, said = train(folder, *wish)
    assert code == 2
    assert "another begin_from" in said


def test_two_processes_never_train_in_one_folder(folder: Path) -> None:
    run = folder / "runs" / "taken"
    run.mkdir(parents=True)
    with FileLock(run / "lock"):
        code, said = train(folder, "--name", "taken")
    assert code == 2
    assert "at work already" in said
    assert not (run / "state.pt").exists()


def test_a_killed_run_ends_to_the_bit_as_one_that_was_not(folder: Path) -> None:
    plan = ("--set", "schedule.stages.0.steps=40", "--set", "mix_up=0.5", "--set", "shaken=0.5")
    assert train(folder, "--name", "whole", *plan)[0] == 0
    log = folder / "runs" / "cut" / "log.jsonl"
    for saves in (3, 9):
        told = [sys.executable, *command(folder, "--name", "cut", *plan)]
        with subprocess.Popen(told, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
            while process.poll() is None and len(steps(log)) < saves:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.02)
            process.kill()
        assert 2 * saves <= steps(log)[-1] < 40, "killed on its way"
    assert train(folder, "--name", "cut", *plan)[0] == 0
    whole, cut = weights(folder, "whole")[0], weights(folder, "cut")[0]
    assert all(torch.equal(tensor, cut[name]) for name, tensor in whole.items())
    assert steps(log) == list(range(2, 41, 2))


def test_a_run_that_cannot_be_read_is_not_gone_on_with(folder: Path) -> None:
    assert train(folder, "--name", "old")[0] == 0
    (folder / "runs" / "old" / "recipe.json").write_text('{"architecture": "unet"}')
    code, said = train(folder, "--name", "old")
    assert code == 2
    assert "another recipe" in said
    assert "Traceback" not in said


def test_other_data_is_learnt_and_judged_by_the_papers_recipe(folder: Path) -> None:
    """As the toolboxes unpack it, with no other data at hand and without CLIP's weights."""
    half = folder / "v2" / "LOL-v2" / "Real_captured"
    for number, place in enumerate(["Train", "Train", "Test"]):
        for inside, kind in (("Low", "low"), ("Normal", "high")):
            (half / place / inside).mkdir(parents=True, exist_ok=True)
            name = half / place / inside / f"{inside.lower()}0000{number}.png"
            shutil.copy(folder / "data" / "lol_v1" / f"{number}_{kind}.png", name)
    recipe = ROOT / "assets" / "recipes" / "paper-lol-v2-real.toml"
    small = ["[{ steps = 1, batch = 1, crop = 32 }]", "1", '"nowhere.pt"', "[4, 4, 4, 4]"]
    names = ["schedule.stages", "schedule.warm_up", "objective.clip", "network.widths"]
    wishes = [f"--set={name}={value}" for name, value in zip(names, small, strict=True)]
    told = ["-m", "scripts.train", recipe, "--data", folder / "v2", "--runs", folder / "runs"]
    done = subprocess.run([sys.executable, *map(str, told), *wishes], cwd=ROOT, timeout=100)
    assert done.returncode == 0
    header = weights(folder, recipe.stem)[1]
    assert header["objective"].endswith("semantic 0.1, multimodal 0.1")
    assert header["multimodal"].startswith("off: ")


def test_prompts_that_are_missing_are_wrong_usage(folder: Path) -> None:
    wish = ("--set", "objective.multimodal=0.1", "--set", 'objective.prompts="nowhere.toml"')
    code, said = train(folder, "--name", "speechless", *wish)
    assert code == 2
    assert "nowhere.toml" in said


def test_a_pupil_learns_what_its_teacher_makes(folder: Path) -> None:
    assert train(folder, "--name", "teacher")[0] == 0
    file = folder / "runs" / "teacher" / "teacher.safetensors"
    same = ("--set", f'teacher="{file}"', "--set", f'begin_from="{file}"')
    finest = ("--set", 'objective.scales="finest"', "--set", "schedule.rate=1e-9")
    code, said = train(folder, "--name", "pupil", *same, *finest)
    assert code == 0, said
    rows = (folder / "runs" / "pupil" / "log.jsonl").read_text().splitlines()
    assert json.loads(rows[0])["pixel"] < 2e-3, "the root's floor: nothing is left to learn"


def test_terms_of_others_weights_are_off_without_them(folder: Path) -> None:
    wish = ("--set", "objective.multimodal=0.1", "--set", 'objective.clip="nowhere.safetensors"')
    code, said = train(folder, "--name", "deaf", *wish)
    assert code == 0, said
    assert "multimodal: off: " in said
    assert weights(folder, "deaf")[1]["multimodal"].startswith("off: ")


def test_every_term_at_once(folder: Path) -> None:
    terms = ("semantic", "histogram", "adversarial", "steady")
    wishes = [part for term in terms for part in ("--set", f"objective.{term}=0.1")]
    code, said = train(folder, "--name", "all", "--set", 'prior="hrnet-w18-small"', *wishes)
    assert code == 0, said
    rows = (folder / "runs" / "all" / "log.jsonl").read_text().splitlines()
    assert {*terms, "rival", "pixel", "psnr"} <= json.loads(rows[-1]).keys()


def test_a_wrong_wish_is_wrong_usage(folder: Path) -> None:
    code, said = train(folder, "--name", "wrong", "--set", "schedule.speed=9")
    assert code == 2
    assert "schedule.speed" in said
    assert "Traceback" not in said
