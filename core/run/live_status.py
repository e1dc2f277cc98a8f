"""What a live run tells others: its states, its counters, and the pair of pictures to show."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fractions import Fraction

    from core.frame import Frame
    from core.run.record_ledger import RecorderStatus


class LiveState(Enum):
    """Where a live run is; `LiveRun` draws how they follow each other."""

    OPENING = "opening"
    RUNNING = "running"
    PAUSED = "paused"
    RECONNECTING = "reconnecting"
    STOPPING = "stopping"
    ENDED = "ended"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Pair:
    """One moment twice; both pictures always belong to the same frame of the source."""

    original: Frame
    """As it came."""
    enhanced: Frame
    """Bright; the original itself where nothing was to be done."""
    is_enhanced: bool
    """Whether anything was done: not in daylight with `auto`, nor while the network is opened."""
    prior_age: int | None
    """Frames since the semantic prior was computed; none without one."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from a frame's arrival until it was painted, over the last few hundred."""

    p50_ms: float = 0.0
    p95_ms: float = 0.0
    p99_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class LiveStatus:
    """A live run at one moment. captured = shown + dropped + in_flight, always.

    Each is counted for itself: where the sum is wrong, a frame was lost or counted twice.
    """

    state: LiveState
    title: str
    """Of the source; holds no password."""
    reader: str
    """What reads it; see `LiveInfo.reader`."""
    width: int
    height: int
    """Of the source's frames in pixels; 0 before the first."""
    promised_rate: Fraction | None
    """Frames per second that the source promised."""
    captured: int
    """Frames that came."""
    shown: int
    """Frames that were painted, or taken by the caller of a run without a window."""
    dropped: int
    """Frames that a newer one overtook on the way."""
    in_flight: int
    """Frames found on the way: waiting, being enhanced, or waiting to be painted."""
    captured_fps: float
    """Frames a second that came of late."""
    enhanced_fps: float
    """Frames a second that were enhanced of late."""
    latency: Latency
    reconnects: int
    """How often the source was lost and came back."""
    plan: str
    """What was chosen: model, runtime, working size, cadence."""
    reasons: tuple[str, ...]
    """Why, one sentence each."""
    trouble: str
    """What is wrong now and what to try; empty where all is well."""
    notes: tuple[str, ...]
    """What went otherwise than planned, oldest first, a few at most."""
    recording: RecorderStatus | None
    """Of the recording under way; none without one."""
    kept_seconds: float
    """How much the ring of the last seconds holds."""
    lent_as: str
    """The camera that other programs see the enhanced picture as; empty where it is not lent."""
    can_keep_rate: bool = False
    """The source is a camera that has slowed down, and its exposure could be locked."""
