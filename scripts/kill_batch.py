"""Kills a batch at random moments, has it go on, and checks that nothing was lost.

    python scripts/kill_batch.py --kills 10 --seed 1

Makes two clips, enhances them undisturbed, then again with SIGKILL at random moments of the work.
Prints one JSON object: whether the frames are the same, and what each kill cost. Work that is
repeated is counted in chunks: those begun before the kill that the journal does not know.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from core.media.source import open_source

ROOT = Path(__file__).parents[1]
NAMES = ("one.mp4", "two.mp4")


def main() -> None:
    """Runs, kills, compares, prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--frames", type=int, default=240, help="of each of the two clips")
    parser.add_argument("--model", default="deepspg")
    wishes = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lowlux-kill-") as name:
        print(json.dumps(measure(Path(name), wishes), indent=1))


def measure(folder: Path, wishes: argparse.Namespace) -> dict[str, Any]:
    """The undisturbed run, the disturbed one, and their difference."""
    (folder / "in").mkdir()
    for number, name in enumerate(NAMES):
        write_clip(folder / "in" / name, wishes.frames, number)
    whole, killed = folder / "whole", folder / "killed"
    started = time.monotonic()
    begin(folder, whole, wishes).communicate()
    seconds = time.monotonic() - started
    moments = random.Random(wishes.seed)
    kills: list[dict[str, int]] = []
    while len(kills) < wishes.kills:
        process = begin(folder, killed, wishes)
        if not at_work(process):
            break
        time.sleep(moments.uniform(0.0, seconds / wishes.kills))
        process.kill()
        process.communicate()
        kills.append(state_of(killed))
    begin(folder, killed, wishes).communicate()
    same = {name: hashes(whole / name) == hashes(killed / name) for name in NAMES}
    return {
        "frames": {name: len(hashes(killed / name)) for name in NAMES},
        "same_frames_and_times": all(same.values()),
        "kills": len(kills),
        "most_chunks_repeated_a_kill": max(kill["unfinished"] for kill in kills),
        "workers": wishes.workers,
        "each": kills,
        "seed": wishes.seed,
    }


def write_clip(path: Path, frames: int, seed: int) -> None:
    """A dim, noisy, moving picture with a key frame every eight."""
    random_numbers = np.random.default_rng(seed)
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25, options={"g": "8", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for number in range(frames):
            picture = np.linspace(15, 70, 96)[None, :, None] + random_numbers.normal(
                0, 4, (64, 96, 3)
            )
            picture[:, (2 * number) % 96] += 60
            frame = av.VideoFrame.from_ndarray(np.clip(picture, 0, 255).astype(np.uint8))
            frame.pts, frame.time_base = number, Fraction(1, 25)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


def begin(folder: Path, output: Path, wishes: argparse.Namespace) -> subprocess.Popen[str]:
    """The program on the folder."""
    command = [
        sys.executable, "-m", "app", "batch", str(folder / "in"), "-o", str(output), "--json",
        "--chunk-seconds", "0.3", "--workers", str(wishes.workers), "--model", wishes.model,
        "--preset", "ultrafast", "--device", "cpu",
    ]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment)


def at_work(process: subprocess.Popen[str]) -> bool:
    """Waits until frames are enhanced; whether they ever are."""
    assert process.stdout is not None
    begun: int | None = None
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "begun":
            begun = begun or 0
        if event["event"] == "progress" and begun is not None:
            return True
    return False


def state_of(folder: Path) -> dict[str, int]:
    """What a kill left: chunks that are safe, and those begun that are not."""
    done = unfinished = 0
    for journal in folder.glob("*.lowlux-journal.json"):
        known = len(json.loads(journal.read_text())["done"])
        chunks = folder / journal.name.replace("-journal.json", "-chunks")
        files = {path.name.split(".")[0] for path in chunks.glob("*")}
        done, unfinished = done + known, unfinished + len(files) - known
    finished = sum((folder / name).exists() for name in NAMES)
    return {"films_done": finished, "chunks_done": done, "unfinished": unfinished}


def hashes(path: Path) -> list[tuple[Fraction, str]]:
    """The time and a hash of every decoded frame."""
    with open_source(path) as source:
        return [
            (frame.pts * frame.time_base, hashlib.sha256(frame.pixels.tobytes()).hexdigest())
            for frame in source
        ]


if __name__ == "__main__":
    main()
