"""Measures the fast path against the whole network, on the same pictures and clips.

``python -m scripts.evaluate_fast --pairs CSV --clips DIR --fast-model deepspg-lite``

`full` is the `Enhancer` in single precision, `fast` the `FastEnhancer`, whose network answers as
late as it may: each answer is taken up when the next is asked for. Pictures are clips of one frame.
Scores are those of `scripts.evaluate`, the figures of clips those of `scripts.evaluate_clips`;
`halo` is explained at its function. `reference` is how much the bright clips change by themselves:
what changes less has lost some of what moves. The last line printed is one JSON object; `lower_db`
says how much PSNR the fast path lost.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any, cast

import cv2
import numpy as np
import typer
from numpy.typing import NDArray

from core.enhance.enhancer import open_backend
from core.enhance.fast import FastEnhancer
from core.errors import CoreError, SettingsError
from core.frame import Frame
from core.model import checkpoint
from core.settings import EnhanceSettings
from core.training.metrics import luma, match_mean, scores
from scripts.dark_clips import stage
from scripts.evaluate import FRAME_SECONDS, PRECISION, Method, open_method
from scripts.evaluate_clips import MIN_FRAMES, Figures, means_of, measure, of_reference, rounded
from scripts.pairs import Files, Picture, listed

STRONG = 60.0
"""A step of so many levels across a few pixels is an edge that may have a halo."""
NEAR_PX, FAR_PX = (3, 9), (12, 28)
"""Distances from an edge between which a halo lies, and between which it is over."""
AROUND_PX = 65
"""Side of the windows in which both are compared."""
LEAST_SHARE = 0.01
"""Of a window that must lie near, and far, to be compared."""


class LateExecutor(Executor):
    """Computes when a result can be waited for no longer, in the thread that waits."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Notes what is to be done."""
        return _Late(lambda: fn(*args, **kwargs))


class _Late(Future[Any]):
    def __init__(self, compute: Callable[[], Any]) -> None:
        super().__init__()
        self._compute = compute

    def result(self, timeout: float | None = None) -> Any:
        if not self.done():
            self.set_result(self._compute())
        return super().result(timeout)


@contextmanager
def open_fast(model: str, side: int, cadence: int, *, follows: bool = True) -> Iterator[Method]:
    """The fast path on the CPU.

    Raises:
        CoreError: there is no such model.
    """
    settings = EnhanceSettings(model=model, device="cpu")
    loaded = checkpoint.load(checkpoint.find(model), "deepspg")
    backend = open_backend(loaded, settings.device, PRECISION)

    def film(frames: Iterable[Picture]) -> Iterator[Picture]:
        enhancer = FastEnhancer(
            *(backend, LateExecutor(), settings, side, cadence), follows=follows
        )
        for number, dark in enumerate(frames):
            yield cast(Picture, enhancer(Frame(dark, number, FRAME_SECONDS)).pixels)

    yield Method(film, loaded.sha256, loaded.header.get("prior", "none"), settings.device)


def halo(picture: Picture, reference: Picture) -> float:
    """How much brightness changes towards edges where it should not, in levels of 255.

    Beside each strong edge of the reference, on its bright and on its dark side, the error near it
    is set against the error further off, averaged over a window; what differs is halo or glow.
    """
    truth = luma(reference).astype(np.float32)
    error = luma(match_mean(picture, reference)).astype(np.float32) - truth
    near, far = _bands(truth)
    bright = truth > cv2.blur(truth, (AROUND_PX, AROUND_PX))
    found = [_differences(error, near & half, far & half) for half in (bright, ~bright)]
    every = np.concatenate(found)
    return float(every.mean()) if every.size else 0.0


def _bands(truth: NDArray[np.float32]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where is near an edge, and where further off."""
    smooth = cv2.GaussianBlur(truth, (0, 0), 1.0)
    steps = [cv2.Sobel(smooth, cv2.CV_32F, *way, ksize=3, scale=0.5) for way in ((1, 0), (0, 1))]
    plain = (np.hypot(*steps) < STRONG).astype(np.uint8)
    distance = cv2.distanceTransform(plain, cv2.DIST_L2, 3)
    near, far = ((distance >= least) & (distance < most) for least, most in (NEAR_PX, FAR_PX))
    return near, far


def _differences(
    error: NDArray[np.float32], near: NDArray[np.bool_], far: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Between the mean errors of two areas, in all windows that hold enough of both."""
    means, enough = [], np.ones_like(near)
    for area in (near, far):
        weight = cv2.blur(area.astype(np.float32), (AROUND_PX, AROUND_PX))
        enough &= weight > LEAST_SHARE
        total = cv2.blur(error * area, (AROUND_PX, AROUND_PX))
        means.append(total / np.maximum(weight, LEAST_SHARE))
    return cast("NDArray[np.float32]", np.abs(means[0] - means[1])[enough])


def of_pairs(method: Method, pairs: Sequence[Files]) -> Figures:
    """Means over pictures."""
    rows = []
    for pair in pairs:
        dark, reference = pair.read()
        bright = method.brighten(dark)
        rows.append({**scores(bright, reference), "halo": halo(bright, reference)})
    return means_of(rows)


def of_clips(method: Method, clips: Sequence[Path], frames: int) -> Figures:
    """Means over darkened clips."""
    rows = []
    for seed, path in enumerate(clips):
        scene = stage(path, frames, seed)
        moving = list(method.film(scene.moving.dark))
        halos = [halo(*pair) for pair in zip(moving, scene.moving.bright, strict=True)]

        def brighten(take: Any) -> NDArray[np.uint8]:
            return np.stack(list(method.film(take.dark)))

        rows.append({**measure(brighten, scene), "halo": float(np.mean(halos))})
    return means_of(rows)


def references(clips: Sequence[Path], frames: int) -> Figures:
    """How much the bright clips change by themselves, means over clips."""
    scenes = (stage(path, frames, seed) for seed, path in enumerate(clips))
    return means_of([of_reference(scene.moving.bright) for scene in scenes])


def compare(full: Method, fast: Method, figures: Callable[[Method], Figures]) -> dict[str, object]:
    """Both ways' figures."""
    found = {"full": figures(full), "fast": figures(fast)}
    lower = found["full"]["psnr"] - found["fast"]["psnr"]
    said = {way: rounded(row) for way, row in found.items()}
    return {**said, "lower_db": round(lower, 2) if math.isfinite(lower) else None}


def _clips_in(folder: Path, pattern: str) -> list[Path]:
    paths = sorted(folder.glob(pattern))
    if not paths:
        raise SettingsError(f"No file in {folder} is named like {pattern}: check --clips.")
    return paths


def evaluate(
    pairs: Sequence[Files],
    clips: Sequence[Path],
    models: tuple[str, str],
    pace: tuple[int, int],
    frames: int,
    *,
    follows: bool,
) -> dict[str, object]:
    """What the last line says; `models` are the full and the fast one, `pace` side and cadence."""
    with ExitStack() as stack:
        settings = EnhanceSettings(model=models[0], device="cpu")
        full = stack.enter_context(open_method(models[0], settings))
        fast = stack.enter_context(open_fast(models[1], *pace, follows=follows))
        said: dict[str, object] = {
            "full": {"model": models[0], "sha256": full.sha256},
            "fast": {"model": models[1], "sha256": fast.sha256},
            "side": pace[0],
            "cadence": pace[1],
            "follows": follows,
            "precision": PRECISION,
        }
        if pairs:
            found = compare(full, fast, lambda method: of_pairs(method, pairs))
            said["pairs"] = {"count": len(pairs), **found}
        if clips:
            found = compare(full, fast, lambda method: of_clips(method, clips, frames))
            said["clips"] = {
                "names": [p.stem for p in clips],
                "frames": frames,
                "reference": rounded(references(clips, frames)),
                **found,
            }
    return said


def main(
    pairs: Annotated[Path | None, typer.Option(help="Table of pairs")] = None,
    split: Annotated[str, typer.Option(help="Which of its rows")] = "val",
    clips: Annotated[Path | None, typer.Option(help="Folder of bright clips")] = None,
    pattern: Annotated[str, typer.Option(help="Which of the clips")] = "day_*.mp4",
    frames: Annotated[int, typer.Option(min=MIN_FRAMES, help="How many of each clip")] = 24,
    model: Annotated[str, typer.Option(help="The full way's model, or a file")] = "deepspg",
    fast_model: Annotated[str, typer.Option(help="The fast way's")] = "deepspg-lite",
    side: Annotated[int, typer.Option(min=64, help="Longer side of the small pictures")] = 384,
    cadence: Annotated[int, typer.Option(min=1, help="One in so many frames is shown")] = 2,
    follow: Annotated[bool, typer.Option(help="Average along with what moves")] = True,
) -> None:
    """Prints how close the fast path comes to the whole network."""
    try:
        if pairs is None and clips is None:
            raise SettingsError("Nothing to measure on: give --pairs, --clips, or both.")
        found = listed(pairs, split) if pairs else []
        filmed = _clips_in(clips, pattern) if clips else []
        said = evaluate(found, filmed, (model, fast_model), (side, cadence), frames, follows=follow)
    except CoreError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2 if isinstance(error, SettingsError) else 1) from error
    print(json.dumps(said, allow_nan=False))


if __name__ == "__main__":
    typer.run(main)
