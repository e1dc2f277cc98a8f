"""The program itself, killed, stopped and out of room: the same command goes on."""

from __future__ import annotations

import json
import random
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from core.run.batch import Batch
from core.run.batch_events import Outcome
from core.run.batch_plan import make_plan
from core.run.engine import Engine
from core.run.folder_lock import FolderLock
from core.run.journal import journal_path
from core.settings import BatchSettings
from tests.conftest import Clip
from tests.programs import Program, programs, told
from tests.run.batch_parts import LocalCrew, frames_of, quick_settings

PATIENCE_S = 60
FRAMES = 480
LIMITED = (
    "import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2); "
    "os.execv(sys.executable, [sys.executable, *sys.argv[2:]])"
)

Frames = list[Any]
Begin = Callable[..., Program]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of sixty chunks."""
    folder = tmp_path_factory.mktemp("night")
    (folder / "in").mkdir()
    Clip(times=range(FRAMES), width=64, height=48).write(folder / "in" / "a.mp4")
    return folder


@pytest.fixture(scope="module")
def expected(folder: Path) -> Frames:
    assert finish(folder, folder / "whole").frames == FRAMES
    return frames_of(folder / "whole" / "a.mp4")


def settings_for(folder: Path) -> BatchSettings:
    settings = quick_settings(folder)
    return settings.model_copy(
        update={"enhance": settings.enhance.model_copy(update={"device": "auto"})}
    )


def finish(folder: Path, output: Path) -> Outcome:
    """Goes on on this thread."""
    settings = settings_for(folder)
    output.mkdir(exist_ok=True)
    with FolderLock(output):
        plan = make_plan([folder / "in"], output, settings, lambda _: None)
        engine = Engine.of(settings.enhance)
        return Batch(plan, settings, engine, LocalCrew(), lambda _: None).run()


@pytest.fixture
def begin(folder: Path) -> Iterator[Begin]:
    """``begin(output)``: the program on the folder, with one worker."""
    with programs() as start:

        def call(output: Path, limit: int | None = None) -> Program:
            settings = settings_for(folder)
            program = [
                "-m", "app", "batch", str(folder / "in"), "-o", str(output), "--json",
                "--model", settings.enhance.model, "--preset", "ultrafast",
                "--chunk-seconds", str(settings.chunk_seconds), "--workers", "1",
            ]  # fmt: skip
            if limit is not None:
                program = ["-c", LIMITED, str(limit), *program]
            return start([sys.executable, *program])

        yield call


def has_frames(number: int) -> Callable[[dict[str, Any]], bool]:
    return lambda event: event["event"] == "progress" and event["frames"] >= number


def all_gone(workers: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(workers, timeout=PATIENCE_S)[1]


def test_a_batch_that_is_killed_ten_times_goes_on(
    folder: Path, expected: Frames, begin: Begin, tmp_path: Path
) -> None:
    moments = random.Random(5)
    output, done = tmp_path / "out", 0
    for _ in range(10):
        process = begin(output)
        told(process, has_frames(done + moments.randrange(1, 24)))
        workers = psutil.Process(process.pid).children(recursive=True)
        assert workers
        process.kill()
        process.communicate()
        assert all_gone(workers)
        assert not (output / "a.mp4").exists()
        journal = json.loads(journal_path(output / "a.mp4").read_text())
        done = sum(chunk["frames"] for chunk in journal["done"])
        unfinished = list(output.glob("*.lowlux-chunks/*"))
        assert len(unfinished) - len(journal["done"]) <= 1
    assert 0 < done < FRAMES
    assert finish(folder, output).frames == FRAMES - done
    assert frames_of(output / "a.mp4") == expected
    left = {path.name for path in output.iterdir()}
    assert left == {"a.mp4", "a.mp4.lowlux.json", "lowlux-batch.log"}


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_once_saves_and_twice_stops(begin: Begin, tmp_path: Path, times: int) -> None:
    output = tmp_path / "out"
    process = begin(output)
    told(process, has_frames(1))
    workers = psutil.Process(process.pid).children(recursive=True)
    for worker in workers:  # a terminal sends it to all
        worker.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    if times == 2:
        told(process, lambda event: "Ctrl+C again" in event.get("note", ""))
        process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert "the same command goes on" in err
    assert all_gone(workers)
    assert not (output / ".lowlux-batch.lock").exists()
    if times == 1:
        summary = json.loads(out.splitlines()[-1])
        journal = json.loads(journal_path(output / "a.mp4").read_text())
        assert summary["films"][0]["state"] == "stopped"
        assert summary["films"][0]["frames"] == sum(chunk["frames"] for chunk in journal["done"])


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="no limit on the size of files here")
def test_a_disk_without_room_is_waited_for(
    folder: Path, expected: Frames, begin: Begin, tmp_path: Path
) -> None:
    whole, output = folder / "whole" / "a.mp4", tmp_path / "out"
    process = begin(output, limit=whole.stat().st_size // 2)
    told(process, lambda event: event["event"] == "paused")
    process.kill()
    process.communicate()
    assert not (output / "a.mp4").exists()
    assert finish(folder, output).films[0].state == "done"
    assert frames_of(output / "a.mp4") == expected
