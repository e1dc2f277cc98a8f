"""The window as a program: it starts, writes its log, and ends when it is asked to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes import PATIENCE_S

ROOT = Path(__file__).parents[3]
IDLE = """
from PyQt6.QtCore import QTimer
from app.gui import start

class Told(start.MainWindow):
    def show(self):
        super().show()
        # Behind the list of cameras: after this line nothing is left to be done.
        self.session.errands.do(lambda: None, lambda _: QTimer.singleShot(0, self.tell))

    def tell(self):
        print("ready", flush=True)

start.MainWindow = Told
raise SystemExit(start.start(None))
"""
RECORDS = """
from app.gui import start
from app.gui.recording import RecordingState
from tests.app.gui.fake_run import FakeRun

class Damaged(FakeRun):
    checked = property(lambda run: False, lambda run, checked: None)

class Recording(start.MainWindow):
    def open(self, uri):
        super().open(uri)
        saver = self.session.saver
        saver.recordingChanged.connect(self.tell)
        self.session.errands.do(lambda: None, lambda _: saver.record())

    def tell(self, state):
        if state is RecordingState.ON:
            print("ready", flush=True)

start.MainWindow, start.make_run = Recording, Damaged
raise SystemExit(start.start("test:"))
"""


def ended_by(number: signal.Signals, code: str, home: Path) -> int:
    """The exit code of a window that is sent a signal once it says that it is ready."""
    places = {name: str(home / name) for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "HOME")}
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", **places}
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            process.send_signal(number)
            return process.wait(PATIENCE_S)
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_window_in_which_nothing_happens(
    tmp_path: Path, number: signal.Signals
) -> None:
    assert ended_by(number, IDLE, tmp_path) == 0
    log = tmp_path / "XDG_DATA_HOME" / "lowlux" / "lowlux.log"
    assert "its window is open" in log.read_text()
    assert (tmp_path / "XDG_CONFIG_HOME" / "lowlux" / "window.json").is_file()


def test_a_signal_ends_a_window_that_would_stay_to_tell_of_its_recording(tmp_path: Path) -> None:
    assert ended_by(signal.SIGTERM, RECORDS, tmp_path) == 0
    log = tmp_path / "XDG_DATA_HOME" / "lowlux" / "lowlux.log"
    assert "saved, but not as it should be" in log.read_text()
