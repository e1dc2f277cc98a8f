"""Takes the program as it is started: how much memory it needs, how long until it is at work."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from core.errors import CoreError
from scripts.loop_clip import looped

ROOT = Path(__file__).parents[1]
PEAK = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(done.returncode)
"""
"""Runs a command and prints its peak. A program's peak includes that of the one it was started
from, so it is started from this small one and not from ours, which holds PyTorch."""


def memory(clip: Path, loops: int, frames: int | None, wishes: Sequence[str]) -> dict[str, Any]:
    """Peak memory of enhancing a clip, and of the same clip many times over.

    Args:
        clip: what is enhanced.
        loops: how often the long clip repeats it.
        frames: it is cut to so many at first; none for all.
        wishes: more options of the program.

    Raises:
        CoreError: the program failed.
    """
    with TemporaryDirectory() as name:
        folder = Path(name)
        short = clip.resolve()
        if frames is not None:
            short = looped(short, folder / f"short{clip.suffix}", 1, frames)
        long = looped(short, folder / f"long{clip.suffix}", loops)
        once, often = (_peak_mib(path, folder, wishes) for path in (short, long))
    ratio = round(often / once, 4)
    return {"loops": loops, "once_mib": once, "looped_mib": often, "ratio": ratio}


def startup(clip: Path, repeats: int, wishes: Sequence[str]) -> dict[str, Any]:
    """Seconds from the program's start to its first line of progress.

    Args:
        clip: what is enhanced, its beginning only.
        repeats: how often.
        wishes: more options of the program.

    Raises:
        CoreError: the program failed.
    """
    with TemporaryDirectory() as folder:
        output = Path(folder) / f"bright{clip.suffix}"
        command = _command(clip.resolve(), output, "--end", "0.2", *wishes)
        took = [_first_line(command) for _ in range(repeats)]
    best, median = round(min(took), 3), round(statistics.median(took), 3)
    return {"repeats": repeats, "best_seconds": best, "median_seconds": median}


def _peak_mib(clip: Path, folder: Path, wishes: Sequence[str]) -> float:
    """Peak resident memory of enhancing a clip, in MiB."""
    command = _command(clip, folder / f"bright{clip.suffix}", *wishes)
    done = subprocess.run(
        [sys.executable, "-c", PEAK, *command], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    if done.returncode:
        raise CoreError(f"Enhancing {clip} failed, so there is no figure.")
    # macOS counts bytes, Linux KiB.
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return round(int(done.stdout) / unit, 1)


def _first_line(command: Sequence[str]) -> float:
    """Seconds until a program says something of its progress."""
    started = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        line = program.stdout.readline()
        seconds = time.perf_counter() - started
        program.stdout.read()
    if program.returncode or json.loads(line)["event"] != "progress":
        raise CoreError("Enhancing the clip failed, so there is no figure.")
    return seconds


def _command(clip: Path, output: Path, *wishes: str) -> list[str]:
    enhance = [sys.executable, "-m", "app", "enhance", str(clip), "-o", str(output)]
    return [*enhance, "--overwrite", "--json", *wishes]
