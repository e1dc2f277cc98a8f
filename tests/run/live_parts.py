"""What the tests of a live run are put together from: a scripted source, a quick network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from threading import Event
from typing import Any

import av
import numpy as np

from core.closing import Closing
from core.enhance.enhancer import Enhancer
from core.enhance.ladder import Step
from core.enhance.live_plan import LivePlan
from core.enhance.plan import Machine
from core.errors import CoreError, SourceError
from core.frame import Frame
from core.media.live import LiveInfo
from core.run.live import LiveRun
from core.run.live_status import LiveState, LiveStatus, Pair
from core.settings import EnhanceSettings, LiveSettings
from tests.fakes import PATIENCE_S, FakeBackend

SETTINGS = LiveSettings()
PATTERN = "test:?size=64x64&noise=0"
INFO = LiveInfo("Door", 64, 48, Fraction(30), "test")
OVER = (LiveState.ENDED, LiveState.FAILED)
NOW_AND_THEN_S = 0.02
SECOND_NS = 1_000_000_000


def frame(number: int, *, level: int = 40, at_s: float | None = None) -> Frame:
    """A flat picture; its first code is its number."""
    pixels = np.full((48, 64, 3), level, np.uint8)
    pixels[0, 0] = number % 120
    arrived = number / 30 if at_s is None else at_s
    return Frame(pixels, number, Fraction(1, 30), 1, int(arrived * SECOND_NS))


Happening = Frame | Callable[[], object] | BaseException | None


class Script(Closing):
    """A source that plays steps: frames, what to do before the next, errors; none ends it."""

    def __init__(self, *steps: Happening, info: LiveInfo = INFO) -> None:
        self._steps: Iterator[Happening] = iter(steps)
        self.info = info

    def read(self) -> Frame | None:
        for step in self._steps:
            if isinstance(step, Frame):
                return step
            if isinstance(step, BaseException):
                raise step
            if step is None:
                return None
            step()
        return None

    def close(self) -> None:
        """Nothing is held."""


def opens(*sources: Script | SourceError) -> Callable[[str], Any]:
    """Each opening gets the next source, or the error of opening it."""
    left = iter(sources)

    def open_next(_: str) -> Script:
        source = next(left)
        if isinstance(source, SourceError):
            raise source
        return source

    return open_next


def passes(event: Event) -> Callable[[], None]:
    """A step that waits until the test lets the source go on."""

    def wait() -> None:
        assert event.wait(PATIENCE_S)

    return wait


def until(so: Callable[[], object]) -> Callable[[], None]:
    """A step: the source brings nothing more before it is so."""
    patience = Event()

    def wait() -> None:
        for _ in range(int(PATIENCE_S * 1000)):
            if so():
                return
            patience.wait(0.001)
        raise AssertionError("what the source waits for never came")

    return wait


class Quick:
    """A real enhancer over a backend that doubles every code; 0 strength leaves them."""

    def __init__(self, settings: LiveSettings, executor: Executor, backend: FakeBackend) -> None:
        self._executor, self._backend = executor, backend
        step = Step("fast", settings.enhance.model, 64, 1)
        reasons = ("because it is a test",)
        self.plan = LivePlan("cpu", "torch", "float32", 1, step, (step,), (0.001,), reasons)
        self.prior_age: int | None = 3
        self.notes: list[str] = []
        self.looks: list[float] = []
        self.closed = Event()
        self.change(settings.enhance)

    def change(self, settings: EnhanceSettings) -> None:
        self.looks.append(settings.strength)
        self._enhancer = Enhancer(self._backend, self._executor, settings)

    def __call__(self, frame: Frame) -> Frame:
        assert not self.closed.is_set(), "a network is used after it was closed"
        return self._enhancer(frame)

    def close(self) -> None:
        self.closed.set()


@dataclass
class Opener:
    """Opens quick networks and remembers them; knows no model called `missing`."""

    backend: Callable[[], FakeBackend] = FakeBackend
    before: Callable[[LiveSettings], object] = lambda _: None
    """Called on the thread that opens, before it does."""
    opened: list[Quick] = field(default_factory=list)

    def __call__(
        self, settings: LiveSettings, info: LiveInfo, machine: Machine, executor: Executor
    ) -> Quick:
        self.before(settings)
        if settings.enhance.model == "missing":
            raise CoreError("There is no model called missing; choose another")
        quick = Quick(settings, executor, self.backend())
        self.opened.append(quick)
        return quick


class Window:
    """Stands where the window would: hears of the run and takes pairs when the test wants."""

    def __init__(self) -> None:
        self._told = Event()
        self.heard = 0
        """How often."""
        self.pairs: list[Pair] = []

    def tell(self) -> None:
        self.heard += 1
        self._told.set()

    def until(self, run: LiveRun, so: Callable[[LiveStatus], object]) -> LiveStatus:
        """The first status that is as wished; looked at when the run tells, and now and then.

        A counter may rise a moment after the pair that it belongs to was told of.
        """
        for _ in range(int(PATIENCE_S / NOW_AND_THEN_S)):
            if so(status := run.status):
                return status
            self._told.wait(NOW_AND_THEN_S)
            self._told.clear()
        raise AssertionError(f"what the test waits for never came: {run.status}")

    def paint(self, run: LiveRun) -> bool:
        """Whether there was a pair to be painted."""
        pair = run.newest()
        if pair is not None:
            self.pairs.append(pair)
            run.painted(pair)
        return pair is not None

    def watch(
        self, run: LiveRun, so: Callable[[LiveStatus], object] = lambda status: status.state in OVER
    ) -> LiveStatus:
        """Paint all there is until the status is as wished, or the run is over."""

        def painted(status: LiveStatus) -> object:
            self.paint(run)
            return so(status)

        return self.until(run, painted)


def adds_up(status: LiveStatus) -> bool:
    """Nothing was lost unseen and nothing is under way."""
    return status.in_flight == 0 and status.captured == status.shown + status.dropped


def at_once(stop: Event, _seconds: float) -> bool:
    """Waits for no time at all before the next try."""
    return stop.is_set()


def scripted(
    window: Window, opener: Opener, *steps: Happening, settings: LiveSettings = SETTINGS
) -> LiveRun:
    """A run over one source that is never lost."""
    source = opens(Script(*steps))
    return LiveRun("door", settings, open_source=source, open_enhancer=opener, tell=window.tell)


def times(path: Path) -> list[Fraction]:
    with av.open(str(path)) as film:
        return [(p.pts or 0) * (p.time_base or Fraction(0)) for p in film.decode(video=0)]


def works(run: LiveRun, model: str) -> bool:
    """Whether this model is at work from the next frame on."""
    return run.status.plan.startswith(f"{model} on ")
