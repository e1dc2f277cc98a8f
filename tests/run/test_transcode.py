"""Whichever of the three threads fails, the others stop, and nothing is left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.enhance.backends.on_torch import TorchBackend
from core.enhance.plan import Plan
from core.errors import BackendError, CoreError, SourceLostError, WriterError
from core.frame import Frame
from core.media.file import FileSource
from core.media.writer import VideoWriter
from core.model import checkpoint
from core.model.checkpoint import Checkpoint
from core.run.transcode import Progress, Summary, transcode
from core.settings import EncodeSettings, JobSettings
from tests.fakes import write_tiny_model

PLAN = Plan("cpu", "float32", 2, 1, 15)


@pytest.fixture
def loaded(tmp_path: Path) -> Checkpoint:
    return checkpoint.load(write_tiny_model(tmp_path / "tiny.safetensors"), "deepspg")


@pytest.fixture
def job(make_clip: Callable[..., Path], tmp_path: Path) -> JobSettings:
    clip = make_clip(times=range(30), width=64, height=48)
    (tmp_path / "out").mkdir()
    return JobSettings(
        input=clip, output=tmp_path / "out" / "b.mp4", encode=EncodeSettings(preset="ultrafast")
    )


def run(job: JobSettings, loaded: Checkpoint) -> Summary:
    return transcode(job, loaded, PLAN, lambda _: None)


def test_progress_counts_every_frame(job: JobSettings, loaded: Checkpoint) -> None:
    told: list[Progress] = []
    summary = transcode(job, loaded, PLAN, told.append)
    assert [now.frames for now in told] == list(range(1, 31))
    assert {now.total for now in told} == {30}
    assert told[0].seconds_left is None
    assert told[-1].seconds_left == 0
    assert summary.frames == 30
    assert job.output.is_file()


def reading_fails(monkeypatch: pytest.MonkeyPatch) -> CoreError:
    error, frames = SourceLostError("the disk is gone"), FileSource._frames

    def broken(self: FileSource) -> Iterator[Frame]:
        for number, frame in enumerate(frames(self)):
            if number == 12:
                raise error
            yield frame

    monkeypatch.setattr(FileSource, "_frames", broken)
    return error


def enhancing_fails(monkeypatch: pytest.MonkeyPatch) -> CoreError:
    error, done, enhance = BackendError("out of memory"), [0], TorchBackend.enhance

    def broken(self: TorchBackend, *details: object) -> object:
        done[0] += 1
        if done[0] == 12:
            raise error
        return enhance(self, *details)  # type: ignore[arg-type]

    monkeypatch.setattr(TorchBackend, "enhance", broken)
    return error


def writing_fails(monkeypatch: pytest.MonkeyPatch) -> CoreError:
    error, done, write = WriterError("the disk is full"), [0], VideoWriter.write

    def broken(self: VideoWriter, frame: Frame) -> None:
        done[0] += 1
        if done[0] == 12:
            raise error
        write(self, frame)

    monkeypatch.setattr(VideoWriter, "write", broken)
    return error


def writing_the_last_frame_fails(monkeypatch: pytest.MonkeyPatch) -> CoreError:
    error, done, write = WriterError("the disk is full"), [0], VideoWriter.write

    def broken(self: VideoWriter, frame: Frame) -> None:
        done[0] += 1
        if done[0] == 30:
            raise error
        write(self, frame)

    monkeypatch.setattr(VideoWriter, "write", broken)
    return error


@pytest.mark.parametrize(
    "sabotage", [reading_fails, enhancing_fails, writing_fails, writing_the_last_frame_fails]
)
def test_a_failure_ends_the_job_and_leaves_nothing(
    job: JobSettings,
    loaded: Checkpoint,
    monkeypatch: pytest.MonkeyPatch,
    sabotage: Callable[[pytest.MonkeyPatch], CoreError],
) -> None:
    before = job.input.read_bytes()
    error = sabotage(monkeypatch)
    with pytest.raises(type(error), match=str(error)):
        run(job, loaded)
    assert list(job.output.parent.iterdir()) == []
    assert job.input.read_bytes() == before


def test_a_caller_that_stops_half_way_leaves_nothing(job: JobSettings, loaded: Checkpoint) -> None:
    def stop(now: Progress) -> None:
        if now.frames == 12:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        transcode(job, loaded, PLAN, stop)
    assert list(job.output.parent.iterdir()) == []
