"""The window as a program: it starts, writes its log, and closes when it is asked to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Event

from tests.fakes import PATIENCE_S

ROOT = Path(__file__).parents[3]
CODE = "from app.gui.start import start; raise SystemExit(start(None))"


def test_it_starts_and_ends_when_told(tmp_path: Path) -> None:
    places = {"XDG_CONFIG_HOME": str(tmp_path / "c"), "XDG_DATA_HOME": str(tmp_path / "d")}
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", **places}
    log = tmp_path / "d" / "lowlux" / "lowlux.log"
    with subprocess.Popen([sys.executable, "-c", CODE], cwd=ROOT, env=environment) as process:
        patience = Event()
        for _ in range(int(PATIENCE_S / 0.02)):
            if process.poll() is not None or (log.exists() and "open" in log.read_text()):
                break
            patience.wait(0.02)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    assert "its window is open" in log.read_text()
    assert (tmp_path / "c" / "lowlux" / "window.json").is_file()
