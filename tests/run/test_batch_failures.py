"""What fails in a night is tried again, and does not stop the rest."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from core.errors import CoreError, SourceLostError
from core.run.batch_events import FilmBegun, Retried
from core.run.chunk_task import ChunkTask
from core.run.crew import Advanced, Failed, Told, Work
from core.run.film_tasks import JoinTask, SurveyTask
from core.run.workers import Workers
from tests.run.batch_parts import LocalCrew, Night, frames_of, night, uninterrupted

__all__ = ["night"]


def test_a_chunk_that_fails_is_tried_three_times(night: Night) -> None:
    night.clip("a.mp4")
    night.clip("b.mp4")

    def trouble(work: Work) -> None:
        if isinstance(work, ChunkTask) and work.source.name == "a.mp4" and work.chunk.number == 1:
            raise SourceLostError("the card was pulled out")

    crew = LocalCrew(1, trouble)
    films = {film.source.name: film for film in night.run(crew).films}
    assert films["a.mp4"].state == "failed"
    assert films["a.mp4"].reason == "the card was pulled out"
    assert films["b.mp4"].state == "done"
    tried = [task for task in crew.chunks if task.source.name == "a.mp4" and task.chunk.number == 1]
    assert len(tried) == 3
    assert len(night.told(Retried)) == 2
    assert not night.output("a.mp4").exists()


@pytest.mark.parametrize("kind", [SurveyTask, JoinTask])
@pytest.mark.parametrize(("losses", "state"), [(2, "done"), (3, "failed")])
def test_looking_through_a_film_and_joining_it_have_three_tries_as_well(
    night: Night, kind: type[Work], losses: int, state: str
) -> None:
    night.clip("a.mp4")
    lost: list[Work] = []

    def trouble(work: Work) -> None:
        if isinstance(work, kind) and len(lost) < losses:
            lost.append(work)
            raise CoreError("A worker process was killed")

    assert night.run(LocalCrew(1, trouble)).films[0].state == state
    assert len(lost) == losses
    assert len(night.told(Retried)) == 2


class Forgetful(LocalCrew):
    """Loses the first chunk after five frames."""

    def wait(self, seconds: float) -> Sequence[Told]:
        ticket, work = self._waiting[0] if self._waiting else (0, None)
        if not isinstance(work, ChunkTask) or self.chunks:
            return super().wait(seconds)
        self._waiting.popleft()
        self.chunks.append(work)
        return [Advanced(ticket, 5), Failed(ticket, "A worker process was killed")]


def test_frames_that_are_lost_do_not_count(night: Night) -> None:
    night.clip("a.mp4")
    crew = Forgetful()
    assert night.run(crew).frames == 24
    assert len(crew.chunks) == 4


def test_processes_do_the_same_and_are_replaced_when_they_die(night: Night) -> None:
    night.clip("a.mp4")
    expected = uninterrupted(night, "a.mp4")
    killed: list[int] = []
    with Workers(1, 1) as crew:

        def stopping() -> bool:
            worker = crew._workers[0]
            if not killed and worker is not None and night.told(FilmBegun):
                assert worker.process.pid is not None
                killed.append(worker.process.pid)
                worker.process.kill()
            return False

        night.is_stopping = stopping  # type: ignore[method-assign]
        outcome = night.run(crew)
    assert outcome.films[0].state == "done"
    assert killed
    retried = night.told(Retried)
    assert all(isinstance(event, Retried) and "signal 9" in event.reason for event in retried)
    assert len(retried) == 1
    assert frames_of(night.output("a.mp4")) == expected
