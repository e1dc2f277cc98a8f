"""What the tests of the session are put together from: it, and what it stands between."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pytestqt.qtbot import QtBot

from app.gui.notices import Notice
from app.gui.preferences import RecordChoice
from app.gui.recording import RecordingState
from app.gui.session import Session
from core.settings import LiveSettings
from tests.app.gui.fake_run import FakeRun, FakeView

SETTINGS = LiveSettings(keep_seconds=30.0)


class Scene:
    """A session, what it stands between, and what it told."""

    def __init__(self, qtbot: QtBot, folder: Path) -> None:
        self.qtbot, self.view = qtbot, FakeView()
        self.runs: list[FakeRun] = []
        self.refuses: Exception | None = None
        self.notices: list[Notice] = []
        self.titles: list[str] = []
        self.closed: list[bool] = []
        self.choice = RecordChoice(folder=folder / "films", tracks=("original", "enhanced"))
        self.session = Session(self.view, SETTINGS, self._make)
        self.session.saver.choice = self.choice
        self.session.noticed.connect(self.notices.append)
        self.session.sourceChanged.connect(self.titles.append)
        self.session.closed.connect(self.closed.append)

    def _make(self, uri: str, settings: LiveSettings, tell: Callable[[], None]) -> FakeRun:
        if self.refuses is not None:
            raise self.refuses
        self.runs.append(FakeRun(uri, settings, tell))
        return self.runs[-1]

    def wait(self, until: Callable[[], object]) -> None:
        self.qtbot.waitUntil(lambda: bool(until()))

    def open(self, uri: str = "test:") -> FakeRun:
        count = len(self.runs)
        self.session.open(uri)
        self.wait(lambda: len(self.runs) > count and self.session.state is not None)
        return self.runs[-1]

    def record(self) -> FakeRun:
        run = self.open()
        self.session.saver.record()
        self.wait(lambda: self.session.saver.recording is RecordingState.ON)
        return run
