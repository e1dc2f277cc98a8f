"""A picture that changes its size waits for no network; one that was refused is tried again."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from fractions import Fraction
from threading import Event

import numpy as np
import pytest

from core.enhance.plan import Machine
from core.errors import CoreError, SourceLostError
from core.frame import Frame
from core.media.live import LiveInfo
from core.run.enhancing import Enhancing
from core.run.live import LiveRun
from core.run.live_status import LiveStatus
from core.settings import EnhanceSettings, LiveSettings
from tests.fakes import PATIENCE_S
from tests.run.live_parts import (
    INFO,
    SETTINGS,
    Happening,
    Opener,
    Quick,
    Script,
    Window,
    adds_up,
    at_once,
    opens,
    passes,
    scripted,
    until,
    works,
)

WIDE, TALL = (64, 48), (48, 64)
"""Width and height."""
OTHER = LiveSettings(enhance=EnhanceSettings(model="other"))


def frame(number: int, size: tuple[int, int] = WIDE) -> Frame:
    pixels = np.full((size[1], size[0], 3), 40, np.uint8)
    return Frame(pixels, number, Fraction(1, 30), 1, number * 33_000_000)


@dataclass
class SizedOpener(Opener):
    """Remembers what for; opens nothing that is held, and refuses what is broken."""

    wished: list[tuple[str, tuple[int, int]]] = field(default_factory=list)
    """Model and size, in turn."""
    held: dict[tuple[int, int], Event] = field(default_factory=dict)
    """Opened when the event is set."""
    broken: set[object] = field(default_factory=set)
    """Models and sizes."""

    def __call__(
        self, settings: LiveSettings, info: LiveInfo, machine: Machine, executor: Executor
    ) -> Quick:
        model, size = settings.enhance.model, (info.width, info.height)
        self.wished.append((model, size))
        if size in self.held:
            passes(self.held[size])()
        if {model, size} & self.broken:
            raise CoreError(f"The model {model} is damaged; copy it again.")
        return super().__call__(settings, info, machine, executor)


def test_pictures_of_another_size_come_while_their_network_is_opened(window: Window) -> None:
    may_open, is_seen = Event(), Event()
    opener = SizedOpener(held={TALL: may_open})
    steps: list[Happening] = [
        frame(0), until(lambda: works(run, "deepspg")), frame(1), passes(is_seen), frame(2, TALL),
        until(lambda: works(run, "deepspg")), frame(3, TALL),
    ]  # fmt: skip
    with scripted(window, opener, *steps) as run:
        run.start()
        window.until(run, lambda _: window.paint(run) and window.pairs[-1].is_enhanced)
        is_seen.set()
        window.watch(run, lambda _: window.pairs[-1].original.pixels.shape == (64, 48, 3))
        tall = window.pairs[-1]
        assert tall.enhanced is tall.original
        assert not tall.is_enhanced
        assert run.status.plan == "opening deepspg"
        may_open.set()
        window.watch(run)
    assert window.pairs[-1].is_enhanced
    assert window.pairs[-1].enhanced.pixels.shape == (64, 48, 3)
    assert opener.wished == [("deepspg", WIDE), ("deepspg", TALL)]
    assert [network.closed.is_set() for network in opener.opened] == [True, True]
    assert (run.status.trouble, adds_up(run.status)) == ("", True)


def test_another_model_is_opened_for_the_size_that_the_picture_has_now(window: Window) -> None:
    opener, changed = SizedOpener(), Event()
    steps: list[Happening] = [
        frame(0), until(lambda: works(run, "deepspg")), frame(1, TALL), passes(changed),
        until(lambda: works(run, "other")), frame(2, TALL),
    ]  # fmt: skip
    with scripted(window, opener, *steps) as run:
        run.start()
        window.watch(run, lambda _: len(opener.opened) == 2)
        run.change(OTHER)
        changed.set()
        window.watch(run)
    assert window.pairs[-1].is_enhanced
    assert opener.wished == [("deepspg", WIDE), ("deepspg", TALL), ("other", TALL)]


def test_a_source_that_comes_back_as_it_went_needs_no_other_network(window: Window) -> None:
    opener = SizedOpener()
    ready = until(lambda: works(run, "deepspg"))
    lost = SourceLostError("The door is shut")
    before = Script(frame(0), ready, frame(1, TALL), ready, lost)
    tall = replace(INFO, width=TALL[0], height=TALL[1])
    after = Script(frame(2, TALL), frame(3, TALL), info=tall)
    source = opens(before, after)
    with LiveRun(
        *("door", SETTINGS), open_source=source, open_enhancer=opener, tell=window.tell,
        wait=at_once,
    ) as run:  # fmt: skip
        run.start()
        status = window.watch(run)
    assert status.reconnects == 1
    assert window.pairs[-1].is_enhanced
    assert opener.wished == [("deepspg", WIDE), ("deepspg", TALL)]


def test_a_size_that_no_network_can_be_opened_for_is_shown_as_it_comes(window: Window) -> None:
    opener, is_seen = SizedOpener(broken={TALL}), Event()
    steps: list[Happening] = [
        frame(0), until(lambda: works(run, "deepspg")), frame(1, TALL),
        until(lambda: run.status.trouble), frame(2, TALL), passes(is_seen), frame(3),
    ]  # fmt: skip
    with scripted(window, opener, *steps) as run:
        run.start()
        status = window.watch(run, lambda status: status.trouble)
        assert status.trouble.endswith("copy it again. Nothing is enhanced")
        assert status.plan == "off"
        is_seen.set()
        window.watch(run)
    assert window.pairs[-1].is_enhanced, "the network for the first size is still there"


class Bench:
    """`Enhancing` without a run around it."""

    def __init__(self, opener: Opener) -> None:
        self._told = Event()
        self.failures: list[BaseException] = []
        self.enhancing = Enhancing(opener, self._told.set, self.failures.append)

    def order(self, size: tuple[int, int]) -> None:
        """A network for a size; waits until it is there."""
        self._told.clear()
        self.enhancing.order(SETTINGS, replace(INFO, width=size[0], height=size[1]))
        assert self._told.wait(PATIENCE_S)


def test_frames_that_still_wait_are_made_bright_by_the_network_for_their_size() -> None:
    opener = SizedOpener()
    bench = Bench(opener)
    with bench.enhancing as enhancing:
        enhancing.start()
        bench.order(WIDE)
        assert enhancing(frame(0), SETTINGS.enhance) is not None
        bench.order(TALL)
        assert enhancing(frame(1), SETTINGS.enhance) is not None
        wide, _ = opener.opened
        assert not wide.closed.is_set()
        assert enhancing(frame(2, TALL), SETTINGS.enhance) is not None
        assert wide.closed.is_set()
        assert enhancing(frame(3), SETTINGS.enhance) is None
        assert opener.wished == [("deepspg", WIDE), ("deepspg", TALL)]
    assert bench.failures == []


def test_a_model_that_was_repaired_may_be_chosen_again(window: Window) -> None:
    opener, go_on = SizedOpener(broken={"other"}), Event()
    steps: list[Happening] = [
        frame(0), until(lambda: works(run, "deepspg")), frame(1), passes(go_on),
        until(lambda: works(run, "other")), frame(2),
    ]  # fmt: skip
    with scripted(window, opener, *steps) as run:
        run.start()
        window.watch(run, lambda _: window.pairs and window.pairs[-1].is_enhanced)
        run.change(OTHER)
        status = window.until(run, lambda status: status.trouble)
        assert status.trouble.endswith("copy it again. The network before it stays at work")
        opener.broken.clear()
        run.change(OTHER)
        go_on.set()
        window.watch(run)
    assert [model for model, _ in opener.wished] == ["deepspg", "other", "other"]
    assert (run.status.trouble, adds_up(run.status)) == ("", True)


@pytest.mark.parametrize("is_repaired", [True, False])
def test_a_source_that_comes_back_has_a_refused_model_tried_again(
    window: Window, *, is_repaired: bool
) -> None:
    opener = SizedOpener(broken={"deepspg"})

    def repair() -> None:
        if is_repaired:
            opener.broken.clear()

    def is_settled() -> bool:
        return len(opener.wished) == 2 and (works(run, "deepspg") if is_repaired else is_off())

    def is_off() -> bool:
        status: LiveStatus = run.status
        return status.plan == "off" and bool(status.trouble)

    lost = SourceLostError("The door is shut")
    before = Script(frame(0), until(is_off), repair, lost)
    after = Script(frame(1), until(is_settled), frame(2))
    source = opens(before, after)
    with LiveRun(
        *("door", SETTINGS), open_source=source, open_enhancer=opener, tell=window.tell,
        wait=at_once,
    ) as run:  # fmt: skip
        run.start()
        window.watch(run)
    assert [pair.is_enhanced for pair in window.pairs][-1] == is_repaired
    assert len(opener.wished) == 2
