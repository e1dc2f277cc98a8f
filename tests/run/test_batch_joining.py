"""A film gets its name when it is complete, once, and takes it from no other file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.errors import CoreError
from core.run.batch_events import Retried
from core.run.chunk_task import ChunkTask
from core.run.crew import Work, perform
from core.run.film_tasks import JoinTask
from core.run.journal import chunk_folder, journal_path
from tests.run.batch_parts import LocalCrew, Night, frames_of, night, uninterrupted

__all__ = ["night"]


def test_a_source_that_changes_meanwhile_is_not_joined(night: Night) -> None:
    clip = night.clip("a.mp4")

    def trouble(work: Work) -> None:
        if isinstance(work, JoinTask):
            os.utime(clip)

    failed = night.run(LocalCrew(1, trouble)).films[0]
    assert failed.state == "failed"
    assert "was changed while it was worked on" in failed.reason
    assert not night.output("a.mp4").exists()


def test_a_film_that_was_joined_but_not_entered_is_joined_again(night: Night) -> None:
    night.clip("a.mp4")
    crew = LocalCrew()
    expected = uninterrupted(night, "a.mp4")
    journal, chunks = journal_path(night.output("a.mp4")), chunk_folder(night.output("a.mp4"))
    kept: dict[Path, bytes] = {}

    def before_joining(work: Work) -> None:
        if isinstance(work, JoinTask):
            kept.update({path: path.read_bytes() for path in (journal, *chunks.iterdir())})

    night.run(LocalCrew(1, before_joining))
    chunks.mkdir()
    for path, content in kept.items():
        path.write_bytes(content)
    assert night.run(crew).films[0].state == "done"
    assert crew.chunks == []
    assert frames_of(night.output("a.mp4")) == expected


def test_a_file_that_took_the_name_is_not_replaced(night: Night) -> None:
    night.clip("a.mp4")

    def trouble(work: Work) -> None:
        if isinstance(work, ChunkTask) and work.chunk.number == 1:
            raise ValueError("no")

    night.run(LocalCrew(1, trouble))
    night.output("a.mp4").write_text("the user's own")
    failed = night.run(LocalCrew()).films[0]
    assert "exists already" in failed.reason
    assert night.output("a.mp4").read_text() == "the user's own"


def test_a_file_that_takes_the_name_while_the_film_is_joined_is_not_replaced(night: Night) -> None:
    night.clip("a.mp4")
    night.run(LocalCrew(), encode=night.settings.encode.model_copy(update={"crf": 30}))
    other = night.output("a.mp4").read_bytes()
    night.output("a.mp4").unlink()

    def take_the_name(work: Work) -> None:
        if isinstance(work, JoinTask) and not work.output.exists():
            work.output.write_bytes(other)
            raise CoreError("A worker process was killed")

    for crew in (LocalCrew(1, take_the_name), LocalCrew()):
        failed = night.run(crew).films[0]
        assert "exists already" in failed.reason
        assert night.output("a.mp4").read_bytes() == other


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_film_that_another_worker_has_joined_already_is_done(night: Night, name: str) -> None:
    night.clip(name)

    def before_it_was_lost(work: Work) -> None:
        if isinstance(work, JoinTask):
            perform(work, lambda _: None)

    assert night.run(LocalCrew(1, before_it_was_lost)).films[0].state == "done"
    assert night.told(Retried) == []
    assert night.leftovers() == []
