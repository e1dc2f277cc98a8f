"""What a worker answers when it is asked over a network, without the network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.errors import BackendUnavailableError
from core.run.chunk_task import ChunkDone, ChunkTask
from core.run.crew import Completed, Failed
from core.run.engine import Engine
from core.run.identity import program_version
from core.run.remote import (
    Parcel,
    Unfit,
    agree,
    answer,
    choose,
    introduce,
    left_out,
    pack,
    ticker,
    unfit_of,
)
from tests.run.batch_parts import quick_settings, quick_task

OFFERS = {"tcp://a": {"CPU": 4.0}, "tcp://b": {"GPU": 1.0, "CPU": 8.0}, "tcp://c": {}}


@pytest.fixture
def task(plain_clip: Path, tmp_path: Path) -> ChunkTask:
    output, path = tmp_path / "bright.mp4", tmp_path / "chunks" / "0"
    return quick_task(plain_clip, output, quick_settings(tmp_path), path=path)


def test_work_is_done_from_another_folder(
    task: ChunkTask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    model = task.enhance.model_copy(update={"model": "tiny.safetensors"})
    near = replace(
        task,
        source=Path(task.source.name),
        output=Path("bright.mp4"),
        path=Path("chunks/0"),
        enhance=model,
    )
    parcel = pack(7, near, 1)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    told: list[int] = []
    said = answer(parcel, told.append)
    assert isinstance(said, Completed)
    assert isinstance(said.result, ChunkDone)
    assert (said.ticket, said.result.frames) == (7, 10)
    assert told == list(range(1, 11))
    assert task.path.stat().st_size == said.result.size


def test_another_version_does_not_unpack() -> None:
    said = answer(Parcel("0.0.1", b"from another time"), lambda _: None)
    assert isinstance(said, Unfit)
    assert f"has LowLux {program_version()} where the batch has 0.0.1" in said.reason
    assert isinstance(introduce("0.0.1", {}, ""), Unfit)


def test_a_file_that_cannot_be_seen_is_named(task: ChunkTask, tmp_path: Path) -> None:
    away = replace(task, source=tmp_path / "not-mounted" / "night.mp4")
    said = answer(pack(1, away, 1), lambda _: None)
    assert isinstance(said, Unfit)
    assert said.unseen == away.source
    assert left_out("tcp://a", said) == (
        f"The worker tcp://a is left out: it cannot see {away.source}; put it where all machines "
        "can, under one name"
    )


def test_other_weights_are_refused(task: ChunkTask) -> None:
    said = answer(pack(1, replace(task, model_sha256="0" * 64), 1), lambda _: None)
    assert isinstance(said, Unfit)
    assert "not the one this film was begun with" in said.reason


def test_bad_work_is_no_fault_of_the_worker(task: ChunkTask) -> None:
    task.source.write_bytes(b"")
    said = answer(pack(3, task, 1), lambda _: None)
    assert isinstance(said, Failed)
    assert (said.ticket, said.is_disk_full) == (3, False)
    assert str(task.source) in said.reason


def test_a_worker_introduces_itself(task: ChunkTask) -> None:
    wishes, ours = task.enhance.model_dump(), task.model_sha256
    assert introduce(program_version(), wishes, ours) == Engine.of(task.enhance)
    other = introduce(program_version(), wishes, "0" * 64)
    assert isinstance(other, Unfit)
    assert "copy the same" in other.reason
    absent = introduce(program_version(), wishes | {"model": "/none.safetensors"}, ours)
    assert isinstance(absent, Unfit)
    assert "There is no weights file /none.safetensors" in absent.reason


def test_unlike_machines_agree() -> None:
    new, old = Engine("cpu", "bfloat16", "abc"), Engine("cpu", "float32", "abc")
    unfit: dict[str, Engine | Unfit | Exception] = {
        "tcp://c": Unfit("it is old"),
        "tcp://d": ModuleNotFoundError("No module 'core'"),
    }
    assert agree({"tcp://a": new, "tcp://b": new}) == new
    assert agree({"tcp://a": new, "tcp://b": old, **unfit}) == old
    assert agree(unfit) is None
    assert unfit_of({"tcp://a": new, **unfit}) == {
        "tcp://c": "The worker tcp://c is left out: it is old",
        "tcp://d": "The worker tcp://d is left out: ModuleNotFoundError: No module 'core'",
    }


@pytest.mark.parametrize(
    ("wish", "device", "workers"),
    [("auto", "cuda", {"tcp://b"}), ("cpu", "cpu", {"tcp://a", "tcp://b"})],
)
def test_workers_are_chosen_by_what_they_offer(wish: str, device: str, workers: set[str]) -> None:
    chosen, offers = choose(OFFERS, wish, "tcp://s")
    assert (chosen, set(offers)) == (device, workers)


def test_where_nobody_offers_it_the_command_is_told() -> None:
    with pytest.raises(BackendUnavailableError, match='--resources "GPU=1"'):
        choose({"tcp://a": {"CPU": 4.0}}, "cuda", "tcp://s")
    with pytest.raises(BackendUnavailableError, match=r"None of the 0 workers .* \"CPU=4\""):
        choose({}, "auto", "tcp://s")


class DaskWorker:
    """As much of Dask's worker as a ticker asks for: one task, and a place for events."""

    def __init__(self) -> None:
        self.state = SimpleNamespace(tasks={"key": SimpleNamespace(state="executing")})
        self.events: list[object] = []

    def get_current_task(self) -> str:
        return "key"

    def log_event(self, *event: object) -> None:
        self.events.append(event)


def test_progress_is_told_now_and_then() -> None:
    worker = DaskWorker()
    tick = ticker(worker, "topic", 5)
    for frames in (1, 2, 3):
        tick(frames)
    assert worker.events == [("topic", (5, 1))]


@pytest.mark.parametrize("tasks", [{}, {"key": SimpleNamespace(state="cancelled")}])
def test_work_ends_when_it_is_no_longer_wanted(
    task: ChunkTask, tasks: dict[str, SimpleNamespace]
) -> None:
    worker = DaskWorker()
    worker.state.tasks = tasks
    said = answer(pack(5, task, 1), ticker(worker, "topic", 5))
    assert isinstance(said, Failed)
    assert said.reason == "The batch was stopped"
    assert list(task.path.parent.iterdir()) == []
    assert worker.events == []
