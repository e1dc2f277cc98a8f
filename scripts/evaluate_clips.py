"""Measures how steady a model is: ``python -m scripts.evaluate_clips --clips DIR --model deepspg``.

Bright clips are darkened, so the truth is known (`scripts.dark_clips`). Three ways are compared:

    as_clip          frame after frame through one enhancer, as the product runs
    per_frame        each frame as if it were alone
    brightness_only  nothing but a gain to the reference's mean brightness

The steadiness figures, after one gain has brought the whole clip to the reference's mean: `mabd`
and `mabd_error` in levels of 255, `warping_error` and `flicker_error` as mean squares of samples in
[0, 1], `static_deviation` as a share of the mean, `ghosting` and `ghosting_faint` as a share of
what left (`core.training.temporal`). The last line printed is one JSON object; `reference` says how
much the bright clips move by themselves. A PSNR of null is infinite.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from core.errors import CoreError, SettingsError
from core.settings import EnhanceSettings
from core.training.metrics import match_mean, scores
from core.training.temporal import (
    flicker_error,
    ghosting,
    mabd,
    mabd_error,
    static_deviation,
    warping_error,
)
from scripts.dark_clips import Clip, Scene, Take, stage
from scripts.evaluate import PRECISION, Method, open_method

Brighten = Callable[[Take], Clip]
Figures = dict[str, float]
MIN_FRAMES = 8
"""Fewer, and the shadow has not left what it had not covered from the first."""


def ways(method: Method) -> dict[str, Brighten]:
    """What is compared; only the last one is shown the bright clip, and that for its mean."""
    return {
        "as_clip": lambda take: np.stack(list(method.film(take.dark))),
        "per_frame": lambda take: np.stack([method.brighten(frame) for frame in take.dark]),
        "brightness_only": lambda take: match_mean(take.dark, take.bright),
    }


def measure(brighten: Brighten, scene: Scene) -> Figures:
    """All figures of one way on one scene."""
    moving = brighten(scene.moving)
    rows = [scores(*pair) for pair in zip(moving, scene.moving.bright, strict=True)]
    matched = match_mean(moving, scene.moving.bright)
    still = match_mean(brighten(scene.still), scene.still.bright)
    shadow = match_mean(brighten(scene.shadow), scene.shadow.bright)
    plain, faint = np.array_split(np.arange(shadow.shape[1]), [shadow.shape[1] // 2])
    return {
        **means_of(rows),
        "mabd": float(mabd(matched).mean()),
        "mabd_error": mabd_error(matched, scene.moving.bright),
        "warping_error": warping_error(matched, scene.moving.bright),
        "flicker_error": flicker_error(matched, scene.moving.bright),
        "static_deviation": static_deviation(still),
        "ghosting": ghosting(shadow[:, plain], scene.covered[:, plain]),
        "ghosting_faint": ghosting(shadow[:, faint], scene.covered[:, faint]),
    }


def of_reference(bright: Clip) -> Figures:
    """How much a bright clip moves by itself, and how well its motion is followed."""
    return {"mabd": float(mabd(bright).mean()), "warping_error": warping_error(bright, bright)}


def evaluate(
    clips: Sequence[Path], frames: int, model: str, settings: EnhanceSettings, *, bar: bool
) -> dict[str, object]:
    """What the last line says: means over the clips."""
    found: dict[str, list[Figures]] = {}
    sizes: set[str] = set()
    console = Console(stderr=True)
    with open_method(model, settings) as method:
        for seed, path in enumerate(
            track(clips, "Evaluating", console=console, transient=True, disable=not bar)
        ):
            scene = stage(path, frames, seed)
            sizes.add(_size(scene.moving.bright))
            for name, brighten in ways(method).items():
                found.setdefault(name, []).append(measure(brighten, scene))
            found.setdefault("reference", []).append(of_reference(scene.moving.bright))
    return {
        "model": model,
        "sha256": method.sha256,
        "prior": method.prior,
        "clips": [path.stem for path in clips],
        "frames": frames,
        "size": ", ".join(sorted(sizes)),
        **{name: rounded(means_of(rows)) for name, rows in found.items()},
        "device": method.device,
        "precision": PRECISION,
    }


def means_of(rows: Sequence[Mapping[str, float]]) -> Figures:
    """Of each figure."""
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def rounded(figures: Figures) -> dict[str, float | None]:
    """To four digits that count, for these figures differ in size."""
    return {
        name: float(f"{value:.4g}") if math.isfinite(value) else None
        for name, value in figures.items()
    }


def _size(clip: NDArray[np.uint8]) -> str:
    return f"{clip.shape[2]}x{clip.shape[1]}"


def _found(folder: Path, pattern: str) -> list[Path]:
    if not folder.is_dir():
        raise SettingsError(f"There is no folder {folder}: check --clips.")
    paths = sorted(folder.glob(pattern))
    if not paths:
        raise SettingsError(f"No file in {folder} is named like {pattern}: check --pattern.")
    return paths


def main(
    clips: Annotated[Path, typer.Option(help="Folder of bright clips")],
    model: Annotated[str, typer.Option(help="A shipped model, a file, or gamma")] = "deepspg",
    frames: Annotated[int, typer.Option(min=MIN_FRAMES, help="How many of each clip")] = 24,
    pattern: Annotated[str, typer.Option(help="Which of the clips")] = "day_*.mp4",
    device: Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="Where it runs")] = "auto",
    steady: Annotated[float, typer.Option(min=0, max=1, help="How firmly noise is averaged")] = 1.0,
    json_only: Annotated[bool, typer.Option("--json-only", help="No progress bar")] = False,
) -> None:
    """Prints how close to the truth and how steady a model is on darkened clips."""
    try:
        settings = EnhanceSettings(model=model, device=device, steady=steady)
        said = evaluate(_found(clips, pattern), frames, model, settings, bar=not json_only)
    except CoreError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2 if isinstance(error, SettingsError) else 1) from error
    print(json.dumps(said, allow_nan=False))


if __name__ == "__main__":
    typer.run(main)
