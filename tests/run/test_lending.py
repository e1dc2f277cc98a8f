from __future__ import annotations

import sys
from fractions import Fraction

import pytest

from core.errors import SettingsError, WriterError
from core.media.live import LiveInfo
from core.run.lending import Lending
from core.run.live import LiveRun
from core.settings import LiveSettings
from tests.media.test_virtual_camera import Library, library
from tests.run.live_parts import INFO, frame

__all__ = ["library"]


def test_frames_are_shown_from_the_beginning_to_the_end(library: Library) -> None:
    lending = Lending()
    lending.put(frame(1))
    lending.begin(INFO)
    lending.begin(INFO)
    assert (library.opened, lending.name) == ((64, 48, 30.0), "/dev/video7")
    lending.put(frame(2))
    lending.close()
    lending.put(frame(3))
    assert [int(picture[0, 0, 0]) for picture in library.sent] == [2]
    assert lending.name == ""


def test_a_source_without_a_rate_is_lent_at_the_usual_one(library: Library) -> None:
    with Lending() as lending:
        lending.begin(LiveInfo("Door", 64, 48, None, "test"))
        assert library.opened == (64, 48, 30.0)


def test_a_driver_that_fails_ends_it_and_is_told(library: Library) -> None:
    lending = Lending()
    lending.begin(LiveInfo("Door", 64, 48, Fraction(25), "test"))
    library.broken = True
    lending.put(frame(1))
    assert "virtual camera failed" in lending.trouble
    assert lending.name == ""


def test_nothing_is_lent_before_there_is_a_picture() -> None:
    run = LiveRun("test:", LiveSettings())
    with pytest.raises(SettingsError, match="no picture yet"):
        run.lend()


def test_without_a_driver_it_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    with pytest.raises(WriterError, match="pip install"):
        Lending().begin(INFO)
