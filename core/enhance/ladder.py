"""The ways to make a live frame bright, best first, from which a machine's plan chooses.

The full way shows the network the whole of every frame; where that takes too long, of every k-th,
whose effect is carried over to all frames. The fast way shows it a reduced frame, on every k-th if
need be, and carries its effect over likewise. Where even carrying it over takes too long, frames
are made smaller before, and large again after: softer, but all are in time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

import cv2

if TYPE_CHECKING:
    from core.frame import Frame, Pixels

RUNGS = ((384, 1), (384, 2), (320, 2), (320, 3), (256, 3), (256, 4))
"""The fast way: the reduced frame's longer side in pixels, and on every how many-th frame."""
SHRINKS = (2, 4)
"""The last rungs: frames so many times smaller on either side,"""
LEAST_LONGER = 640
"""while the longer side still has so many pixels: a smaller frame takes no time worth saving."""
WHOLE = "the whole of every frame"
_SOFTER = {1: "", 2: ", shown at half the size", 4: ", shown at a quarter of the size"}
_EVERY = {1: "every frame", 2: "every 2nd frame", 3: "every 3rd frame"}


@dataclass(frozen=True, slots=True)
class Step:
    """One way to run the network."""

    mode: Literal["fast", "full"]
    model: str
    """A shipped name or a file."""
    side: int
    """Of the frame that the network sees, the longer one, in pixels; 0 for the whole frame."""
    cadence: int
    """It sees every so many-th frame."""
    shrink: int = 1
    """Frames are made so many times smaller on either side before all else."""

    @property
    def carries(self) -> bool:
        """Whether what the network does to a picture is carried over to frames at full size."""
        return self.mode == "fast" or self.cadence > 1

    def __str__(self) -> str:
        if self.mode == "full":
            return f"the whole of one frame in {self.cadence}" if self.carries else WHOLE
        often = _EVERY.get(self.cadence, f"every {self.cadence}th frame")
        return f"{self.side} px, {often}{_SOFTER[self.shrink]}"


def ladder(plan: str, device: str, model: str, longer: int = 0) -> tuple[Step, ...]:
    """The ways that are allowed, best first.

    Args:
        plan: of `LiveSettings`.
        device: cpu or cuda.
        model: what is run.
        longer: side of the source's frames, in pixels; 0 where it is not known.
    """
    full = Step("full", model, 0, 1)
    if plan == "full":
        return (full,)
    fast = tuple(Step("fast", model, side, cadence) for side, cadence in RUNGS)
    fast += tuple(
        Step("fast", model, *RUNGS[-1], times)
        for times in SHRINKS
        if longer >= times * LEAST_LONGER
    )
    return (full, *fast) if device == "cuda" and plan == "auto" else fast


def shrunk(frame: Frame, times: int) -> Frame:
    """The frame, both sides so many times smaller."""
    if times == 1:
        return frame
    height, width = frame.pixels.shape[:2]
    size = (max(1, width // times), max(1, height // times))
    small = cv2.resize(frame.pixels, size, interpolation=cv2.INTER_AREA)
    return frame.with_pixels(cast("Pixels", small))


def enlarged(frame: Frame, shape: tuple[int, ...]) -> Frame:
    """The frame, as large as it was before: (H, W, 3)."""
    if frame.pixels.shape == shape:
        return frame
    large = cv2.resize(frame.pixels, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
    return frame.with_pixels(cast("Pixels", large))
