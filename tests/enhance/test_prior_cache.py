"""The prior of each frame depends on the frames alone, and no frame waits for it."""

from __future__ import annotations

from concurrent.futures import Executor, ThreadPoolExecutor
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from core.enhance.prior_cache import BLEND, LAG, PriorCache
from scripts.evaluate_fast import LateExecutor
from tests.fakes import AtOnce, FakeBackend, PatientBackend, scene


def clip(count: int, cut_at: int | None = None) -> list[NDArray[np.uint8]]:
    """Frames whose first pixel tells their number, which the fake's prior reads."""
    frames = []
    for number in range(count):
        picture = scene(1 if cut_at is None or number < cut_at else 2)
        picture[0, 0] = number
        frames.append(picture)
    return frames


def priors(frames: list[NDArray[np.uint8]], every: int, executor: Executor) -> list[float]:
    cache = PriorCache(FakeBackend(), executor, every)
    return [cast("tuple[float, ...]", cache(frame))[0] for frame in frames]


@pytest.mark.parametrize(
    ("every", "count", "expected"),
    [(15, 1, 1), (15, 15, 1), (15, 16, 2), (15, 31, 3), (1, 5, 5), (2, 9, 5), (120, 60, 1)],
)
def test_the_prior_is_refreshed_every_so_many_frames(every: int, count: int, expected: int) -> None:
    backend = FakeBackend()
    cache = PriorCache(backend, AtOnce(), every)
    for frame in clip(count):
        cache(frame)
    assert (cache.refreshes, backend.asked) == (expected, expected)


def test_a_refresh_is_taken_up_after_the_lag_and_blends_in() -> None:
    found = priors(clip(30), 15, AtOnce())
    due = 15 + LAG
    assert found[:due] == [0.0] * due
    assert found[due : due + BLEND] == [15 * (step + 1) / BLEND for step in range(BLEND)]
    assert found[due + BLEND :] == [15.0] * (30 - due - BLEND)


@pytest.mark.parametrize("every", [8, 9, 15, 40])
def test_no_step_is_larger_than_its_share_of_the_change(every: int) -> None:
    steps = np.diff(priors(clip(100), every, AtOnce()))
    assert 0 < steps.max() <= every / BLEND + 1e-9
    assert steps.min() >= 0


@pytest.mark.parametrize("every", [1, 2, 3, 5])
def test_a_short_period_leaves_no_refresh_behind(every: int) -> None:
    found = priors(clip(60), every, AtOnce())
    assert max(number - prior for number, prior in enumerate(found)) <= 2 * every + LAG
    if every == 1:
        assert found == list(range(60))


def test_a_cut_refreshes_at_once_and_shares_nothing() -> None:
    frames = clip(25, cut_at=5)
    cache = PriorCache(FakeBackend(), AtOnce(), 15)
    found, counts = [], []
    for frame in frames:
        found.append(cast("tuple[float, ...]", cache(frame))[0])
        counts.append(cache.refreshes)
    assert counts[4:6] == [1, 2]
    assert found[: 5 + LAG] == [0.0] * (5 + LAG)
    assert found[5 + LAG : 20 + LAG] == [5.0] * 15
    assert counts[19:21] == [2, 3]


def test_a_cut_overtakes_a_refresh_that_is_under_way() -> None:
    found = priors(clip(22, cut_at=16), 15, AtOnce())
    assert found[: 16 + LAG] == [0.0] * (16 + LAG)
    assert found[16 + LAG :] == [16.0] * (6 - LAG)


@pytest.mark.parametrize("every", [1, 2, 3, 15])
@pytest.mark.parametrize("cut_at", [None, 1, 16])
def test_the_machine_s_speed_changes_nothing(every: int, cut_at: int | None) -> None:
    frames = clip(40, cut_at)
    fast, slow = priors(frames, every, AtOnce()), priors(frames, every, LateExecutor())
    with ThreadPoolExecutor(1) as pool:
        threaded = priors(frames, every, pool)
    assert fast == slow == threaded


def test_no_frame_waits_before_the_refresh_is_due() -> None:
    backend = PatientBackend()
    with ThreadPoolExecutor(1) as pool:
        cache = PriorCache(backend, pool, 15)
        for number, frame in enumerate(clip(40)):
            if number in (15 + LAG, 30 + LAG):
                backend.may_compute.set()  # a cache that waited sooner would never get here
            cache(frame)
    assert backend.asked == 3


def test_a_network_without_a_prior_gets_none() -> None:
    backend = FakeBackend(has_prior=False)
    cache = PriorCache(backend, AtOnce(), 2)
    assert [cache(frame) for frame in clip(9)] == [None] * 9
    assert backend.asked == 1
    assert cache.refreshes == 0
