"""Keeps the last seconds of the enhanced picture, encoded beside everything else."""

from __future__ import annotations

from threading import Lock, Thread
from typing import TYPE_CHECKING

from core.closing import Closing
from core.errors import CoreError, WriterError
from core.media.clip_ring import ClipRing
from core.media.live_encoder import KEY_EVERY, LiveEncoder
from core.media.recording_check import check_recording
from core.run.newest import Newest
from core.run.recorder import Recorded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from core.frame import Frame

FRAMES_AHEAD = 8
"""Frames that may wait to be encoded; a 720p frame is 2.8 MB."""
MOST_BYTES_A_SECOND = 4_000_000
"""Of the ring: twice what a noisy 1080p film takes."""


class SecondsRing(ClipRing):
    """A ring that holds no less than this once it has passed, from sources of 1 fps and more.

    What leaves it begins with one key frame and ends before the next, which a slow source brings up
    to a second late.

    Args:
        seconds: the least it holds.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(*_limits(seconds))

    def hold(self, seconds: float) -> None:
        """Hold so much from now on; what is too old for it leaves with the next picture."""
        self.resize(*_limits(seconds))


def _limits(seconds: float) -> tuple[float, int]:
    """The most seconds and bytes of a ring that holds at least so many seconds."""
    return seconds + 2 * float(KEY_EVERY), int(seconds * MOST_BYTES_A_SECOND)


class LastSeconds(Closing):
    """As many of the last seconds as are wished for at the time; called from any thread.

    Args:
        failed: called with an error that nobody foresaw.
    """

    def __init__(self, failed: Callable[[BaseException], None]) -> None:
        self._failed, self._lock = failed, Lock()
        self._keeper: ClipKeeper | None = None
        self._is_closed = False

    def keep(self, seconds: float) -> None:
        """Keep so many seconds from now on, of what is held as well; 0 forgets it all.

        A keeper that has failed is begun anew.
        """
        with self._lock:
            if seconds > 0 and self._keeper is not None and not self._keeper.trouble:
                self._keeper.keep(seconds)
                return
            old, self._keeper = self._keeper, None
            if old is not None:
                old.close()
            if seconds > 0 and not self._is_closed:
                self._keeper = ClipKeeper(seconds, self._failed)

    def put(self, frame: Frame) -> None:
        """Hand in a frame; never waits."""
        keeper = self._keeper
        if keeper is not None:
            keeper.put(frame)

    def save(self, path: Path) -> Recorded:
        """Write what is held and look whether it plays; keeping goes on meanwhile.

        Raises:
            SettingsError: the suffix is of a container that cannot be recorded into.
            WriterError: nothing is kept, or the file cannot be written.
        """
        keeper = self._keeper
        if keeper is None:
            raise WriterError(
                f"{path} would be empty: no seconds are kept; choose how many before they pass"
            )
        return keeper.save(path)

    @property
    def seconds(self) -> float:
        """How much is held."""
        keeper = self._keeper
        return 0.0 if keeper is None else keeper.seconds

    @property
    def trouble(self) -> str:
        """Why nothing more is kept; empty where all is well."""
        keeper = self._keeper
        return "" if keeper is None else keeper.trouble

    @property
    def notes(self) -> tuple[str, ...]:
        """What is missing in what is held."""
        keeper = self._keeper
        if keeper is None or not keeper.dropped:
            return ()
        return (f"Of the last seconds {keeper.dropped} pictures came too fast to be kept",)

    def close(self) -> None:
        """Keep no more; safe to call twice."""
        self._is_closed = True
        self.keep(0)


class ClipKeeper(Closing):
    """A ring of the last seconds and the thread that fills it.

    `put` is called by one thread, everything else by any; only `save` and `close` wait.

    Args:
        seconds: the least it holds once they have passed; at most two key frames' more.
        failed: called with an error that nobody foresaw.
    """

    def __init__(self, seconds: float, failed: Callable[[BaseException], None]) -> None:
        self._failed = failed
        self._ring = SecondsRing(seconds)
        self._queue = Newest["Frame"](FRAMES_AHEAD)
        self._thread = Thread(target=self._run, name="lowlux-keeper", daemon=True)
        self._encoder: LiveEncoder | None = None
        self._shape: tuple[int, ...] = ()
        self.dropped = 0
        """Frames that came faster than they could be encoded."""
        self.trouble = ""
        """Why nothing more is kept; empty where all is well."""
        self._thread.start()

    @property
    def seconds(self) -> float:
        """How much is held."""
        return self._ring.seconds

    @property
    def frames(self) -> int:
        """How many pictures that is."""
        return self._ring.frames

    def keep(self, seconds: float) -> None:
        """Hold no less than this from now on; nothing that it still wants is forgotten."""
        self._ring.hold(seconds)

    def put(self, frame: Frame) -> None:
        """Hand in a frame; never waits."""
        self.dropped += self._queue.put(frame)

    def save(self, path: Path) -> Recorded:
        """Write what is held and look whether it plays; keeping goes on meanwhile.

        Raises:
            SettingsError: the suffix is of a container that cannot be recorded into.
            WriterError: there is nothing to save yet, or the file cannot be written.
        """
        frames = self._ring.save(path)
        found = check_recording(path)
        checked = found.frames == frames
        note = "" if checked else f"{path} holds {found.frames} of {frames} pictures"
        return Recorded(path, "enhanced", frames, found.seconds, (), checked, note)

    def close(self) -> None:
        """Forgets everything; waits for the frame that is being encoded."""
        self._queue.discard()
        self._thread.join()

    def _run(self) -> None:
        try:
            for frame in self._queue:
                self._encode(frame)
        except CoreError as error:
            self.trouble = f"The last seconds are no longer kept. {error}"
        except BaseException as error:
            self._failed(error)
        finally:
            self._queue.discard()

    def _encode(self, frame: Frame) -> None:
        if self._encoder is None or frame.pixels.shape != self._shape:
            height, width = frame.pixels.shape[:2]
            self._encoder = LiveEncoder(width, height, frame.time_base)
            self._shape = frame.pixels.shape
        for packet in self._encoder.encode(frame):
            self._ring.push(packet)
