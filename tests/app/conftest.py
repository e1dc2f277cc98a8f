"""Runs the program inside this process and beside it, on a model that is quick."""

from __future__ import annotations

import json
import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from app.cli import run
from core.enhance.plan import Machine
from tests.conftest import Clip
from tests.fakes import no_thread_left, write_tiny_model
from tests.programs import ROOT, Start, programs

__all__ = ["ROOT", "no_thread_left"]

FAST = ("--preset", "ultrafast")


@dataclass(frozen=True)
class Done:
    """What became of a run."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The JSON objects on standard output."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def summary(self) -> dict[str, Any]:
        """The last of them."""
        assert self.lines[-1]["event"] == "summary"
        return self.lines[-1]


Lowlux = Callable[..., Done]


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that is quick to run."""
    return write_tiny_model(tmp_path_factory.mktemp("weights") / "tiny.safetensors")


@pytest.fixture(scope="session")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """More frames than can be done before a signal arrives."""
    clip = Clip(times=tuple(range(2500)), width=64, height=48)
    return clip.write(tmp_path_factory.mktemp("long") / "long.mp4")


@pytest.fixture(autouse=True)
def process_as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One thread for tiny pictures; signals, logs and PyTorch's switches are put back."""
    small = Machine("test", 1, fast_bfloat16=False, gpus=())
    monkeypatch.setattr(Machine, "probe", staticmethod(lambda: small))
    handler, threads = signal.getsignal(signal.SIGTERM), torch.get_num_threads()
    hook = threading.excepthook
    monkeypatch.setattr(logging, "lastResort", copy(logging.lastResort))
    yield
    threading.excepthook = hook
    signal.signal(signal.SIGTERM, handler)
    torch.set_num_threads(threads)
    torch.set_flush_denormal(False)


@pytest.fixture
def lowlux(capfd: pytest.CaptureFixture[str]) -> Lowlux:
    """``lowlux("enhance", clip, "-o", output)`` inside this process."""

    def call(*arguments: object) -> Done:
        capfd.readouterr()
        code = run([str(argument) for argument in arguments])
        return Done(code, *capfd.readouterr())

    return call


@pytest.fixture
def enhance(lowlux: Lowlux, weights: Path) -> Lowlux:
    """``enhance(clip, output)`` with the quick model, its summary in JSON."""

    def call(source: Path, output: Path, *more: object) -> Done:
        speed = FAST if "--preset" not in more and "--codec" not in more else ()
        chosen = () if "--model" in more else ("--model", weights)
        return lowlux("enhance", source, "-o", output, "--json", *chosen, *speed, *more)

    return call


def program(*arguments: object) -> list[str]:
    """The program in a process of its own."""
    return [sys.executable, "-m", "app", *map(str, arguments)]


@pytest.fixture
def start() -> Iterator[Start]:
    """``start(command)``; what still runs at the end of the test is stopped."""
    with programs() as start:
        yield start
