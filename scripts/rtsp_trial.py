"""Puts a live run on trial: a real RTSP server is killed, frozen and brought back, many times.

    python -m scripts.rtsp_trial --rounds 10

Tells as one JSON object how fast and how late the pictures of an undisturbed stream are, how soon
each loss is noticed and frames are back, and what the process holds meanwhile. Ends with 1 where a
limit is not held. Speed is a matter of the machine; say which, and whether it was busy.
"""

from __future__ import annotations

import gc
import json
import signal
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Annotated, Any

import numpy as np
import typer

from core.clock import arrival_ns
from core.errors import CoreError
from core.media.test_pattern import read_bar_code
from core.run.heap import settle_heap
from core.run.live import LiveRun
from core.run.live_status import LiveState, LiveStatus, Pair
from core.settings import LiveSettings
from scripts.rtsp_clock import Server, age_ms, write_pictures
from scripts.rtsp_clock_server import RATE
from scripts.soak import held

NOTICED_LIMIT_S = 3.0
BACK_LIMIT_S = 2.0
MEMORY_LIMIT = 1.05
"""At the end, as a share of what it was after the first rounds."""
FIRST_ROUNDS = 3
"""By then everything is open and warm."""
PATIENCE_S = 60.0
"""Whatever takes longer has failed."""
SETTLE_S = 5.0
"""After the network is open, the plan finds its step."""
OUTAGES_S = (0.0, 2.0, 12.0)
"""How long a killed server stays away, in turns; by then the tries have become rare."""
QUIET_FRAMES = 2 * RATE
"""Between two rounds."""


# The window


@dataclass(frozen=True, slots=True)
class Seen:
    """One pair, when it would have been on the screen."""

    is_enhanced: bool
    since_capture_ms: float
    since_sent_ms: float | None
    """By its bar code; none where that cannot be read."""


class Viewer:
    """Takes every pair at once, in the place of a window; used from one thread."""

    def __init__(self, uri: str, settings: LiveSettings) -> None:
        self._told = Event()
        self.run = LiveRun(uri, settings, tell=self._told.set)
        self.seen: list[Seen] = []
        self.newest_ns = 0
        """When the newest pair's frame was captured."""

    def until(self, so: Callable[[LiveStatus], object], limit_s: float = PATIENCE_S) -> int:
        """The moment at which it is so, by `arrival_ns`; CoreError where it takes too long."""
        end = time.monotonic() + limit_s
        while not so(status := self.run.status):
            left_s = end - time.monotonic()
            if left_s <= 0 or status.state in (LiveState.FAILED, LiveState.ENDED):
                raise CoreError(f"What was waited for did not come: {status}")
            self._told.wait(min(left_s, 0.1))
            self._told.clear()
            self._take()
        return arrival_ns()

    def watch(self, seconds: float) -> None:
        """Pairs for so long."""
        end = time.monotonic() + seconds
        self.until(lambda _: time.monotonic() >= end, seconds + PATIENCE_S)

    def _take(self) -> None:
        while (pair := self.run.newest()) is not None:
            self.run.painted(pair)
            self.newest_ns = pair.original.captured_ns or 0
            self.seen.append(_seen(pair, arrival_ns()))


def _seen(pair: Pair, now_ns: int) -> Seen:
    original = pair.original
    try:
        sent_ms = age_ms(read_bar_code(original.pixels), now_ns)
    except ValueError:
        sent_ms = None
    return Seen(pair.is_enhanced, (now_ns - (original.captured_ns or 0)) / 1e6, sent_ms)


# The trial


@dataclass(frozen=True, slots=True)
class Round:
    """One loss and return, in seconds."""

    harm: str
    """`killed`, `frozen` and thawed, or `frozen, killed`."""
    outage_s: float
    """From when it was noticed until the server was brought back."""
    noticed_s: float
    """From the harm until the run said so."""
    back_s: float
    """From when the server's port answered until there was a new pair."""


def calm(viewer: Viewer, seconds: float) -> dict[str, Any]:
    """What an undisturbed stream gives, once the network is open and has settled."""
    viewer.until(lambda status: status.enhanced_fps > 0)
    viewer.watch(SETTLE_S)
    viewer.seen.clear()
    before, begun = viewer.run.status, time.monotonic()
    viewer.watch(seconds)
    after, took = viewer.run.status, time.monotonic() - begun
    seen, coded = viewer.seen, [one.since_sent_ms for one in viewer.seen]
    return {
        "seconds": round(took, 2),
        "plan": after.plan,
        "original_fps": round((after.captured - before.captured) / took, 2),
        "shown_fps": round(len(seen) / took, 2),
        "enhanced_fps": round(sum(one.is_enhanced for one in seen) / took, 2),
        "dropped": after.dropped - before.dropped,
        "unread_bar_codes": coded.count(None),
        "capture_to_screen_ms": _spread([one.since_capture_ms for one in seen]),
        "sent_to_screen_ms": _spread([late for late in coded if late is not None]),
    }


def suffer(viewer: Viewer, server: Server, harm: str, outage_s: float) -> Round:
    """One round, from a stream that flows to a stream that flows."""
    before = viewer.run.status
    harmed_ns = arrival_ns()
    server.send(signal.SIGKILL if harm == "killed" else signal.SIGSTOP)
    noticed_ns = viewer.until(lambda status: status.state is LiveState.RECONNECTING)
    viewer.watch(outage_s)
    if harm == "frozen":
        server.send(signal.SIGCONT)
    else:
        server.close()
        server.start()
    returned_ns = arrival_ns()
    back_ns = viewer.until(lambda _: viewer.newest_ns > returned_ns)
    back = viewer.run.status.captured
    viewer.until(lambda now: now.captured > back + QUIET_FRAMES)
    if viewer.run.status.reconnects != before.reconnects + 1:
        raise CoreError(f"It was not lost once: {viewer.run.status}")
    seconds = [(noticed_ns - harmed_ns) / 1e9, (back_ns - returned_ns) / 1e9]
    return Round(harm, outage_s, *(round(one, 2) for one in seconds))


def trial(
    settings: LiveSettings, rounds: int, seconds: float, say: Callable[[str], None]
) -> dict[str, Any]:
    """All of it; every process it starts is ended."""
    with TemporaryDirectory() as name:
        write_pictures(Path(name))
        before = held()
        with Server(Path(name)) as server:
            server.start()
            viewer = Viewer(server.address, settings)
            with viewer.run:
                told = _trial(viewer, server, rounds, seconds, say)
    gc.collect()
    return told | {"held_before": before, "held_after": held()}


def _trial(
    viewer: Viewer, server: Server, rounds: int, seconds: float, say: Callable[[str], None]
) -> dict[str, Any]:
    viewer.run.start()
    told = calm(viewer, seconds)
    say(json.dumps(told))
    done: list[Round] = []
    holds: list[dict[str, Any]] = []
    for number in range(rounds):
        harms = (
            ("killed", OUTAGES_S[number % len(OUTAGES_S)]),
            ("frozen, killed" if number % 2 else "frozen", 0.0),
        )
        for harm, outage_s in harms:
            done.append(suffer(viewer, server, harm, outage_s))
            say(str(done[-1]))
        holds.append(held())
        say(str(holds[-1]))
    return told | judge(done, [one["memory_mib"] for one in holds]) | {"held": holds}


def judge(rounds: list[Round], memory_mib: list[float]) -> dict[str, Any]:
    """Whether the limits were held."""
    noticed, back = [one.noticed_s for one in rounds], [one.back_s for one in rounds]
    first, last = memory_mib[:FIRST_ROUNDS][-1], memory_mib[-1]
    return {
        "rounds": [asdict(one) for one in rounds],
        "noticed_s": {"most": max(noticed), "limit": NOTICED_LIMIT_S},
        "back_s": {"most": max(back), "limit": BACK_LIMIT_S},
        "memory_mib": {"after_first_rounds": first, "at_the_end": last},
        "memory_is_flat": last <= MEMORY_LIMIT * first,
        "is_within_limits": max(noticed) <= NOTICED_LIMIT_S and max(back) <= BACK_LIMIT_S,
    }


def _spread(late_ms: list[float]) -> dict[str, float]:
    p50, p95 = np.percentile(late_ms or [float("nan")], (50, 95)).tolist()
    return {"p50": round(p50, 1), "p95": round(p95, 1)}


def main(
    rounds: Annotated[int, typer.Option(min=1, help="Of each kind.")] = 10,
    seconds: Annotated[float, typer.Option(min=1, help="Undisturbed, first.")] = 20.0,
    model: Annotated[str, typer.Option(help="A shipped model, or a file.")] = "deepspg",
    plan: Annotated[str, typer.Option(help="auto, fast or full.")] = "auto",
    only_json: Annotated[bool, typer.Option("--json", help="No word but the result.")] = False,
) -> None:
    """Run the trial and print its figures."""
    settle_heap()
    settings = LiveSettings.model_validate({"enhance": {"model": model}, "plan": plan})

    def say(line: str) -> None:
        if not only_json:
            typer.echo(line, err=True)

    told = trial(settings, rounds, seconds, say)
    print(json.dumps(told, indent=2))
    raise typer.Exit(0 if told["is_within_limits"] and told["memory_is_flat"] else 1)


if __name__ == "__main__":
    typer.run(main)
