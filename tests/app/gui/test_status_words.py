"""What the window says of a run is what is run."""

from __future__ import annotations

from dataclasses import replace

from app.gui.status_words import overlay_lines, recording_words
from tests.app.gui.fake_run import RECORDING, STATUS, make_pair


def test_the_overlay_names_the_network_that_is_run() -> None:
    plan = "deepspg-lite on 384 px, every 2nd frame (int8, openvino, 1 thread)"
    lines = overlay_lines(replace(STATUS, plan=plan), make_pair())
    assert lines[-1] == "deepspg-lite on 384 px, every 2nd frame   prior 3 frames old"


def test_what_is_left_of_the_disk_is_never_no_minutes() -> None:
    said = [recording_words(replace(RECORDING, minutes_left=left)) for left in (0.2, 1.7, 90.0)]
    assert [words.rpartition("room for ")[2] for words in said] == [
        "less than a minute", "1 min", "90 min",
    ]  # fmt: skip
