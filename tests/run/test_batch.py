"""A night's work: many films become many others, and what is done is not done again."""

from __future__ import annotations

import av

from core.errors import WriterError
from core.run import manifest
from core.run.batch_events import BatchStatus, FilmBegun, FilmResult
from core.run.chunk_task import ChunkTask
from core.run.crew import Work
from core.run.film_tasks import JoinTask
from core.run.verify import verify
from tests.run.batch_parts import LocalCrew, Night, frames_of, night, uninterrupted

__all__ = ["night"]


def test_a_folder_becomes_a_folder(night: Night) -> None:
    one = night.clip("one.mp4", audio=("eng", "deu"))
    two = night.clip("two.mp4", times=(0,))
    outcome = night.run(LocalCrew(2))
    assert [(film.state, film.frames) for film in outcome.films] == [("done", 24), ("done", 1)]
    assert (outcome.frames, outcome.interrupted) == (25, False)
    assert night.leftovers() == []
    for source in (one, two):
        assert manifest.read(night.output(source.name)).output.size > 0
        output = night.output(source.name)
        assert [time for time, _ in frames_of(output)] == [time for time, _ in frames_of(source)]
    with av.open(str(night.output("one.mp4"))) as container:
        assert "enhanced with LowLux" in str(container.metadata)
        assert len(container.streams.audio) == 2
    last = night.told(BatchStatus)[-1]
    assert isinstance(last, BatchStatus)
    assert (last.frames, last.total, last.seconds_left) == (25, 25, 0)


def test_what_was_done_before_a_failure_is_not_done_again(night: Night) -> None:
    night.clip("a.mp4")
    expected = uninterrupted(night, "a.mp4")

    def trouble(work: Work) -> None:
        if isinstance(work, ChunkTask) and work.chunk.number == 2:
            raise ValueError("unforeseen")

    failed = night.run(LocalCrew(1, trouble)).films[0]
    assert failed.reason == "Unexpected ValueError: unforeseen"
    crew = LocalCrew()
    outcome = night.run(crew)
    assert [task.chunk.number for task in crew.chunks] == [2]
    assert outcome.frames == 8
    begun = night.told(FilmBegun)[0]
    assert isinstance(begun, FilmBegun)
    assert (begun.frames, begun.total) == (16, 24)
    assert frames_of(night.output("a.mp4")) == expected


def test_other_settings_begin_afresh(night: Night) -> None:
    night.clip("a.mp4")

    def trouble(work: Work) -> None:
        if isinstance(work, JoinTask):
            raise WriterError("no")

    night.run(LocalCrew(1, trouble))
    crew = LocalCrew()
    night.run(crew, enhance=night.settings.enhance.model_copy(update={"strength": 0.5}))
    assert len(crew.chunks) == 3
    begun = night.told(FilmBegun)[0]
    assert isinstance(begun, FilmBegun)
    assert "begun afresh: a setting of the enhancement has changed" in begun.notes[0]


def test_a_batch_is_stopped_and_goes_on(night: Night) -> None:
    night.clip("a.mp4")
    expected = uninterrupted(night, "a.mp4")
    crew = LocalCrew()
    night.is_stopping = lambda: len(crew.chunks) == 2  # type: ignore[method-assign]
    outcome = night.run(crew)
    assert outcome.interrupted
    assert outcome.films[0].state == "stopped"
    assert outcome.films[0].frames == 16
    night.is_stopping = lambda: False  # type: ignore[method-assign]
    assert night.run(LocalCrew()).frames == 8
    assert frames_of(night.output("a.mp4")) == expected
    assert night.leftovers() == []
    # What was noted by either run proves it.
    pictures = verify(night.output("a.mp4")).checks[-1].detail
    assert pictures.startswith("5 frames enhanced again, 5 the same to the bit")


def test_a_batch_that_replaces_outputs_does_each_once(night: Night) -> None:
    night.clip("a.mp4")
    assert night.run(LocalCrew(), overwrite=True).frames == 24
    crew = LocalCrew()
    again = night.run(crew, overwrite=True).films[0]
    assert again.state == "done"
    assert "made already" in again.notes[0]
    assert crew.chunks == []
    brighter = night.settings.encode.model_copy(update={"crf": 30})
    assert night.run(LocalCrew(), overwrite=True, encode=brighter).frames == 24


def test_what_is_told_names_every_film_once(night: Night) -> None:
    night.clip("a.mp4")
    (night.folder / "in" / "b.mp4").touch()
    outcome = night.run(LocalCrew(), overwrite=False)
    results = night.told(FilmResult)
    assert tuple(results) == outcome.films
