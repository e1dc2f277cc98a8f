"""One clock for all frames of a live run, however often the source begins anew."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from core.clock import arrival_ns

if TYPE_CHECKING:
    from core.frame import Frame

TICK = Fraction(1, 90_000)
"""Unit of the clock in seconds; every usual frame rate is a whole number of them."""
TRUST_S = 5
"""A source's times are believed as long as they and the arrival of its frames differ by less."""


class MediaClock:
    """Gives frames times that count from the first one and always rise. Passive; one per thread.

    Steps are the source's own. Between two connections, where its times jump (a camera that set
    its clock) and where it stood still (a machine that slept), they are those of the arrival, so a
    recording shows the gap as long as it was.
    """

    def __init__(self) -> None:
        self._before: tuple[Fraction, int] | None = None
        self._position = Fraction(0)
        self._pts = -1
        self._is_reopened = False

    def reopened(self) -> None:
        """The source's times count from another zero from now on."""
        self._is_reopened = True

    @property
    def offset(self) -> Fraction:
        """Seconds from the source's own times to this clock, as they are at the last frame."""
        return Fraction(0) if self._before is None else self._position - self._before[0]

    def __call__(self, frame: Frame) -> Frame:
        """The same frame on this clock, in units of `TICK`."""
        moment = frame.pts * frame.time_base
        arrived_ns = arrival_ns() if frame.captured_ns is None else frame.captured_ns
        self._position += self._step(moment, arrived_ns)
        self._before, self._is_reopened = (moment, arrived_ns), False
        self._pts = max(round(self._position / TICK), self._pts + 1)
        duration = round(frame.duration * frame.time_base / TICK)
        return replace(frame, pts=self._pts, time_base=TICK, duration=duration)

    def _step(self, moment: Fraction, arrived_ns: int) -> Fraction:
        """Seconds since the frame before."""
        if self._before is None:
            return Fraction(0)
        moment_before, arrived_before_ns = self._before
        arrival = Fraction(max(arrived_ns - arrived_before_ns, 0), 10**9)
        step = moment - moment_before
        is_sound = step > 0 and abs(step - arrival) < TRUST_S
        return step if is_sound and not self._is_reopened else arrival
