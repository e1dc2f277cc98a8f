"""Times a live run as a person has it: decode, enhance, paint off-screen, record, all at once."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
from PyQt6.QtCore import QEventLoop, QObject, QTimer, pyqtSignal
from PyQt6.QtWidgets import QApplication

from app.gui.video_view import VideoView
from core.enhance.enhancer import set_up_thread
from core.enhance.live_enhancer import open_live_enhancer
from core.enhance.plan import Machine
from core.errors import CoreError
from core.media.live import LiveInfo
from core.media.source import open_source
from core.run.live import LiveRun
from core.run.live_status import LiveState, LiveStatus
from core.run.record_ledger import RecordWish
from core.settings import LiveSettings

WINDOW = (1600, 900)
"""What is painted into, in pixels."""
LOOK_EVERY_MS = 100
OPEN_LIMIT_S = 60.0
FRAMES = 60
"""Kept in memory, over and over, for the network alone."""


def live(clip: Path, settings: LiveSettings, seconds: float) -> dict[str, Any]:
    """What a run of so many seconds gave, after the network was open and had settled.

    Raises:
        CoreError: the run failed.
    """
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QApplication.instance() or QApplication([])
    with TemporaryDirectory() as folder:
        stage = _Stage(clip, settings, Path(folder))
        try:
            before, after, share = stage.run(seconds)
        finally:
            stage.run_of.close()
        files = stage.run_of.recorded
    application.processEvents()
    alone = network_alone(clip, settings)
    enhanced = (after.shown - before.shown) / seconds
    return {
        "size": f"{after.width}x{after.height}",
        "source_fps": round(float(after.promised_rate or 0), 2),
        "seconds": seconds,
        "plan": after.plan,
        "captured_fps": round((after.captured - before.captured) / seconds, 2),
        "enhanced_and_painted_fps": round(enhanced, 2),
        "dropped": after.dropped - before.dropped,
        "latency_p50_ms": round(after.latency.p50_ms, 1),
        "latency_p95_ms": round(after.latency.p95_ms, 1),
        "latency_p99_ms": round(after.latency.p99_ms, 1),
        "processor_share": round(share, 2),
        "recorded": [f"{file.frames} frames, checked {file.checked}" for file in files],
        "network_alone_fps": round(alone, 2),
        "whole_over_network_alone": round(enhanced / alone, 3),
    }


def network_alone(clip: Path, settings: LiveSettings) -> float:
    """Frames a second that the enhancer makes of decoded frames, with nothing else to do."""
    with open_source(clip) as source:
        frames, info = list(islice(source, FRAMES)), source.info
    title, rate = clip.name, info.average_rate
    told = LiveInfo(title, info.width, info.height, rate, "file")
    with ThreadPoolExecutor(1, initializer=set_up_thread, initargs=(1,)) as pool:
        enhancer = open_live_enhancer(settings, told, Machine.probe(), pool)
        for frame in frames:
            enhancer(frame)
        begun, count = time.perf_counter(), 4 * FRAMES
        for frame in islice(cycle(frames), count):
            enhancer(frame)
        seconds = time.perf_counter() - begun
        enhancer.close()
    return count / seconds


class _Stage(QObject):
    """A run with a view that paints it; lives on Qt's thread."""

    _told = pyqtSignal()

    def __init__(self, clip: Path, settings: LiveSettings, folder: Path) -> None:
        super().__init__()
        self._view = VideoView()
        self._view.resize(*WINDOW)
        self._view.show()
        self._told.connect(self._take)
        self.run_of = LiveRun(f"{clip}?loop=1", settings, tell=self._told.emit)
        self._view.framePainted.connect(self.run_of.painted)
        self._wish = RecordWish({"enhanced": folder / "enhanced.mkv"})

    def run(self, seconds: float) -> tuple[LiveStatus, LiveStatus, float]:
        """Status before and after, and cores kept busy, once the network is open."""
        self.run_of.start()
        self._until(lambda: self.run_of.status.enhanced_fps > 0, OPEN_LIMIT_S)
        self.run_of.record(self._wish)
        # The plan settles, and the recorder's first key frame is behind us.
        self._wait(5.0)
        before, busy_before = self.run_of.status, _processor_s()
        begun = time.monotonic()
        self._wait(seconds)
        after, busy = self.run_of.status, _processor_s() - busy_before
        return before, after, busy / (time.monotonic() - begun)

    def _take(self) -> None:
        pair = self.run_of.newest()
        if pair is not None:
            self._view.show_pair(pair)

    def _until(self, ready: Any, limit_s: float) -> None:
        end = time.monotonic() + limit_s
        while not ready():
            status = self.run_of.status
            if status.state is LiveState.FAILED or time.monotonic() > end:
                raise CoreError(status.trouble or f"{status.title} gave no bright frame in time.")
            self._wait(LOOK_EVERY_MS / 1000)

    def _wait(self, seconds: float) -> None:
        loop = QEventLoop()
        QTimer.singleShot(round(seconds * 1000), loop.quit)
        loop.exec()


def _processor_s() -> float:
    times = psutil.Process().cpu_times()
    return float(times.user + times.system)
