"""How a live run fails and ends: with a sentence, and with no thread left behind."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from core.errors import CoreError
from core.run.live import LiveRun
from core.run.live_status import LiveState
from core.settings import LiveSettings
from tests.fakes import FakeBackend
from tests.run.live_parts import (
    PATTERN,
    SETTINGS,
    Happening,
    Opener,
    Window,
    adds_up,
    frame,
    scripted,
    until,
    works,
)

if TYPE_CHECKING:
    from core.enhance.backends import Queries
    from core.frame import Pixels


def test_a_network_that_fails_leaves_the_picture_as_it_comes(window: Window) -> None:
    opener = Opener(lambda: FakeBackend(fails_at=0))
    ready = until(lambda: works(run, "deepspg"))
    steps: list[Happening] = [frame(0), ready, *(frame(n) for n in range(1, 9))]
    with scripted(window, opener, *steps) as run:
        run.start()
        window.watch(run)
        status = run.status
        assert status.state is LiveState.ENDED
        assert "no memory for this frame" in status.trouble
        assert "choose another model, plan or device" in status.trouble
        assert status.plan == "off"
    assert not window.pairs[-1].is_enhanced
    assert opener.opened[0].closed.is_set()
    assert adds_up(run.status)


def test_a_mistake_in_a_thread_ends_the_run_and_says_so(
    window: Window, caplog: pytest.LogCaptureFixture
) -> None:
    opener = Opener(Careless)
    ready = until(lambda: works(run, "deepspg"))
    with scripted(window, opener, frame(0), ready, *(frame(n) for n in range(1, 99))) as run:
        run.start()
        status = window.watch(run)
    assert status.state is LiveState.FAILED
    assert status.trouble == "The run failed unexpectedly (ZeroDivisionError); please report this"
    assert isinstance(run.error, ZeroDivisionError)
    assert run.status.state is LiveState.FAILED
    assert adds_up(run.status)
    assert "A thread of the live run failed" in caplog.text


class Careless(FakeBackend):
    """Has a mistake in it."""

    def queries(self, pixels: Pixels) -> Queries | None:
        raise ZeroDivisionError("rtsp://me:hidden@door")


def test_a_mistake_while_opening_the_network_ends_the_run(
    window: Window, caplog: pytest.LogCaptureFixture
) -> None:
    opener = Opener(before=lambda _: [][0])
    with scripted(window, opener, frame(0), until(lambda: run.error)) as run:
        run.start()
        assert window.watch(run).state is LiveState.FAILED
    assert adds_up(run.status)
    assert "IndexError" in caplog.text


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("test:?size=64x64&speed=3", "The option 'speed' of the address is wrong"),
        ("rtsp://me:hidden@127.0.0.1:1/video", "refuses the connection|cannot be reached"),
        ("nowhere.mp4", "nowhere.mp4"),
    ],
)
def test_what_cannot_be_opened_fails_with_a_sentence_and_no_password(
    window: Window, opener: Opener, uri: str, says: str
) -> None:
    with LiveRun(uri, SETTINGS, open_enhancer=opener, tell=window.tell) as run:
        assert run.status.state is LiveState.OPENING
        assert "hidden" not in str(run.status)
        run.start()
        status = window.watch(run)
    assert status.state is LiveState.FAILED
    assert re.search(says, status.trouble)
    assert "hidden" not in f"{status}{run.error}"
    assert isinstance(run.error, CoreError)


def test_closing_twice_and_before_the_start_is_harmless(window: Window, opener: Opener) -> None:
    run = scripted(window, opener, frame(0))
    run.close()
    run.close()
    assert run.status.state is LiveState.ENDED
    run.change(LiveSettings(keep_seconds=5))
    assert (run.newest(), run.status.captured, opener.opened) == (None, 0, [])


def test_closing_interrupts_a_source_that_goes_on_for_ever(window: Window, opener: Opener) -> None:
    with LiveRun(f"{PATTERN}&rate=100", SETTINGS, open_enhancer=opener, tell=window.tell) as run:
        run.start()
        window.watch(run, lambda status: status.captured > 3)
    assert run.status.state is LiveState.ENDED
    assert adds_up(run.status)
