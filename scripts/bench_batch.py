"""Times one batch with one worker and with two, here and on a local cluster, all in one run.

    python -m scripts.bench_batch
    python -m scripts.bench_batch --clips 8 --seconds 20 --width 1280 --height 720 --rounds 3

The same generated clips are made bright by every crew in turn, round after round, so that a machine
that slows down slows them all; what is told are ratios. A crew warms up on a clip of its own for
each worker first: starting processes is told apart. The last line is one JSON object.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import av
import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from core.enhance.plan import Machine
from core.errors import CoreError
from core.run.batch import Batch
from core.run.batch_plan import make_plan
from core.run.cluster import join_cluster
from core.run.crew import Crew
from core.run.engine import Engine
from core.run.workers import hire
from core.settings import BatchSettings, EncodeSettings, EnhanceSettings

RATE = 24
GROUP = 24
"""Frames from one key frame to the next."""
WORKERS = (1, 2)


@dataclass
class Trial:
    """One crew, and what was taken of it."""

    name: str
    workers: int
    start: Callable[[BatchSettings], tuple[Engine, Crew]]
    ready: list[float] = field(default_factory=list)
    """Seconds to start and to warm up, each round."""
    busy: list[float] = field(default_factory=list)
    """Seconds for the clips, each round."""
    share: list[float] = field(default_factory=list)
    """Of that time the networks were at work, each round."""


def main(
    clips: Annotated[int, typer.Option(min=1, help="How many.")] = 4,
    seconds: Annotated[float, typer.Option(min=0.5, help="Length of each.")] = 4.0,
    width: Annotated[int, typer.Option(min=16)] = 320,
    height: Annotated[int, typer.Option(min=16)] = 180,
    rounds: Annotated[int, typer.Option(min=1)] = 1,
    chunk_seconds: Annotated[float, typer.Option(min=0.0)] = 2.0,
    model: Annotated[str, typer.Option(help="A shipped model, or a file.")] = "deepspg",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
) -> None:
    """Make the same clips bright with every crew; see above."""
    enhance = EnhanceSettings.model_validate({"model": model, "device": device})
    settings = BatchSettings(
        enhance=enhance, encode=EncodeSettings(preset="ultrafast"), chunk_seconds=chunk_seconds
    )
    frames = round(seconds * RATE)
    trials = [*map(_here, WORKERS), *map(_on_cluster, WORKERS)]
    with TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(clips):
            _film(folder / "clips" / f"{number}.mp4", number, frames, (width, height))
        for number in range(max(WORKERS)):
            _film(folder / "warm" / f"{number}.mp4", number, 2, (width, height))
        for _ in range(rounds):
            for trial in trials:
                _take(trial, folder, settings, clips * frames)
    said: dict[str, Any] = {
        **{"clips": clips, "frames": clips * frames, "size": f"{width}x{height}"},
        **{"rounds": rounds, "cores": Machine.probe().cores, "model": model},
        **_figures(trials),
    }
    table = Table("", "value", title="Batch")
    for key, value in said.items():
        table.add_row(key.replace("_", " "), str(value))
    Console(stderr=True).print(table)
    print(json.dumps(said, allow_nan=False))


def _here(workers: int) -> Trial:
    def start(settings: BatchSettings) -> tuple[Engine, Crew]:
        engine = Engine.of(settings.enhance)
        return engine, hire(workers, engine.device)

    return Trial(f"processes_{workers}", workers, start)


def _on_cluster(workers: int) -> Trial:
    def start(settings: BatchSettings) -> tuple[Engine, Crew]:
        return join_cluster("local", settings.enhance, workers, print)

    return Trial(f"cluster_{workers}", workers, start)


def _take(trial: Trial, folder: Path, settings: BatchSettings, frames: int) -> None:
    """One round of one crew."""
    began = time.perf_counter()
    engine, crew = trial.start(settings)
    with _closing(crew):
        _run(folder, "warm", settings, engine, crew)
        ready = time.perf_counter()
        share = _run(folder, "clips", settings, engine, crew, frames)
        done = time.perf_counter()
    trial.ready.append(ready - began)
    trial.busy.append(done - ready)
    trial.share.append(share)


@contextmanager
def _closing(crew: Crew) -> Iterator[None]:
    try:
        yield
    finally:
        crew.close()


def _run(
    folder: Path,
    name: str,
    settings: BatchSettings,
    engine: Engine,
    crew: Crew,
    frames: int | None = None,
) -> float:
    """Makes a folder bright; the share of the time that the networks were at work."""
    with TemporaryDirectory(dir=folder) as output:
        # These clips are complete, however new they are.
        plan = make_plan([folder / name], Path(output), settings, lambda _: None)
        outcome = Batch(plan, settings, engine, crew, lambda _: None).run()
    reasons = [film.reason for film in outcome.films if film.state != "done"]
    if reasons or outcome.frames != (frames or outcome.frames):
        raise CoreError(f"{outcome.frames} frames were made bright: {'; '.join(reasons)}")
    return outcome.busy_share


def _film(path: Path, seed: int, count: int, size: tuple[int, int]) -> None:
    """A dim, noisy pattern that drifts."""
    width, height = size
    path.parent.mkdir(exist_ok=True)
    random = np.random.default_rng(seed)
    noise = random.normal(0, 4, (height, width, 3))
    columns = np.linspace(8, 60, width)[None, :, None]
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=RATE, width=width, height=height)
        stream.codec_context.time_base = Fraction(1, RATE)
        stream.codec_context.options = {"preset": "ultrafast", "g": str(GROUP)}
        for index in range(count):
            picture = np.roll(columns, 3 * index, axis=1) + np.roll(noise, index, axis=0)
            pixels = np.clip(picture, 0, 255).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, RATE)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


def _figures(trials: list[Trial]) -> dict[str, float]:
    """Medians over the rounds; ratios are taken within each round."""
    figures: dict[str, float] = {}
    for trial in trials:
        figures[f"{trial.name}_ready_seconds"] = _median(trial.ready)
        figures[f"{trial.name}_seconds"] = _median(trial.busy)
        figures[f"{trial.name}_network_share"] = _median(trial.share)
    by_name = {trial.name: trial.busy for trial in trials}
    pairs = {
        "processes_speed_2_over_1": ("processes_1", "processes_2"),
        "cluster_speed_2_over_1": ("cluster_1", "cluster_2"),
        "cluster_over_processes_speed_1": ("processes_1", "cluster_1"),
        "cluster_over_processes_speed_2": ("processes_2", "cluster_2"),
    }
    for name, (before, after) in pairs.items():
        ratios = [b / a for b, a in zip(by_name[before], by_name[after], strict=True)]
        figures[name] = _median(ratios)
    return figures


def _median(values: list[float]) -> float:
    return round(statistics.median(values), 3)


if __name__ == "__main__":
    typer.run(main)
