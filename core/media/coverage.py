"""Which stretches of a recording have pictures, and which have none."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.container.core import Chapter

_MILLISECOND = Fraction(1, 1000)
_SHORTEST_GAP = Fraction(1, 2)


class Coverage:
    """Notes when pictures come. Passive; times are seconds of the file."""

    def __init__(self) -> None:
        self.gaps: list[tuple[Fraction, Fraction]] = []
        """Where pictures are missing: from and to."""
        self.end = Fraction(0)
        """When the last picture ends."""
        self._last: Fraction | None = None
        self._step = Fraction(0)

    def add(self, begin: Fraction, end: Fraction) -> None:
        """A picture is shown from one moment to another; a long wait for it is a gap."""
        if self._last is not None:
            step = begin - self._last
            if self._step and step > max(_SHORTEST_GAP, 3 * self._step):
                self.gaps.append((self.end, begin))
            self._step = step
        self._last, self.end = begin, end

    def chapters(self) -> list[Chapter]:
        """One for each piece and one for each gap between them; none where nothing is missing."""
        if not self.gaps:
            return []
        bounds: list[tuple[Fraction, str]] = [(Fraction(0), "Recording")]
        for begin, end in self.gaps:
            bounds.append((begin, f"No picture for {float(end - begin):.1f} s"))
            bounds.append((end, "Recording goes on"))
        times = [round(time / _MILLISECOND) for time, _ in bounds] + [round(self.end * 1000)]
        return [
            {
                "id": number + 1,
                "start": times[number],
                "end": times[number + 1],
                "time_base": _MILLISECOND,
                "metadata": {"title": title},
            }
            for number, (_, title) in enumerate(bounds)
        ]

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence on each gap."""
        return tuple(
            f"From {float(begin):.1f} s to {float(end):.1f} s there was no picture"
            for begin, end in self.gaps
        )
