"""A live run of slow, fast, huge and changing pictures: all counted, none of a wrong size."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import numpy as np
import pytest

from core.clock import arrival_ns
from core.closing import Closing
from core.enhance.backends import on_openvino
from core.frame import Frame
from core.media.live import LiveInfo
from core.media.test_pattern import read_bar_code
from core.run.live import LiveRun
from core.run.live_status import LiveState, LiveStatus, Pair
from core.settings import EnhanceSettings, LiveSettings
from tests.fakes import scene, write_tiny_model
from tests.run.live_parts import Opener, Window, adds_up

if TYPE_CHECKING:
    from core.frame import Pixels

RATE = Fraction(20)


@pytest.fixture
def window() -> Window:
    return Window()


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LiveSettings:
    """A network that is quick to open and to run, behind the real `open_live_enhancer`."""
    monkeypatch.setattr(on_openvino, "is_installed", lambda: False)
    model = write_tiny_model(tmp_path / "tiny.safetensors")
    return LiveSettings(enhance=EnhanceSettings(model=str(model)), plan="fast")


@pytest.mark.parametrize(
    ("rate", "seconds", "count"), [(1, 2, 2), (120, 0.25, 30)], ids=["slow", "fast"]
)
def test_slow_and_fast_sources_are_counted_right(
    window: Window, rate: int, seconds: float, count: int
) -> None:
    uri = f"test:?size=64x64&noise=0&rate={rate}&seconds={seconds}"
    with LiveRun(uri, LiveSettings(), open_enhancer=Opener(), tell=window.tell) as run:
        run.start()
        status = window.watch(run)
    assert (status.state, status.trouble) == (LiveState.ENDED, "")
    assert (status.captured, float(status.promised_rate or 0)) == (count, rate)
    assert adds_up(run.status)
    numbers = [read_bar_code(pair.original.pixels) for pair in window.pairs]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == run.status.shown


@pytest.mark.parametrize(
    "sizes", [[(2160, 3840)], [(96, 160), (128, 96), (64, 96), (96, 160)]], ids=["huge", "changing"]
)
def test_pictures_of_any_size_come_bright_and_whole(
    window: Window, settings: LiveSettings, sizes: list[tuple[int, int]]
) -> None:
    source = Zooming(*sizes[0])
    with LiveRun("door", settings, open_source=lambda _: source, tell=window.tell) as run:
        run.start()
        for size in sizes:
            source.size = size
            window.watch(run, Bright(window, size))
        assert run.status.trouble == ""
    assert run.status.state is LiveState.ENDED
    assert adds_up(run.status)
    # One may have been on its way when the run was closed.
    assert run.status.captured in (source.given - 1, source.given)
    for pair in window.pairs:
        assert pair.enhanced.pts == pair.original.pts
        assert pair.enhanced.pixels.shape == pair.original.pixels.shape


class Zooming(Closing):
    """Dark pictures of the size that the test sets; goes on until it is closed."""

    def __init__(self, height: int, width: int) -> None:
        self.size = (height, width)
        self.info = LiveInfo("Door", width, height, None, "test")
        self.given = 0
        """How many pictures."""
        self._closed = Event()

    def read(self) -> Frame | None:
        if self._closed.wait(float(1 / RATE)):
            return None
        self.given += 1
        return Frame(_dark(*self.size), self.given, 1 / RATE, 1, arrival_ns())

    def close(self) -> None:
        self._closed.set()


@cache
def _dark(height: int, width: int) -> Pixels:
    return scene(1, height, width) // 4


class Bright:
    """Whether the newest pair is of this size and brighter than it came."""

    def __init__(self, window: Window, size: tuple[int, int]) -> None:
        self._window, self._size = window, size

    def __call__(self, status: LiveStatus) -> bool:
        newest: list[Pair] = self._window.pairs[-1:]
        return (status.height, status.width) == self._size and any(
            pair.is_enhanced
            and pair.original.pixels.shape[:2] == self._size
            and not np.array_equal(pair.enhanced.pixels, pair.original.pixels)
            for pair in newest
        )
