"""Keeps the last seconds of the enhanced picture, encoded beside everything else."""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING

from core.closing import Closing
from core.errors import CoreError
from core.media.clip_ring import ClipRing
from core.media.live_encoder import KEY_EVERY, LiveEncoder
from core.media.recording import check_recording
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


class ClipKeeper(Closing):
    """A ring of the last seconds and the thread that fills it.

    `put` is called by one thread, everything else by any; only `save` and `close` wait.

    Args:
        seconds: the least it holds once they have passed; at most one key frame's more.
        failed: called with an error that nobody foresaw.
    """

    def __init__(self, seconds: float, failed: Callable[[BaseException], None]) -> None:
        self._failed = failed
        self._ring = ClipRing(seconds + float(KEY_EVERY), int(seconds * MOST_BYTES_A_SECOND))
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
