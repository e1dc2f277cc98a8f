"""A video file as a live source: played at its own pace, once or for ever."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from core.clock import arrival_ns
from core.closing import Closing
from core.media.live import READ_LIMIT_S, LiveInfo
from core.media.sound import FileSound
from core.media.source import open_source

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from fractions import Fraction
    from pathlib import Path

    from core.frame import Frame

LONGEST_WAIT_S = READ_LIMIT_S / 2
"""A gap in a file is cut to this, so that nobody takes the source for dead; and a reader further
behind than this (a machine that slept) goes on from where it is, without a burst of frames."""


class Pace:
    """Holds every frame back until its moment.

    Moments are counted from the first frame, not from the one before, so delay never adds up.
    """

    def __init__(
        self,
        clock: Callable[[], int] = arrival_ns,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock, self._wait = clock, wait
        self._start_ns: int | None = None

    def __call__(self, seconds: Fraction) -> int:
        """Wait for a moment of the media; get the time on the clock then, in nanoseconds.

        Args:
            seconds: since any one moment of the media; rising from call to call.
        """
        media_ns, now = round(seconds * 10**9), self._clock()
        if self._start_ns is None:
            self._start_ns = now - media_ns
        early_ns = self._start_ns + media_ns - now
        limit_ns = int(LONGEST_WAIT_S * 10**9)
        if abs(early_ns) > limit_ns:
            early_ns = limit_ns if early_ns > 0 else 0
            self._start_ns = now + early_ns - media_ns
        if early_ns > 0:
            self._wait(early_ns / 10**9)
        return self._clock()


class LiveFile(Closing):
    """The frames of a file, each at its time. Passive: starts no thread; one per thread.

    Times go on rising from one round to the next.

    Args:
        path: a video file.
        loop: begin again at its end.
        clock: see `arrival_ns`.
        wait: lets so many seconds pass.

    Raises:
        SourceOpenError: there is no video in the file that can be read.
    """

    def __init__(
        self,
        path: Path,
        *,
        loop: bool = False,
        clock: Callable[[], int] = arrival_ns,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._source = open_source(path)
        self._sound = FileSound(path)
        self._loop, self._pace = loop, Pace(clock, wait)
        self._paced = self._frames()
        known = self._source.info
        self.info = LiveInfo(
            path.name,
            known.width,
            known.height,
            known.average_rate,
            "file",
            sound=self._sound.sound,
        )

    def read(self) -> Frame | None:
        """The next frame when its time has come; none after the last.

        Raises:
            SourceLostError: the file cannot be read any further.
        """
        return next(self._paced, None)

    def close(self) -> None:
        """Free the file; safe to call twice."""
        self._paced.close()
        self._source.close()
        self._sound.close()

    def _frames(self) -> Generator[Frame, None, None]:
        """All rounds, each moved to where the one before it ended, in units of the file."""
        known = self._source.info
        rate = known.average_rate
        step = max(round(1 / (rate * known.time_base)), 1) if rate else 1
        end: int | None = None
        while True:
            shift: int | None = None
            for frame in self._source:
                if shift is None:
                    shift = 0 if end is None else end - frame.pts
                pts = frame.pts + shift
                end = pts + (frame.duration or step)
                self._sound.copy_until((end - shift) * frame.time_base, shift * frame.time_base)
                yield replace(frame, pts=pts, captured_ns=self._pace(pts * frame.time_base))
            if not self._loop or shift is None:
                return
            self._sound.rewind()
