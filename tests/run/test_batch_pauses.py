"""A batch waits for room on the disk."""

from __future__ import annotations

import errno
from pathlib import Path

from core.errors import WriterError
from core.run.batch_events import BatchStatus, Paused, Resumed, Retried
from core.run.chunk_task import ChunkTask
from core.run.crew import Work
from core.run.film_tasks import JoinTask
from tests.run.batch_parts import GIB, LocalCrew, Night, frames_of, night, uninterrupted

__all__ = ["night"]


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


def test_room_that_was_allowed_and_is_too_little_is_not_tried_again_and_again(night: Night) -> None:
    night.clip("a.mp4")
    looks, tried = [0], list[Work]()

    def free(_: Path) -> int:
        looks[0] += 1
        return 10 if looks[0] < 200 else GIB

    def trouble(work: Work) -> None:
        if isinstance(work, ChunkTask) and free(work.path) < GIB:
            tried.append(work)
            raise WriterError("full") from OSError(errno.ENOSPC, "No space left on device")

    night.free = free
    assert night.run(LocalCrew(1, trouble), min_free=0).films[0].state == "done"
    assert len(tried) == 1
    kinds = [type(event) for event in night.events if isinstance(event, Paused | Resumed)]
    assert kinds == [Paused, Resumed]


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
