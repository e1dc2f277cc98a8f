"""What is wrong is seen until it is put away; what is only worth knowing gives way to it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.gui.banner import Banner
from app.gui.status_words import about_trouble
from app.gui.theme import Theme
from core.media.live import LiveInfo
from core.run.connection import Connection
from core.run.live_status import LiveState, LiveStatus
from tests.app.gui.fake_run import STATUS

INFO = LiveInfo("Desk camera", 640, 480, Fraction(30), "opencv")


class Source:
    """A connection at a time that the test sets, and its status as a run makes it."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.connection = Connection(lambda: self.now_s)
        self.connection.connected()

    def status(self, fps: float = 30.0) -> LiveStatus:
        connection = self.connection
        trouble = connection.trouble or connection.slowness(INFO, fps)
        return replace(STATUS, state=connection.state, trouble=trouble)


@pytest.fixture
def banner(qtbot: QtBot, qapp: QApplication) -> Banner:
    banner = Banner(Theme(qapp))
    qtbot.addWidget(banner)
    return banner


def show(banner: Banner, status: LiveStatus) -> str:
    """What is seen of it; nothing where the banner is hidden."""
    banner.stand(status.trouble, about_trouble(status))
    banner.inform(status.notes)
    return seen(banner)


def seen(banner: Banner) -> str:
    return "" if banner.isHidden() else banner.text.text()


def test_a_reconnect_that_was_put_away_stays_away_until_it_happens_again(banner: Banner) -> None:
    source = Source()
    source.connection.lost("The door is silent. Check its power")
    source.connection.waiting(3.0)
    assert show(banner, source.status()).endswith("next try in 3 s")
    banner.dismiss.click()
    for source.now_s in (1.0, 2.0, 3.0):
        assert show(banner, source.status()) == ""
    source.connection.waiting(6.0)
    assert show(banner, source.status()) == ""
    source.connection.lost("The door refuses the password")
    assert "refuses" in show(banner, source.status())
    banner.dismiss.click()
    source.connection.connected()
    assert show(banner, source.status()) == ""
    source.connection.lost("The door refuses the password")
    assert "refuses" in show(banner, source.status())


def test_slowness_that_was_put_away_stays_away_at_every_pace(banner: Banner) -> None:
    source = Source()
    source.now_s = 60.0
    assert "brings 9.87" in show(banner, source.status(9.87))
    banner.dismiss.click()
    assert [show(banner, source.status(fps)) for fps in (10.0, 4.5, 12.25)] == ["", "", ""]
    assert show(banner, source.status(30.0)) == ""
    assert "brings 10" in show(banner, source.status(10.0))


def test_another_trouble_in_between_makes_the_first_seen_again(banner: Banner) -> None:
    first = replace(STATUS, trouble="The disk will be full in 9 minutes")
    second = replace(STATUS, state=LiveState.FAILED, trouble="The camera is gone")
    show(banner, first)
    banner.dismiss.click()
    assert show(banner, first) == ""
    assert show(banner, second) == "The camera is gone"
    assert show(banner, first) == first.trouble


def test_notes_are_shown_one_by_one_and_never_over_a_trouble(banner: Banner) -> None:
    notes = ("The card is full. Went on with the CPU.", "Of the seconds 3 pictures came too fast")
    status = replace(STATUS, notes=notes)
    assert show(banner, replace(status, trouble="The camera is gone")) == "The camera is gone"
    assert show(banner, status) == notes[0]
    banner.dismiss.click()
    assert seen(banner) == notes[1]
    banner.dismiss.click()
    assert seen(banner) == ""
    later = replace(STATUS, notes=(notes[0], "Of the seconds 41 pictures came too fast"))
    assert show(banner, later) == ""


def test_a_note_comes_back_after_what_was_done_was_told(banner: Banner) -> None:
    status = replace(STATUS, notes=("The card is full. Went on with the CPU.",))
    show(banner, status)
    banner.tell("done", "3 pictures saved")
    assert show(banner, status) == "3 pictures saved"
    banner.dismiss.click()
    assert seen(banner) == status.notes[0]
