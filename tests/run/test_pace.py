"""How fast a batch is, is told when it is known, and from what this run did."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.media.source import open_source
from core.run.batch_plan import Job
from core.run.chunk_task import ChunkDone, ChunkTask
from core.run.film import Film
from core.run.film_tasks import Surveyed, SurveyTask, survey
from core.run.pace import Pace
from tests.conftest import Clip
from tests.run.batch_parts import CLIP, identity_of

PIECE = 8
"""Frames."""


class Watch:
    """A clock that is set by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def pace(watch: Watch) -> Pace:
    return Pace(watch)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """Three pieces of a film."""
    source = Clip(**CLIP).write(tmp_path / "in.mp4")  # type: ignore[arg-type]
    with open_source(source) as opened:
        return Job(source, tmp_path / "out.mp4", opened.info)


def begun(job: Job, done: int = 0, *, copied: bool = False) -> Film:
    """A film that was looked through, some of its pieces done by an earlier run."""
    film = Film(job, identity_of(job.source), overwrite=False)
    work = film.next_work(0, 1)
    assert isinstance(work, SurveyTask)
    found = survey(work)
    journal = found.journal
    pieces = tuple(piece.model_copy(update={"copied": copied}) for piece in journal.pieces)
    journal = journal.model_copy(update={"pieces": pieces})
    for number in range(done):
        journal = journal.with_done(made(number))
    film.completed(0, Surveyed(journal, "", found.warm_up))
    return film


def made(number: int) -> ChunkDone:
    return ChunkDone(number, PIECE, 1, "", 1.0, 1.0, 1, 0, False, "cpu", "float32")


def taken(film: Film, ticket: int) -> ChunkTask:
    work = film.next_work(ticket, 1)
    assert isinstance(work, ChunkTask)
    return work


def test_the_first_frames_tell_no_pace(pace: Pace, watch: Watch, job: Job) -> None:
    film = begun(job)
    assert pace.seconds_left([film]) is None
    for ticket in (1, 2):
        work = taken(film, ticket)
        pace.went_on(film, film.advanced(ticket, 1), work)
        watch.now += 0.01
        status = pace.status(film)
        assert (status.frames, status.fps, status.seconds_left) == (ticket, None, None)
        assert pace.seconds_left([film]) is None


def test_the_pace_is_of_what_came_after_the_first_news(pace: Pace, watch: Watch, job: Job) -> None:
    film = begun(job)
    work = taken(film, 1)
    pace.went_on(film, film.advanced(1, 4), work)
    watch.now += 4.0
    pace.went_on(film, film.advanced(1, 6), work)
    status = pace.status(film)
    assert (status.fps, status.seconds_left) == (0.5, 36.0)
    waiting = Film(job, identity_of(job.source), overwrite=False)
    assert pace.seconds_left([film, waiting]) == pytest.approx(36.0 + 48.0)


def test_what_an_earlier_run_did_is_no_speed(pace: Pace, watch: Watch, job: Job) -> None:
    film = begun(job, done=2)
    work = taken(film, 1)
    pace.went_on(film, film.advanced(1, 1), work)
    watch.now += 5.0
    assert pace.seconds_left([film]) is None
    pace.went_on(film, film.advanced(1, 6), work)
    status = pace.status(film)
    assert (status.frames, status.fps, status.seconds_left) == (22, 1.0, 2.0)


def test_what_is_lost_is_not_done(pace: Pace, watch: Watch, job: Job) -> None:
    film = begun(job)
    work = taken(film, 1)
    for frames in (1, 7, 0):
        watch.now += 2.0
        pace.went_on(film, film.advanced(1, frames), work)
    assert pace.frames == 0
    assert pace.seconds_left([film]) is None


def test_copies_are_no_speed(pace: Pace, watch: Watch, job: Job) -> None:
    film = begun(job, copied=True)
    work = taken(film, 1)
    for frames in (4, 8):
        watch.now += 5.0
        pace.went_on(film, film.advanced(1, frames), work)
    assert pace.frames == 8
    assert pace.status(film).fps is None
    assert pace.seconds_left([film]) == 0


def test_a_film_of_unknown_length_leaves_it_open(pace: Pace, watch: Watch, job: Job) -> None:
    info = replace(job.info, frame_count=None, duration_seconds=None)
    film, endless = begun(job), begun(replace(job, info=info))
    work = taken(film, 1)
    for frames in (1, 5):
        watch.now += 4.0
        pace.went_on(film, film.advanced(1, frames), work)
    assert pace.seconds_left([film]) == pytest.approx(19.0)
    assert pace.seconds_left([film, endless]) is None
    film.give_up("no")
    assert pace.seconds_left([film]) == 0
