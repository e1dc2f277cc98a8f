"""A batch on a real cluster: a scheduler and workers in processes of their own, on loopback."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from core.errors import BackendError, BackendUnavailableError, SettingsError
from core.run.batch import Batch
from core.run.batch_events import BatchStatus, Event, Outcome, Retried
from core.run.batch_plan import make_plan
from core.run.chunk_task import ChunkTask
from core.run.crew import Advanced, Completed, Crew, Failed, Told
from core.run.engine import Engine
from core.run.journal import chunk_folder, journal_path
from core.settings import BatchSettings
from tests.conftest import Clip
from tests.run.batch_parts import LocalCrew, frames_of, quick_settings, quick_task

pytest.importorskip("distributed", reason="Dask is an extra: pip install 'lowlux[cluster]'")
from distributed.utils import offload

from core.run.cluster import join_cluster
from core.run.cluster.crew import Cluster

ROOT = Path(__file__).parents[2]
LOOK_S = 0.5
CONNECT_S = 20.0
"""Far longer than it takes, also on a busy machine."""


class Servers:
    """A scheduler and two workers, each a process that can be killed; starts what is missing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.scheduler: subprocess.Popen[str] | None = None
        self.workers: list[subprocess.Popen[str]] = []
        self.address = ""

    def start(self) -> None:
        if self.scheduler is None or self.scheduler.poll() is not None:
            self.close()
            self.scheduler = self._start("scheduler", "--port", "0", "--no-dashboard")
            self.address = self._address(self.scheduler)
        self.workers = [worker for worker in self.workers if worker.poll() is None]
        while len(self.workers) < 2:
            self.workers.append(
                self._start(
                    "worker", self.address, "--no-nanny", "--no-dashboard", "--nthreads", "1",
                    "--resources", "CPU=1", "--local-directory", str(self._folder),
                )
            )  # fmt: skip

    def close(self) -> None:
        servers = [*self.workers, *filter(None, [self.scheduler])]
        for server in servers:
            server.kill()
        for server in servers:
            server.communicate()
        self.workers, self.scheduler = [], None

    def _start(self, what: str, *options: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.dask_{what}", "--host", "127.0.0.1", *options],
            cwd=ROOT,
            # Of what Dask allows, three, one is enough to see that it counts.
            env={**os.environ, "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"},
            stderr=subprocess.PIPE if what == "scheduler" else subprocess.DEVNULL,
            text=True,
        )

    @staticmethod
    def _address(scheduler: subprocess.Popen[str]) -> str:
        assert scheduler.stderr is not None
        for line in scheduler.stderr:
            if "Scheduler at:" in line:
                return line.split()[-1]
        raise AssertionError("the scheduler ended at once")


@pytest.fixture(scope="module")
def all_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    servers = Servers(tmp_path_factory.mktemp("dask"))
    yield servers
    servers.close()


@pytest.fixture
def servers(all_servers: Servers) -> Servers:
    all_servers.start()
    return all_servers


@pytest.fixture(scope="module")
def dask_thread() -> None:
    """Dask's own, which it keeps for the rest of the process."""
    asyncio.run(offload(int))


@pytest.fixture
def settings(tmp_path: Path) -> BatchSettings:
    (tmp_path / "in").mkdir()
    return quick_settings(tmp_path, chunk_seconds=2.0)


@pytest.fixture
def task(tmp_path: Path, settings: BatchSettings) -> ChunkTask:
    """A film of twenty frames, in one chunk."""
    output = tmp_path / "out" / "b.mp4"
    output.parent.mkdir()
    path = output.parent / "chunks" / "0"
    return quick_task(clip(tmp_path, "b.mp4", 20), output, settings, path=path)


def clip(folder: Path, name: str, frames: int) -> Path:
    return Clip(times=range(frames), width=64, height=48).write(folder / "in" / name)


def join(servers: Servers, settings: BatchSettings, told: list[str]) -> tuple[Engine, Cluster]:
    return join_cluster(servers.address, settings.enhance, None, told.append, CONNECT_S)


def run(
    folder: Path,
    settings: BatchSettings,
    engine: Engine,
    crew: Crew,
    tell: Callable[[Event], None] = lambda _: None,
) -> Outcome:
    plan = make_plan([folder / "in"], folder / "out", settings, lambda _: None)
    return Batch(plan, settings, engine, crew, tell).run()


def until(crew: Crew, kind: type[Told]) -> Told:
    """The first event of a kind."""
    while True:
        for event in crew.wait(LOOK_S):
            if isinstance(event, kind):
                return event
            assert isinstance(event, Advanced), event


def parts_of(process: subprocess.Popen[str]) -> Sequence[Path]:
    """Unfinished chunks that a process has open."""
    files = psutil.Process(process.pid).open_files()
    return [Path(file.path) for file in files if file.path.endswith(".part")]


def test_workers_with_other_weights_are_left_out(
    servers: Servers, settings: BatchSettings, task: ChunkTask
) -> None:
    told: list[str] = []
    _, crew = join(servers, settings, told)
    with crew:
        assert crew.threads == 1
        crew.begin(1, replace(task, model_sha256="0" * 64))
        failed = until(crew, Failed)
        assert isinstance(failed, Failed)
        assert "not the one this film was begun with" in failed.reason
        assert len(told) == len(set(told)) >= 1
        crew.begin(2, task)
        again = until(crew, Failed)
        assert isinstance(again, Failed)
        assert again.reason in told


def test_a_film_that_is_gone_is_no_fault_of_the_workers(
    servers: Servers, settings: BatchSettings, task: ChunkTask
) -> None:
    told: list[str] = []
    _, crew = join(servers, settings, told)
    with crew:
        crew.begin(1, replace(task, source=task.source.with_name("gone.mp4")))
        failed = until(crew, Failed)
        assert isinstance(failed, Failed)
        assert "gone.mp4 is gone" in failed.reason
        assert told == []
        crew.begin(2, task)
        assert isinstance(until(crew, Completed), Completed)


def test_leaving_ends_what_is_under_way(
    servers: Servers, tmp_path: Path, settings: BatchSettings, task: ChunkTask
) -> None:
    long = replace(task, source=clip(tmp_path, "long.mp4", 1000), path=tmp_path / "out" / "c" / "1")
    _, crew = join(servers, settings, [])
    with crew:
        crew.begin(1, long)
        until(crew, Advanced)
    assert list(long.path.parent.glob("*.part")) != []
    _, crew = join(servers, settings, [])
    with crew:
        # A worker does one work at a time: when all have done another, the long one is over.
        left = set(range(crew.size))
        for number in left:
            crew.begin(number, replace(task, path=tmp_path / "out" / "c" / f"short-{number}"))
        while left:
            # Several may end at a time.
            for event in crew.wait(LOOK_S):
                assert isinstance(event, Advanced | Completed), event
                left -= {event.ticket} if isinstance(event, Completed) else set()
    assert not long.path.exists()


def test_workers_without_the_resource_are_told_how_to_start(
    servers: Servers, settings: BatchSettings
) -> None:
    wish = settings.enhance.model_copy(update={"device": "cuda"})
    with pytest.raises(BackendUnavailableError, match='--nthreads 1 --resources "GPU=1"'):
        join_cluster(servers.address, wish, None, lambda _: None, CONNECT_S)


def test_the_chunk_of_a_worker_that_is_killed_is_done_by_another(
    servers: Servers, tmp_path: Path, settings: BatchSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The workers are at home in another folder.
    monkeypatch.chdir(tmp_path)
    here = Path()
    enhance = settings.enhance.model_copy(update={"model": "tiny.safetensors"})
    settings = settings.model_copy(update={"enhance": enhance})
    clip(here, "a.mp4", 250)
    clip(here, "b.mp4", 20)
    outputs = [here / "out" / name for name in ("a.mp4", "b.mp4")]
    told: list[str] = []
    events: list[Event] = []
    abandoned: list[Path] = []

    def kill_one(event: Event) -> None:
        events.append(event)
        for worker in servers.workers if isinstance(event, BatchStatus) and not abandoned else ():
            worker.send_signal(signal.SIGSTOP)
            parts = [part for part in parts_of(worker) if "a.mp4.lowlux-chunks" in str(part)]
            worker.send_signal(signal.SIGKILL if parts else signal.SIGCONT)
            if parts:
                worker.wait()
                abandoned.extend(part for part in parts if part.exists())
                break

    engine, crew = join(servers, settings, told)
    with crew:
        outcome = run(here, settings, engine, crew, kill_one)
    assert [film.state for film in outcome.films] == ["done", "done"]
    assert outcome.frames == 270
    assert len(abandoned) == 1
    assert [event for event in events if isinstance(event, Retried)] == []
    assert told == []
    assert not any(chunk_folder(path).exists() or journal_path(path).exists() for path in outputs)
    on_cluster = [frames_of(path) for path in outputs]

    alone = settings.model_copy(update={"overwrite": True})
    run(here, alone, engine, LocalCrew())
    assert [frames_of(path) for path in outputs] == on_cluster
    assert len(on_cluster[0]) == 250


def test_what_cannot_be_made_good_is_told(
    servers: Servers, tmp_path: Path, settings: BatchSettings, task: ChunkTask
) -> None:
    long = replace(task, source=clip(tmp_path, "long.mp4", 1000))
    join(servers, settings, [])[1].close()
    # All are there, so little patience is enough, and little is waited for the scheduler's return.
    _, crew = join_cluster(servers.address, settings.enhance, None, lambda _: None, 3.0)
    with crew:
        crew.begin(1, long)
        while not (ended := [e for e in crew.wait(LOOK_S) if not isinstance(e, Advanced)]):
            for worker in servers.workers:
                if worker.poll() is None and parts_of(worker):
                    worker.kill()
                    worker.wait()
        crew.begin(2, long)
        (again,) = crew.wait(LOOK_S)
        for number, event in enumerate([*ended, again], 1):
            assert isinstance(event, Failed)
            assert event.ticket == number
            assert "Every worker that was given this part ended over it" in event.reason
        assert [worker.poll() for worker in servers.workers] == [-signal.SIGKILL] * 2

        crew.begin(3, replace(task, path=task.path.with_name("1")))
        assert servers.scheduler is not None
        servers.scheduler.kill()
        with pytest.raises(BackendError, match=f"scheduler at {servers.address} is gone"):
            until(crew, Completed)


def test_a_cluster_is_started_here_and_closed(
    tmp_path: Path, settings: BatchSettings, task: ChunkTask, dask_thread: None
) -> None:
    us = psutil.Process()
    before = set(us.children(recursive=True))
    engine, crew = join_cluster("local", settings.enhance, 1, lambda _: None, CONNECT_S)
    with crew:
        started = set(us.children(recursive=True)) - before
        ports = [port for process in (us, *started) for port in process.net_connections("inet")]
        listening = {port.laddr.ip for port in ports if port.status == psutil.CONN_LISTEN}
        assert listening == {"127.0.0.1"}
        assert (crew.size, engine) == (1, Engine.of(settings.enhance))
        crew.begin(1, replace(task, source=clip(tmp_path, "long.mp4", 400)))
        until(crew, Advanced)
        for process in started:
            process.send_signal(signal.SIGINT)
        done = until(crew, Completed)
    assert isinstance(done, Completed)
    left = set(us.children(recursive=True)) - before
    assert not any("spawn_main" in " ".join(process.cmdline()) for process in left)


def test_a_scheduler_that_is_not_there_is_named(settings: BatchSettings) -> None:
    with pytest.raises(BackendUnavailableError, match=r"answered at tcp://127.0.0.1:1 in 0.5 s"):
        join_cluster("tcp://127.0.0.1:1", settings.enhance, None, lambda _: None, 0.5)


def test_tls_without_certificates_is_told(settings: BatchSettings) -> None:
    with pytest.raises(BackendUnavailableError, match="certificates in Dask's configuration"):
        join_cluster("tls://127.0.0.1:1", settings.enhance, None, lambda _: None, 0.5)


def test_what_is_no_address_is_told(settings: BatchSettings) -> None:
    with pytest.raises(SettingsError, match=r"--cluster 10.0.0.3 is no address; give tcp://"):
        join_cluster("10.0.0.3", settings.enhance, None, lambda _: None)
