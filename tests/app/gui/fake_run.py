"""A live run and a view without threads and widgets, which keep the session's contracts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import numpy as np

from core.errors import CoreError
from core.frame import Frame
from core.run.live_status import Latency, LiveState, LiveStatus, Pair
from core.run.record_ledger import RecorderStatus, RecordWish
from core.run.recorder import Recorded
from core.settings import LiveSettings
from tests.fakes import PATIENCE_S, scene

if TYPE_CHECKING:
    from app.gui.view_contract import Pictures

STATUS = LiveStatus(
    state=LiveState.RUNNING,
    title="Test pattern",
    reader="test",
    width=128,
    height=72,
    promised_rate=Fraction(30),
    captured=10,
    shown=7,
    dropped=2,
    in_flight=1,
    captured_fps=29.96,
    enhanced_fps=25.04,
    latency=Latency(41.6, 60.2, 71.0),
    reconnects=0,
    plan="deepspg on cpu, openvino, 320 px",
    reasons=("cpu: no CUDA GPU found",),
    trouble="",
    notes=(),
    recording=None,
    kept_seconds=12.0,
    lent_as="",
)
RECORDING = RecorderStatus(
    recording=True, frames_in=60, written=60, dropped=0, bytes=3 * 2**20, seconds=2.0,
    minutes_left=90.0, reason="",
)  # fmt: skip


def make_pair(number: int = 0) -> Pair:
    original, enhanced = (
        Frame(pixels, number, Fraction(1, 30), captured_ns=number)
        for pixels in (scene(1), scene(2))
    )
    return Pair(original, enhanced, is_enhanced=True, prior_age=3)


class FakeRun:
    """Brings the pairs it is given; everything that is done to it is written down."""

    def __init__(self, uri: str, settings: LiveSettings, tell: Callable[[], None]) -> None:
        self.uri, self.settings, self.tell = uri, settings, tell
        self.is_paused = False
        self.status = replace(STATUS, state=LiveState.OPENING)
        self.deeds: list[str] = []
        self.painted_pairs: list[Pair] = []
        self.wish: RecordWish | None = None
        self.refuses: CoreError | None = None
        self.checked, self.note = True, ""
        self.may_finish = Event()
        self.may_finish.set()
        self._newest: Pair | None = None

    @property
    def status(self) -> LiveStatus:
        """As it is set; it is told to be paused only while pictures come."""
        is_still = self.is_paused and self._status.state is LiveState.RUNNING
        return replace(self._status, state=LiveState.PAUSED) if is_still else self._status

    @status.setter
    def status(self, status: LiveStatus) -> None:
        self._status = status

    def bring(self, pair: Pair) -> None:
        """A pair is there, as if a thread had made it."""
        self._newest = pair
        self.tell()

    def start(self) -> None:
        self.deeds.append("start")
        self.status = STATUS

    def change(self, settings: LiveSettings) -> None:
        self.settings = settings

    def pause(self) -> None:
        self.is_paused = True

    def resume(self) -> None:
        self.is_paused = False

    def newest(self) -> Pair | None:
        pair, self._newest = self._newest, None
        return pair

    def painted(self, pair: Pair) -> None:
        self.painted_pairs.append(pair)

    def record(self, wish: RecordWish) -> None:
        if self.refuses is not None:
            raise self.refuses
        self.wish = wish
        self.deeds.append("record")
        self._status = replace(self._status, recording=RECORDING)

    def stop_recording(self) -> tuple[Recorded, ...]:
        assert self.may_finish.wait(PATIENCE_S)
        self.deeds.append("stop recording")
        self._status = replace(self._status, recording=None)
        wish, self.wish = self.wish, None
        paths = {} if wish is None else wish.paths
        return tuple(
            Recorded(path, track, 60, 2.0, (), self.checked, self.note)
            for track, path in paths.items()
        )

    def save_last(self, path: Path) -> Recorded:
        if self.refuses is not None:
            raise self.refuses
        return Recorded(path, "enhanced", 360, 12.0, (), checked=True, note="")

    def lend(self) -> None:
        if self.refuses is not None:
            raise self.refuses
        self._status = replace(self._status, lent_as="/dev/video7")

    def stop_lending(self) -> None:
        self._status = replace(self._status, lent_as="")

    def close(self) -> None:
        self.deeds.append("close")


class FakeView:
    """Remembers what it was to show."""

    def __init__(self) -> None:
        self.shown: list[Pair | None] = []

    def show_pair(self, pair: Pair | None) -> None:
        self.shown.append(pair)

    def snapshot_pair(self) -> Pictures | None:
        pair = self.shown[-1] if self.shown else None
        if pair is None:
            return None
        return pair.original.pixels.astype(np.uint8), pair.enhanced.pixels.astype(np.uint8)
