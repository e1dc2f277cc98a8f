"""Runs a failing source for hours and tells what was left behind, as one JSON object.

    python -m scripts.soak --seconds 7200

Threads, file handles and memory are taken before, after five minutes (a tenth of a shorter time),
and at the end. Fails as soon as a frame was lost or counted twice.
"""

from __future__ import annotations

import gc
import json
import threading
import time
from dataclasses import dataclass, field
from typing import Annotated, Any

import psutil
import typer

from core.run.headless import watch
from core.run.heap import settle_heap
from core.run.live_status import LiveStatus
from core.settings import LiveSettings

SOURCE = (
    "fault:drop=0.01,freeze=0.01,late=0.002,corrupt=0.01,disconnect=0.0005:"
    "test:?size=320x180&rate=30"
)
"""A disconnect about once a minute."""
FIRST_S = 300.0
"""By then everything is open and warm."""


@dataclass
class Soak:
    """Looks at the process while the run goes on."""

    seconds: float
    began: float = field(default_factory=time.monotonic)
    once_warm: dict[str, Any] | None = None
    most: dict[str, Any] = field(default_factory=dict)

    def look(self, status: LiveStatus) -> None:
        """Told every second."""
        now = held()
        self.most = {name: max(value, self.most.get(name, 0)) for name, value in now.items()}
        if self.once_warm is None and time.monotonic() - self.began > min(
            FIRST_S, self.seconds / 10
        ):
            self.once_warm = now
        check_counts(status)


def check_counts(status: LiveStatus, *, is_over: bool = False) -> None:
    """Every frame that came was shown, was dropped, or is on the way while the run goes on.

    Raises:
        SystemExit: one is missing or was counted twice.
    """
    if status.captured != status.shown + status.dropped + status.in_flight:
        raise SystemExit(f"The counters do not add up: {status}")
    if is_over and status.in_flight:
        raise SystemExit(f"Frames are on the way after the end: {status}")


def held() -> dict[str, Any]:
    """What the process holds now."""
    process = psutil.Process()
    ours = [thread for thread in threading.enumerate() if thread.name.startswith("lowlux")]
    return {
        "our_threads": len(ours),
        "python_threads": threading.active_count(),
        "system_threads": process.num_threads(),
        "file_handles": process.num_fds(),
        "memory_mib": round(process.memory_info().rss / 2**20, 1),
    }


def soak(
    seconds: Annotated[float, typer.Option(help="How long.")] = 60.0,
    source: Annotated[str, typer.Option(help="What is read.")] = SOURCE,
    plan: Annotated[str, typer.Option(help="auto, fast or full.")] = "fast",
    model: Annotated[str, typer.Option(help="A shipped model, or a file.")] = "deepspg",
    keep: Annotated[float, typer.Option(help="Seconds kept ready to be saved.")] = 5.0,
) -> None:
    """Run without a window and print what was held before, meanwhile and after."""
    settings = LiveSettings.model_validate(
        {"enhance": {"model": model}, "plan": plan, "keep_seconds": keep}
    )
    settle_heap()
    before, soaked = held(), Soak(seconds)
    watched = watch(source, settings, soaked.look, seconds=seconds)
    status = watched.status
    gc.collect()
    print(
        json.dumps(
            {
                "source": source,
                "seconds": round(watched.seconds, 1),
                "state": status.state.value,
                "captured": status.captured,
                "shown": status.shown,
                "dropped": status.dropped,
                "in_flight": status.in_flight,
                "reconnects": status.reconnects,
                "plan": status.plan,
                "trouble": status.trouble,
                "before": before,
                "once_warm": soaked.once_warm,
                "most": soaked.most,
                "at_the_end": held(),
            },
            indent=2,
        )
    )
    check_counts(status, is_over=True)


if __name__ == "__main__":
    typer.run(soak)
