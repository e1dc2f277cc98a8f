"""Every frame at its own moment, whatever the network's pace."""

from __future__ import annotations

from concurrent.futures import Executor, ThreadPoolExecutor
from fractions import Fraction
from threading import Event
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from core.enhance.fast import FastEnhancer
from core.errors import BackendError
from core.frame import Frame
from core.settings import EnhanceSettings
from scripts.evaluate_fast import LateExecutor
from tests.enhance.test_on_torch import backend_with_prior
from tests.fakes import PATIENCE_S, AtOnce, FakeBackend, scene

if TYPE_CHECKING:
    from core.enhance.backends import Queries
    from core.enhance.finish import Look
    from core.frame import Pixels

SETTINGS = EnhanceSettings(prior_every=4)
HEIGHT, WIDTH = 180, 320


def frame(number: int = 0, seed: int = 1) -> Frame:
    dim = scene(seed, HEIGHT, WIDTH) // np.uint8(4) + np.uint8(6)
    return Frame(dim, number * 40 + 7, Fraction(1, 1000), 40)


def fast(
    backend: FakeBackend | None = None,
    executor: Executor | None = None,
    settings: EnhanceSettings = SETTINGS,
    side: int = 96,
    cadence: int = 2,
) -> FastEnhancer:
    return FastEnhancer(
        backend or FakeBackend(has_prior=False), executor or AtOnce(), settings, side, cadence
    )


def error(bright: Frame, dark: Frame, factor: float = 2) -> float:
    """Mean distance from the frame made so much brighter, in levels of the frame's depth."""
    return float(np.abs(bright.pixels - factor * dark.pixels.astype(float)).mean())


def test_a_frame_keeps_its_moment_size_and_depth() -> None:
    bright = fast()(frame(3))
    assert (bright.pts, bright.time_base, bright.duration) == (127, Fraction(1, 1000), 40)
    assert bright.pixels.shape == (HEIGHT, WIDTH, 3)
    assert bright.pixels.dtype == np.uint8


@pytest.mark.parametrize("executor", [AtOnce(), LateExecutor()])
def test_what_the_network_does_is_done_to_every_frame(executor: Executor) -> None:
    enhancer = fast(executor=executor)
    for number in range(5):
        dark = frame(number)
        assert error(enhancer(dark), dark) < 2.5


def test_sixteen_bits_stay_sixteen() -> None:
    dark = frame().with_pixels(frame().pixels.astype(np.uint16) * np.uint16(257))
    bright = fast()(dark)
    assert bright.pixels.dtype == np.uint16
    assert error(bright, dark) < 2.5 * 257


def test_the_network_sees_one_in_so_many_frames_made_small() -> None:
    backend = FakeBackend(has_prior=False)
    enhancer = fast(backend, cadence=3)
    for number in range(7):
        enhancer(frame(number))
    seen = [steady.shape for steady in backend.steady if steady is not None]
    assert seen == [(54, 96, 3)] * 3


def test_a_pace_is_taken_up_at_the_next_frame() -> None:
    backend = FakeBackend(has_prior=False)
    enhancer = fast(backend, cadence=1)
    enhancer(frame())
    enhancer.set_pace(160, 2)
    for number in range(1, 5):
        enhancer(frame(number))
    seen = [steady.shape[1] for steady in backend.steady if steady is not None]
    assert seen == [96, 160, 160]


def test_a_pace_may_change_while_one_prior_gives_way_to_another() -> None:
    settings = EnhanceSettings(prior_every=2)
    enhancer = FastEnhancer(backend_with_prior(), AtOnce(), settings, 160, 1)
    for number, side in enumerate((160, 160, 160, 96, 96, 128, 128)):
        enhancer.set_pace(side, 1)
        assert enhancer(frame(number)).pixels.shape == (HEIGHT, WIDTH, 3)


def test_another_strength_is_seen_at_the_next_frame_and_nothing_is_forgotten() -> None:
    backend = StrengthBackend()
    enhancer = fast(backend, cadence=4)
    dark = [frame(number) for number in range(4)]
    assert error(enhancer(dark[0]), dark[0]) < 2.5
    enhancer.change(SETTINGS.model_copy(update={"strength": 0.5}))
    assert error(enhancer(dark[1]), dark[1], 1.5) < 2.5
    assert len(backend.seen) == 2
    enhancer.change(SETTINGS.model_copy(update={"strength": 0.0}))
    assert enhancer(dark[2]) is dark[2]


class StrengthBackend(FakeBackend):
    """Goes from the frame to twice its codes."""

    def __init__(self) -> None:
        super().__init__(has_prior=False)

    def enhance(
        self, pixels: Pixels, queries: Queries | None, look: Look, steady: Pixels | None = None
    ) -> Pixels:
        bright = super().enhance(pixels, queries, look, steady)
        mixed = pixels + look.strength * (bright.astype(np.float64) - pixels)
        return cast("Pixels", mixed.astype(pixels.dtype))


def test_strength_zero_gives_the_frame_back() -> None:
    backend = FakeBackend()
    dark = frame()
    assert fast(backend, settings=EnhanceSettings(strength=0))(dark) is dark
    assert backend.seen == []


class _Slow(FakeBackend):
    """Enhances the first picture at once, and the next when it may."""

    def __init__(self) -> None:
        super().__init__(has_prior=False)
        self.may_go_on = Event()

    def enhance(
        self, pixels: Pixels, queries: Queries | None, look: Look, steady: Pixels | None = None
    ) -> Pixels:
        if self.seen:
            assert self.may_go_on.wait(PATIENCE_S), "a frame waited for the network"
        return super().enhance(pixels, queries, look, steady)


def test_frames_go_on_while_the_network_thinks() -> None:
    backend = _Slow()
    with ThreadPoolExecutor(1) as pool:
        enhancer = fast(backend, pool, cadence=3)
        bright = [enhancer(frame(number)) for number in range(6)]
        assert len(backend.seen) == 1, "the second picture is under way"
        assert error(bright[-1], frame(5)) < 2.5
        backend.may_go_on.set()
        enhancer(frame(6))
        assert len(backend.seen) >= 2, "asked for again, the network was waited for"


def test_a_cut_begins_anew_and_waits() -> None:
    backend = FakeBackend(has_prior=False)
    enhancer = fast(backend, LateExecutor(), cadence=8)
    for number in range(3):
        enhancer(frame(number))
    other = frame(3, seed=2)
    assert error(enhancer(other), other) < 2.5
    assert len(backend.seen) == 2


def test_no_frame_waits_for_the_network_to_see_a_whole_one() -> None:
    backend = _Slow()
    with ThreadPoolExecutor(1) as pool:
        enhancer = fast(backend, pool, side=0, cadence=2)
        dark = [frame(number) for number in range(5)] + [frame(5, seed=2)]
        bright = [enhancer(each) for each in dark]
        assert len(backend.steady) == 1, "the first whole one is under way"
        assert error(bright[4], dark[4]) < 2.5
        backend.may_go_on.set()
        pool.submit(int).result()
        enhancer(frame(6, seed=2))
        pool.submit(int).result()
        after = frame(7, seed=2)
        assert error(enhancer(after), after) < 2.5, "what was before the cut is forgotten"
        assert [small is None for small in backend.steady] == [False, True, True]


def test_the_look_of_a_frame_is_an_average_over_time() -> None:
    class Flickering(FakeBackend):
        def enhance(
            self, pixels: Pixels, queries: Queries | None, look: Look, steady: Pixels | None = None
        ) -> Pixels:
            doubled = super().enhance(pixels, queries, look, steady)
            return doubled if len(self.seen) % 2 else pixels

    enhancer = fast(Flickering(has_prior=False), cadence=1)
    means = [enhancer(frame(number)).pixels.mean() for number in range(80)]
    assert np.abs(np.diff(means[60:])).max() < 0.15 * frame().pixels.mean()
    assert np.mean(means[60:]) == pytest.approx(1.5 * frame().pixels.mean(), rel=0.06)


def test_the_prior_has_an_age_where_there_is_one() -> None:
    enhancer, without = fast(FakeBackend(), cadence=2), fast()
    ages = []
    for number in range(6):
        enhancer(frame(number))
        without(frame(number))
        ages.append(enhancer.prior_age)
    assert ages == [0, 1, 2, 3, 0, 1]
    assert without.prior_age is None


def test_noise_stands_still() -> None:
    def noisy(number: int) -> Frame:
        noise = np.random.default_rng(number).normal(0, 2, (HEIGHT, WIDTH, 3))
        codes: NDArray[np.uint8] = np.clip(frame().pixels + noise, 0, 255).astype(np.uint8)
        return frame(number).with_pixels(codes)

    enhancer = fast()
    bright = np.stack([enhancer(noisy(number)).pixels for number in range(16)])
    assert bright[8:].std(0).mean() < 0.3 * (2 * 2)


def test_another_size_begins_anew_and_is_noted() -> None:
    enhancer = fast()
    enhancer(frame())
    small = frame(1).with_pixels(frame().pixels[:90])
    assert enhancer(small).pixels.shape == (90, WIDTH, 3)
    assert len(enhancer.notes) == 1
    assert "320x90" in enhancer.notes[0]


def test_a_device_that_fails_is_told_and_may_be_tried_again() -> None:
    enhancer = fast(FakeBackend(has_prior=False, fails_at=0))
    for _ in range(2):
        with pytest.raises(BackendError, match="memory"):
            enhancer(frame())


def test_the_networks_time_is_told() -> None:
    enhancer = fast()
    enhancer(frame())
    assert enhancer.network_seconds > 0
