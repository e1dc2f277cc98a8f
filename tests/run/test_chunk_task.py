"""Chunks made one by one are the film made in one go."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.enhance.enhancer import Enhancer
from core.enhance.plan import Plan
from core.errors import CheckpointError, SourceLostError
from core.media.joining import join
from core.media.keyframes import Chunk, cut_into_chunks
from core.media.source import open_source
from core.run import chunk_task
from core.run.chunk_task import ChunkTask, run_chunk
from core.run.sample import MOST_DB
from core.run.seams import Seam, measure_seams
from core.settings import EncodeSettings
from tests.conftest import Clip
from tests.fakes import AtOnce, FakeBackend
from tests.run.batch_parts import frames_of, quick_settings, quick_task

MakeClip = Callable[..., Path]
LOSSLESS = EncodeSettings(preset="ultrafast", crf=0)
WHOLE = (Chunk(0, Fraction(0), None),)


@pytest.fixture
def task_for(tmp_path: Path) -> Callable[..., ChunkTask]:
    """``task_for(clip, chunk)``, lossless and without memory of earlier frames."""

    def make(clip: Path, chunk: Chunk, steady: float = 0.0, **how: object) -> ChunkTask:
        settings = quick_settings(tmp_path, encode=LOSSLESS)
        settings = settings.model_copy(
            update={"enhance": settings.enhance.model_copy(update={"steady": steady})}
        )
        path = tmp_path / f"chunk-{chunk.number}-{float(chunk.end or 0)}"
        return quick_task(clip, tmp_path / "film.mp4", settings, path=path, chunk=chunk, **how)

    return make


def noisy(index: int, width: int, height: int) -> NDArray[np.uint8]:
    """A still picture under fresh noise, which is what the average over time is for."""
    noise = np.random.default_rng(index).normal(0, 6, (height, width, 3))
    picture = np.linspace(20, 90, width)[None, :, None] + noise
    return np.clip(picture, 0, 255).astype(np.uint8)


def film(
    clip: Path,
    name: str,
    chunks: tuple[Chunk, ...],
    task_for: Callable[..., ChunkTask],
    **how: float,
) -> Path:
    tasks = [task_for(clip, chunk, **how) for chunk in chunks]
    for task in tasks:
        run_chunk(task)
    output = clip.with_name(name)
    with open_source(clip) as source:
        info = source.info
    join([task.path for task in tasks], output, info, LOSSLESS)
    return output


def test_chunks_have_the_frames_and_times_of_the_whole(
    make_clip: MakeClip, task_for: Callable[..., ChunkTask]
) -> None:
    clip = make_clip(times=range(40), width=64, height=48)
    chunks = cut_into_chunks(clip, 0)
    assert len(chunks) == 5
    whole = film(clip, "whole.mp4", WHOLE, task_for)
    joined = film(clip, "joined.mp4", chunks, task_for, warm_up=0.5)
    assert frames_of(joined) == frames_of(whole)
    assert len(frames_of(whole)) == 40


def test_warming_up_hides_the_seams(
    make_clip: MakeClip, task_for: Callable[..., ChunkTask]
) -> None:
    clip = make_clip(times=range(48), width=64, height=48, picture=noisy, options={"g": "16"})
    chunks = cut_into_chunks(clip, 0)
    whole = film(clip, "whole.mp4", WHOLE, task_for, steady=1.0)

    def seams(warm_up: float) -> list[Seam]:
        how = {"steady": 1.0, "warm_up": warm_up}
        joined = film(clip, f"joined-{warm_up}.mp4", chunks, task_for, **how)
        return measure_seams(whole, joined, [chunk.begin for chunk in chunks])

    cold, warm = seams(0.0), seams(0.64)
    assert len(cold) == len(warm) == len(chunks) - 1 >= 2
    for before, after in zip(cold, warm, strict=True):
        assert before.mean > 1
        assert after.mean < before.mean / 2
        assert after.step < before.step


def test_a_chunk_is_made_twice_alike(plain_clip: Path, task_for: Callable[..., ChunkTask]) -> None:
    task = pickle.loads(pickle.dumps(task_for(plain_clip, WHOLE[0], steady=1.0)))
    told: list[int] = []
    first, second = run_chunk(task, told.append), run_chunk(task)
    assert first.frames == 10
    assert told == list(range(1, 11))
    assert first.sha256 == second.sha256
    assert first.size == task.path.stat().st_size
    assert 0 < first.busy_seconds <= first.seconds


def test_frames_of_another_chunk_leave_no_trace(
    make_clip: MakeClip, task_for: Callable[..., ChunkTask]
) -> None:
    first, second, _ = cut_into_chunks(make_clip(times=range(24)), 0)
    clip = make_clip(times=range(24))
    fresh = run_chunk(task_for(clip, second, steady=1.0))
    run_chunk(task_for(clip, first, steady=1.0))
    assert run_chunk(task_for(clip, second, steady=1.0)).sha256 == fresh.sha256


def test_some_frames_are_noted_and_what_the_file_shows_of_them(
    make_clip: MakeClip, task_for: Callable[..., ChunkTask]
) -> None:
    clip = make_clip(times=range(24), width=64, height=48)
    _, second, _ = cut_into_chunks(clip, 0)
    task = task_for(clip, second, seed="a", warm_up=0.2)
    noted, frames = run_chunk(task).samples, frames_of(task.path)
    with open_source(clip) as source:
        unit = source.info.time_base
    shown = dict(frames)
    assert len(noted) == 5
    assert [sample.pts for sample in noted] == sorted(sample.pts for sample in noted)
    assert all(shown[sample.pts * unit] != sample.sha256 for sample in noted)  # in YUV, rounded
    assert all(25 < sample.db < MOST_DB for sample in noted)
    assert run_chunk(replace(task, seed="b")).samples != noted
    assert run_chunk(replace(task, seed="")).samples == ()


def test_nothing_is_noted_where_the_device_failed_on_the_way(
    plain_clip: Path, task_for: Callable[..., ChunkTask], monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def on_a_device_that_fails(task: ChunkTask, _: Plan) -> Iterator[Enhancer]:
        yield Enhancer(FakeBackend(fails_at=4), AtOnce(), task.enhance, FakeBackend)

    monkeypatch.setattr(chunk_task, "chunk_enhancer", on_a_device_that_fails)
    done = run_chunk(task_for(plain_clip, WHOLE[0], seed="a"))
    assert "Went on with the CPU" in done.notes[0]
    assert (done.frames, done.samples) == (10, ())


def test_a_copied_chunk_is_not_decoded(
    plain_clip: Path, task_for: Callable[..., ChunkTask]
) -> None:
    task = task_for(plain_clip, WHOLE[0], copied=True, seed="a")
    done = run_chunk(task)
    assert (done.frames, done.copied, done.device, done.samples) == (10, True, "", ())
    assert frames_of(task.path) == frames_of(plain_clip)


def test_other_weights_are_refused(plain_clip: Path, task_for: Callable[..., ChunkTask]) -> None:
    task = replace(task_for(plain_clip, WHOLE[0]), model_sha256="0" * 64)
    with pytest.raises(CheckpointError, match="not the one this film was begun with"):
        run_chunk(task)
    assert not task.path.exists()


def test_a_picture_of_another_size_is_named(
    tmp_path: Path, task_for: Callable[..., ChunkTask]
) -> None:
    parts = [
        Clip(times=range(8), width=width, height=48).write(tmp_path / f"{width}.ts")
        for width in (64, 96)
    ]
    both = tmp_path / "both.ts"
    both.write_bytes(b"".join(part.read_bytes() for part in parts))
    task = task_for(both, WHOLE[0])
    with pytest.raises(SourceLostError, match=r"changes its picture size .*split it there"):
        run_chunk(task)
    assert list(tmp_path.glob(f"{task.path.name}*")) == []
