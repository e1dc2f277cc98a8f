"""A live run that nobody looks at: bright from its first frame on, or not begun."""

from __future__ import annotations

import signal
from collections.abc import Callable
from threading import Event

import pytest

from core.run.headless import watch
from core.run.live_status import LiveState, LiveStatus
from core.settings import EnhanceSettings, LiveSettings
from tests.run.live_parts import SETTINGS, Opener, Script, frame, opens

NOT_READ_S = 0.2
"""So long a frame that must not be read yet is waited for."""


def unheard(_: LiveStatus) -> None:
    """Nobody wants to know."""


def test_no_frame_is_read_before_the_network_is_open() -> None:
    read, opener = Event(), Opener()
    were_early: list[bool] = []

    def before(_: LiveSettings) -> None:
        were_early.append(read.wait(NOT_READ_S))

    opener.before = before
    source = Script(read.set, *(frame(number) for number in range(5)))
    watched = watch("door:", SETTINGS, unheard, open_source=opens(source), open_enhancer=opener)
    assert were_early == [False]
    assert (watched.status.state, watched.status.captured) == (LiveState.ENDED, 5)
    assert len(opener.opened) == 1


@pytest.mark.parametrize(
    ("handler", "is_noted"), [(signal.default_int_handler, True), (signal.SIG_IGN, False)]
)
def test_an_interrupt_is_noted_unless_a_shell_had_it_ignored(
    handler: Callable[..., object] | signal.Handlers, is_noted: bool
) -> None:
    def interrupt(_: LiveSettings) -> None:
        signal.raise_signal(signal.SIGINT)

    source, opener = Script(frame(1)), Opener(before=interrupt)
    known = signal.signal(signal.SIGINT, handler)
    try:
        watched = watch("door:", SETTINGS, unheard, open_source=opens(source), open_enhancer=opener)
        assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, known)
    assert watched.is_interrupted == is_noted


def test_without_a_network_nothing_begins() -> None:
    opener, settings = Opener(), LiveSettings(enhance=EnhanceSettings(model="missing"))
    source = Script(*(frame(number) for number in range(5)))
    watched = watch("door:", settings, unheard, open_source=opens(source), open_enhancer=opener)
    assert (watched.status.state, watched.status.captured) == (LiveState.FAILED, 0)
    assert "no model called missing" in str(watched.error)


def test_what_nobody_foresaw_while_it_is_opened_ends_the_run() -> None:
    opener = Opener(before=lambda _: 1 / 0)
    source = Script(*(frame(number) for number in range(5)))
    watched = watch("door:", SETTINGS, unheard, open_source=opens(source), open_enhancer=opener)
    assert watched.status.captured == 0
    assert isinstance(watched.error, ZeroDivisionError)
