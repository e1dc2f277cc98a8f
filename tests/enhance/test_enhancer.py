"""One frame in, one frame out, whatever the device does."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, Future
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.enhance.enhancer import Enhancer, open_enhancer, set_up_thread
from core.enhance.plan import Plan
from core.errors import BackendError
from core.frame import Frame
from core.model import checkpoint
from core.settings import EnhanceSettings
from tests.fakes import AtOnce, FakeBackend, scene, write_tiny_model

EVERY_4 = EnhanceSettings(prior_every=4)


def frame(number: int = 0) -> Frame:
    return Frame(scene(1), number * 40 + 7, Fraction(1, 1000), 40)


def test_a_frame_keeps_its_moment() -> None:
    bright = Enhancer(FakeBackend(), AtOnce(), EVERY_4)(frame(3))
    assert (bright.pts, bright.time_base, bright.duration) == (127, Fraction(1, 1000), 40)
    assert bright.pixels.mean() > frame().pixels.mean()


def test_the_network_sees_frames_without_their_noise_and_the_finish_as_they_are() -> None:
    backend, random = FakeBackend(), np.random.default_rng(1)
    enhancer = Enhancer(backend, AtOnce(), EVERY_4)
    for number in range(12):
        noisy = np.clip(scene(1) + random.normal(0, 2, scene(1).shape), 0, 255).astype(np.uint8)
        bright = enhancer(frame(number).with_pixels(noisy))
    assert np.array_equal(bright.pixels, np.minimum(noisy.astype(int) * 2, 255))
    seen = backend.steady[-1]
    assert seen is not None
    assert np.std(seen / 257 - scene(1)) < 0.6 * np.std(noisy - scene(1).astype(float))


def test_a_device_that_fails_gives_way_to_the_processor() -> None:
    spare = FakeBackend()
    opened = []

    def fall_back() -> FakeBackend:
        opened.append(True)
        return spare

    enhancer = Enhancer(FakeBackend(fails_at=6), AtOnce(), EVERY_4, fall_back)
    bright = [enhancer(frame(number)) for number in range(12)]
    expected = np.minimum(frame().pixels.astype(int) * 2, 255)
    assert all(np.array_equal(picture.pixels, expected) for picture in bright)
    assert opened == [True]
    assert len(spare.seen) == 6
    assert len(enhancer.notes) == 1
    assert "no memory" in enhancer.notes[0]
    assert "CPU" in enhancer.notes[0]


def test_refreshes_before_and_after_the_change_add_up() -> None:
    first, spare = FakeBackend(fails_at=6), FakeBackend()
    enhancer = Enhancer(first, AtOnce(), EVERY_4, lambda: spare)
    for number in range(12):
        enhancer(frame(number))
    assert enhancer.refreshes == first.asked + spare.asked == 4


def test_without_anything_to_fall_back_on_it_fails() -> None:
    enhancer = Enhancer(FakeBackend(fails_at=1), AtOnce(), EVERY_4)
    enhancer(frame())
    with pytest.raises(BackendError, match="no memory"):
        enhancer(frame(1))


def test_a_fall_back_that_fails_too_is_not_tried_again() -> None:
    broken = FakeBackend(fails_at=0)
    enhancer = Enhancer(broken, AtOnce(), EVERY_4, lambda: FakeBackend(fails_at=0))
    for _ in range(2):
        with pytest.raises(BackendError):
            enhancer(frame())
    assert len(enhancer.notes) == 1


class _Full(Executor):
    """A device without memory for the prior."""

    def submit(self, *_: Any, **__: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_exception(BackendError("cuda has no memory for the prior."))
        return future


def test_a_prior_that_fails_counts_as_the_device_failing() -> None:
    with pytest.raises(BackendError, match="prior"):
        Enhancer(FakeBackend(), _Full(), EVERY_4)(frame())


@pytest.fixture
def torch_as_it_was() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)
    torch.set_flush_denormal(False)


@pytest.mark.usefixtures("torch_as_it_was")
def test_weights_become_an_enhancer_as_planned(tmp_path: Path) -> None:
    loaded = checkpoint.load(write_tiny_model(tmp_path / "tiny.safetensors"), "deepspg")
    enhancer = open_enhancer(loaded, Plan("cpu", "float32", 1, 1, 4), EVERY_4, AtOnce())
    assert enhancer(frame()).pixels.shape == frame().pixels.shape
    assert enhancer.notes == []


@pytest.mark.usefixtures("torch_as_it_was")
def test_a_thread_is_set_up_for_arithmetic() -> None:
    set_up_thread(1)
    assert torch.get_num_threads() == 1
    assert float(torch.tensor([1e-39]) * 1) == 0.0
