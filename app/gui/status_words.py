"""A live status in words: for the status bar, the overlay and the health panel."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.run.live_status import LiveState

if TYPE_CHECKING:
    import psutil

    from core.run.live_status import LiveStatus, Pair
    from core.run.record_ledger import RecorderStatus

_MIB = 2**20
STATES = {
    LiveState.OPENING: "Opening",
    LiveState.RUNNING: "Live",
    LiveState.PAUSED: "Paused",
    LiveState.RECONNECTING: "Reconnecting",
    LiveState.STOPPING: "Stopping",
    LiveState.ENDED: "Ended",
    LiveState.FAILED: "Failed",
}


ON_PICTURE = {
    LiveState.OPENING: "Opening the source…",
    LiveState.RECONNECTING: "The source is lost; trying again…",
    LiveState.ENDED: "This is the end. Space begins again.",
    LiveState.FAILED: "No picture.",
}
"""Written over the picture."""


@dataclass(frozen=True, slots=True)
class Load:
    """What this process uses of the machine."""

    memory: int
    """Bytes of it that are held in memory."""
    threads: int
    """Of ours and of the libraries."""
    processor: float
    """Percent of one core since the last time."""


def measure_load(process: psutil.Process) -> Load:
    """What is used now."""
    with process.oneshot():
        used = process.memory_info().rss
        return Load(used, process.num_threads(), process.cpu_percent())


def bar_words(status: LiveStatus) -> dict[str, str]:
    """The status bar's parts by name; empty where there is nothing to tell."""
    promised = f" of {float(status.promised_rate):.4g}" if status.promised_rate else ""
    latency = status.latency
    return {
        "state": STATES[status.state],
        "source": f"{status.width}×{status.height}" if status.width else "",
        "captured": f"{status.captured_fps:.1f}{promised} fps",
        "enhanced": f"{status.enhanced_fps:.1f} fps enhanced",
        "latency": f"{latency.p50_ms:.0f} / {latency.p95_ms:.0f} ms",
        "dropped": f"{status.dropped} dropped",
        "reconnects": f"{status.reconnects} reconnects" if status.reconnects else "",
        "plan": status.plan,
    }


def plan_words(status: LiveStatus) -> str:
    """What was chosen and why, as a tooltip."""
    return "\n".join([status.plan or "No plan yet.", *(f"· {why}" for why in status.reasons)])


def overlay_lines(status: LiveStatus, pair: Pair | None) -> list[str]:
    """What is drawn over the picture."""
    lines = [
        f"{status.captured_fps:.1f} fps in   {status.enhanced_fps:.1f} fps enhanced",
        f"latency {status.latency.p50_ms:.0f} ms   p95 {status.latency.p95_ms:.0f} ms",
    ]
    if pair is None:
        return lines
    lines.insert(0, f"{span(pair.original.pts_seconds, tenths=True)}   {status.title}")
    if not pair.is_enhanced:
        return [*lines, "not enhanced: daylight, or the network is being opened"]
    age = "" if pair.prior_age is None else f"   prior {pair.prior_age} frames old"
    # What is run, which need not be what was wished for; the status bar tells the rest.
    return [*lines, status.plan.partition(" (")[0] + age]


def about_trouble(status: LiveStatus) -> str:
    """The trouble without what changes while it lasts: its figures, and when the next try is."""
    text = status.trouble
    if status.state is LiveState.RECONNECTING:
        text = text.rpartition("; ")[0] or text
    return without_figures(text)


def without_figures(text: str) -> str:
    """A sentence of now and the same sentence of a moment later are equal so."""
    return re.sub(r"\d+(\.\d+)?", "", text)


def recording_words(recording: RecorderStatus) -> str:
    """How far a recording is."""
    left = recording.minutes_left
    room = "" if left is None or left > 600 else f" · room for {_minutes(left)}"
    lost = f" · {recording.dropped} frames lost" if recording.dropped else ""
    return f"{span(recording.seconds)} · {recording.bytes / _MIB:.1f} MB{room}{lost}"


def _minutes(left: float) -> str:
    return f"{int(left)} min" if left >= 1 else "less than a minute"


def health_rows(status: LiveStatus | None, load: Load) -> list[tuple[str, list[tuple[str, str]]]]:
    """Groups of names and values."""
    machine = [
        ("Memory", f"{load.memory / _MIB:.0f} MB"),
        ("Processor", f"{load.processor:.0f} % of a core"),
        ("Threads", str(load.threads)),
    ]
    if status is None:
        return [("Program", machine)]
    frames = [
        ("Captured", f"{status.captured}"),
        ("Shown", f"{status.shown}"),
        ("Dropped", f"{status.dropped}"),
        ("On the way", f"{status.in_flight}"),
        ("Adds up", _adds_up(status)),
    ]
    speed = [
        ("Captured", f"{status.captured_fps:.1f} fps"),
        ("Enhanced", f"{status.enhanced_fps:.1f} fps"),
        ("Latency p50", f"{status.latency.p50_ms:.0f} ms"),
        ("Latency p95", f"{status.latency.p95_ms:.0f} ms"),
        ("Latency p99", f"{status.latency.p99_ms:.0f} ms"),
    ]
    source = [
        ("State", STATES[status.state]),
        ("Read by", status.reader or "–"),
        ("Reconnects", f"{status.reconnects}"),
        ("Kept ready", f"{status.kept_seconds:.0f} s"),
    ]
    groups = [("Frames", frames), ("Speed", speed), ("Source", source), ("Program", machine)]
    recording = status.recording
    if recording is not None:
        waiting = recording.frames_in - recording.written - recording.dropped
        rows = [
            ("Written", f"{recording.written}"),
            ("Waiting", f"{waiting}"),
            ("Lost", f"{recording.dropped}"),
        ]
        groups.insert(3, ("Recording", rows))
    return groups


def span(seconds: float, *, tenths: bool = False) -> str:
    """Time as a clock shows it: 3:07, 1:02:45, or 3:07.4."""
    whole = int(seconds)
    hours, minutes = divmod(whole // 60, 60)
    clock = f"{hours}:{minutes:02}" if hours else f"{minutes}"
    part = f".{int((seconds - whole) * 10)}" if tenths else ""
    return f"{clock}:{whole % 60:02}{part}"


def _adds_up(status: LiveStatus) -> str:
    missing = status.captured - status.shown - status.dropped - status.in_flight
    return "yes" if missing == 0 else f"{missing} missing"
