"""What the tests of the whole window are put together from: it, and runs that are quick."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from typing import TYPE_CHECKING

from PyQt6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.gui.main_window import MainWindow
from core.enhance.ladder import Step
from core.enhance.live_plan import LivePlan
from core.enhance.plan import Machine
from core.frame import Frame
from core.media.live import LiveInfo
from core.run.live import LiveRun
from core.settings import EnhanceSettings, LiveSettings
from tests.app.gui.fake_run import FakeRun

if TYPE_CHECKING:
    from app.gui.view_contract import Run

PATTERN = "test:?size=320x180&rate=60"


class Doubler:
    """Keeps the contract of a live enhancer, and is quick."""

    prior_age = 2
    notes: tuple[str, ...] = ()

    def __init__(self, settings: LiveSettings) -> None:
        step = Step("fast", settings.enhance.model, 160, 1)
        self.plan = LivePlan("cpu", "torch", "float32", 1, step, (step,), (0.001,))

    def __call__(self, frame: Frame) -> Frame:
        return frame.with_pixels(frame.pixels * 2)

    def change(self, settings: EnhanceSettings) -> None:
        """Nothing to take up."""

    def close(self) -> None:
        """Nothing to let go of."""


def open_doubler(settings: LiveSettings, _info: LiveInfo, _on: Machine, _by: Executor) -> Doubler:
    return Doubler(settings)


def make_run(uri: str, settings: LiveSettings, tell: Callable[[], None]) -> Run:
    return LiveRun(uri, settings, open_enhancer=open_doubler, tell=tell)


class FakeRuns(list[FakeRun]):
    """Makes runs without threads, and holds them."""

    def __call__(self, uri: str, settings: LiveSettings, tell: Callable[[], None]) -> FakeRun:
        self.append(FakeRun(uri, settings, tell))
        return self[-1]


Make = Callable[..., MainWindow]


def press(window: MainWindow, key: str) -> None:
    QTest.keyClick(window, key)  # type: ignore[call-overload]  # the stubs ask for a QTest


def close(qtbot: QtBot, window: MainWindow) -> None:
    if not window.session.is_closed:
        with qtbot.waitSignal(window.gone):
            window.close()
