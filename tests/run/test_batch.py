"""A night's work goes on: through failures, full disks, stops and kills."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import av
import pytest

from core.errors import CoreError, SourceLostError, WriterError
from core.run import manifest
from core.run.batch import Batch
from core.run.batch_events import (
    BatchStatus,
    Event,
    FilmBegun,
    FilmResult,
    Outcome,
    Paused,
    Resumed,
    Retried,
)
from core.run.batch_plan import make_plan
from core.run.chunk_task import ChunkTask
from core.run.crew import Advanced, Failed, Told, Work, perform
from core.run.film_tasks import JoinTask, SurveyTask
from core.run.journal import chunk_folder, journal_path
from core.run.workers import Workers
from core.settings import BatchSettings
from tests.conftest import Clip
from tests.run.batch_parts import CLIP, LocalCrew, frames_of, quick_engine, quick_settings

GIB = 2**30


class Night:
    """A folder of clips, and what happens to it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.settings = folder, quick_settings(folder)
        self.events: list[Event] = []
        self.free: Callable[[Path], int] = lambda _: 100 * GIB
        self.now = 0.0
        (folder / "in").mkdir()

    def clip(self, name: str, **how: object) -> Path:
        return Clip(**{**CLIP, **how}).write(self.folder / "in" / name)  # type: ignore[arg-type]

    def run(self, crew: LocalCrew | Workers, **settings: object) -> Outcome:
        wishes = self.settings.model_copy(update=settings)
        plan = make_plan([self.folder / "in"], self.folder / "out", wishes, lambda _: None)
        self.events = []
        engine = quick_engine(wishes)
        batch = Batch(
            plan, wishes, engine, crew, self.events.append, self.is_stopping, self.free, self.clock
        )
        return batch.run()

    def is_stopping(self) -> bool:
        return False

    def clock(self) -> float:
        self.now += 0.1
        return self.now

    def told(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]

    def output(self, name: str) -> Path:
        return self.folder / "out" / name

    def leftovers(self) -> list[str]:
        return [p.name for p in (self.folder / "out").rglob("*") if "lowlux-" in p.name]


@pytest.fixture
def night(tmp_path: Path) -> Night:
    return Night(tmp_path)


def uninterrupted(night: Night, name: str) -> list[object]:
    """The frames of a film that nothing happened to; the output is removed again."""
    outcome = night.run(LocalCrew())
    assert [film.state for film in outcome.films] == ["done"]
    frames: list[object] = list(frames_of(night.output(name)))
    night.output(name).unlink()
    return frames


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


def test_a_full_disk_is_waited_for(night: Night) -> None:
    night.clip("a.mp4")
    looks = iter([GIB, 1, 1])
    night.free = lambda _: next(looks, GIB)
    assert night.run(LocalCrew()).films[0].state == "done"
    kinds = [type(event) for event in night.events if isinstance(event, Paused | Resumed)]
    assert kinds == [Paused, Resumed]
    paused = night.told(Paused)[0]
    assert isinstance(paused, Paused)
    assert "0 MiB left" in paused.reason


def test_the_limit_asked_for_is_kept(night: Night) -> None:
    night.clip("a.mp4")
    looks = iter([999 * 2**20, 1001 * 2**20])
    night.free = lambda _: next(looks, GIB)
    night.run(LocalCrew(), min_free=1000)
    assert len(night.told(Paused)) == 1


def test_a_disk_that_fills_up_under_a_chunk_costs_no_try(night: Night) -> None:
    night.clip("a.mp4")
    expected = uninterrupted(night, "a.mp4")
    left = [7]

    def trouble(work: Work) -> None:
        if isinstance(work, ChunkTask | JoinTask) and left[0]:
            left[0] -= 1
            raise WriterError("full") from OSError(errno.ENOSPC, "No space left on device")

    outcome = night.run(LocalCrew(1, trouble))
    assert outcome.films[0].state == "done"
    assert night.told(Retried) == []
    assert len(night.told(Paused)) == 7
    assert frames_of(night.output("a.mp4")) == expected


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


def half_day(index: int, width: int, height: int) -> object:
    from tests.conftest import night_picture

    picture = night_picture(index, width, height)
    return picture if index < 16 else (picture // 2 + 128).astype(picture.dtype)


def test_only_the_dark_is_enhanced(night: Night) -> None:
    source = night.clip("a.mp4", times=range(48), picture=half_day)
    settings = {"only_dark": True}
    crew = LocalCrew()
    result = night.run(crew, **settings).films[0]
    assert (result.state, result.frames, result.copied_frames) == ("done", 48, 32)
    assert [task.copied for task in crew.chunks][:2] == [False, False]
    before, after = video_packets(source), video_packets(night.output("a.mp4"))
    assert after[16:] == before[16:]
    assert after[:16] != before[:16]
    frames, original = frames_of(night.output("a.mp4")), frames_of(source)
    assert [time for time, _ in frames] == [time for time, _ in original]
    assert frames[16:] == original[16:]
    assert frames[0] != original[0]


def test_where_bright_parts_cannot_be_copied_it_is_said(night: Night) -> None:
    night.clip("a.mp4", picture=half_day)
    encode = night.settings.encode.model_copy(update={"codec": "libx265"})
    result = night.run(LocalCrew(), only_dark=True, encode=encode).films[0]
    assert (result.state, result.copied_frames) == ("done", 0)
    assert "All of it was enhanced, not only the dark: libx265" in result.notes[0]


def video_packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


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


def test_what_is_told_names_every_film_once(night: Night) -> None:
    night.clip("a.mp4")
    (night.folder / "in" / "b.mp4").touch()
    outcome = night.run(LocalCrew(), overwrite=False)
    results = night.told(FilmResult)
    assert tuple(results) == outcome.films
    assert isinstance(night.settings, BatchSettings)


def test_a_pause_does_not_make_the_rest_look_longer(tmp_path: Path) -> None:
    night = Night(tmp_path)
    night.clip("a.mp4", times=range(160))
    looks = iter([GIB] * 12 + [1] * 2000)
    night.free = lambda _: next(looks, GIB)
    night.run(LocalCrew())
    kinds = [type(event) for event in night.events]
    before, after = kinds.index(Paused), kinds.index(Resumed)
    left = [
        [e.seconds_left for e in events if isinstance(e, BatchStatus) and e.seconds_left]
        for events in (night.events[:before], night.events[after:])
    ]
    assert left[1][0] < 2 * left[0][-1]
