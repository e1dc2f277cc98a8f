"""What the session stands between: a view that shows pairs, and a run that makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from core.run.live_status import LiveStatus, Pair
    from core.run.record_ledger import RecordWish
    from core.run.recorder import Recorded
    from core.settings import LiveSettings

    Pictures = tuple[NDArray[np.uint8], NDArray[np.uint8]]
    """Original and enhanced, each RGB, (H, W, 3)."""


class PairView(Protocol):
    """What the session needs of the window. Called on the GUI's thread only."""

    def show_pair(self, pair: Pair | None) -> None:
        """Paint this pair soon, and tell `Session.painted` once it is on the screen."""

    def snapshot_pair(self) -> Pictures | None:
        """The two pictures that are shown; none before the first."""


class Run(Protocol):
    """What the session needs of a live run; `core.run.live.LiveRun` keeps it."""

    @property
    def status(self) -> LiveStatus:
        """Where it is, and its counters."""

    def start(self) -> None:
        """Begin; does not wait for the source."""

    def change(self, settings: LiveSettings) -> None:
        """Take up other settings at the next frame."""

    def pause(self) -> None:
        """Let the picture stand still; a recording goes on."""

    def resume(self) -> None:
        """Let it move again."""

    def newest(self) -> Pair | None:
        """The newest pair that was not taken yet."""

    def painted(self, pair: Pair) -> None:
        """A pair is on the screen."""

    def record(self, wish: RecordWish) -> None:
        """Record from now on; raises a CoreError."""

    def stop_recording(self) -> tuple[Recorded, ...]:
        """Finish and check the files; waits for that."""

    def save_last(self, path: Path) -> Recorded:
        """Save what the ring of the last seconds holds; raises a CoreError."""

    def lend(self) -> None:
        """Show the enhanced picture to other programs as a camera; raises a CoreError."""

    def stop_lending(self) -> None:
        """Take that camera away."""

    def close(self) -> None:
        """Join every thread; waits for that, safe to call twice."""


if TYPE_CHECKING:
    MakeRun = Callable[[str, LiveSettings, Callable[[], None]], Run]
    """From an address, settings and `tell` to a run that is not started; may take its time."""
