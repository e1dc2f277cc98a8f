"""The soak fails where a frame was lost, at any moment and in the end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.run.live import LiveRun
from core.settings import LiveSettings
from scripts.soak import Soak, check_counts

STATUS = LiveRun("test:", LiveSettings()).status


@pytest.mark.parametrize("in_flight", [0, 2])
def test_a_sum_that_is_wrong_fails(in_flight: int) -> None:
    wrong = replace(STATUS, captured=5, shown=3, dropped=1, in_flight=in_flight)
    with pytest.raises(SystemExit, match="do not add up"):
        Soak(60.0).look(wrong)


def test_frames_may_be_on_the_way_until_the_end() -> None:
    status = replace(STATUS, captured=5, shown=3, dropped=1, in_flight=1)
    Soak(60.0).look(status)
    with pytest.raises(SystemExit, match="after the end"):
        check_counts(status, is_over=True)
    check_counts(replace(status, shown=4, in_flight=0), is_over=True)
