"""Measures a model on pairs of dark and bright pictures, in the convention of the low-light papers.

``python -m scripts.evaluate --low DIR --high DIR`` matches files by stem;
``python -m scripts.evaluate --pairs CSV --split val`` reads a table of `id, low, high, scene,
split`, whose paths are relative to it; ``--kind lol-v2-real --pairs DIR --split test`` a data set
that is named in `core.training.layouts`. The last line printed is one JSON object; a PSNR of null
is infinite: the pictures were equal.

The model runs as it does in the product, semantic prior, highlight protection and dithered 8 bits
included, but in single precision, so that figures are the same on every machine. The model `gamma`
is a baseline that knows nothing: the sample in [0, 1] to the power of 1/2.2.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Annotated, Literal, cast

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from core.enhance.enhancer import Enhancer, open_backend
from core.enhance.plan import Machine, resolve
from core.errors import CoreError, SettingsError
from core.frame import Frame
from core.model import checkpoint
from core.settings import EnhanceSettings
from core.training.layouts import Kind
from core.training.metrics import scores
from core.training.perceptual import Perceptual
from scripts.pairs import Files, Held, laid_out, listed, matched

Picture = NDArray[np.uint8]
GAMMA = 2.2
PRECISION = "float32"
FRAME_SECONDS = Fraction(1, 25)


@dataclass(frozen=True, slots=True)
class Method:
    """Something that makes pictures bright, and how to name it in a table."""

    film: Callable[[Iterable[Picture]], Iterator[Picture]]
    """The frames of one clip in turn; of the clip before it, nothing is kept."""
    sha256: str | None
    prior: str | None
    device: str

    def brighten(self, dark: Picture) -> Picture:
        """A picture, which to the product is a clip of its own."""
        return next(self.film([dark]))


def gamma(dark: Picture) -> Picture:
    """The baseline: one fixed curve for every picture, so it never peeks at the reference."""
    return np.rint((dark / 255.0) ** (1 / GAMMA) * 255).astype(np.uint8)


@contextmanager
def open_method(model: str, settings: EnhanceSettings) -> Iterator[Method]:
    """The model, or the baseline.

    Raises:
        CoreError: there is no such model or device.
    """
    if model == "gamma":
        yield Method(partial(map, gamma), None, None, "cpu")
        return
    loaded = checkpoint.load(checkpoint.find(model), "deepspg")
    device = resolve(settings, Machine.probe()).device
    # Otherwise a GPU rounds the factors of single-precision products to 10 bits.
    torch.backends.cudnn.allow_tf32 = False
    backend = open_backend(loaded, device, PRECISION)
    with ThreadPoolExecutor(1) as pool:

        def film(frames: Iterable[Picture]) -> Iterator[Picture]:
            enhancer = Enhancer(backend, pool, settings)
            for number, dark in enumerate(frames):
                yield cast(Picture, enhancer(Frame(dark, number, FRAME_SECONDS)).pixels)

        yield Method(film, loaded.sha256, loaded.header.get("prior", "none"), device)


def measure(
    method: Method, pairs: Sequence[Files | Held], others: Perceptual | None, *, bar: bool
) -> dict[str, float]:
    """Means of the scores over all pairs, and of the seconds a picture took."""
    # The first picture also loads the prior, which is not the method's speed.
    method.brighten(pairs[0].read()[0])
    console = Console(stderr=True)
    shown = track(pairs, "Evaluating", console=console, transient=True, disable=not bar)
    rows = [_row(method, pair, others) for pair in shown]
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def _row(method: Method, pair: Files | Held, others: Perceptual | None) -> dict[str, float]:
    dark, reference = pair.read()
    started = time.perf_counter()
    bright = method.brighten(dark)
    seconds = time.perf_counter() - started
    more = {} if others is None else others(bright, reference)
    return {**scores(bright, reference), **more, "seconds_per_image": seconds}


def evaluate(
    pairs: Sequence[Files | Held],
    model: str,
    split: str | None,
    settings: EnhanceSettings,
    others: Perceptual | None = None,
    *,
    bar: bool,
) -> dict[str, object]:
    """What the last line says."""
    with open_method(model, settings) as method:
        means = measure(method, pairs, others, bar=bar)
    rounded = {
        name: round(value, 4) if math.isfinite(value) else None for name, value in means.items()
    }
    return {
        "model": model,
        "sha256": method.sha256,
        "prior": method.prior,
        "pairs": len(pairs),
        "split": split,
        **rounded,
        "device": method.device,
        "precision": PRECISION,
    }


def _choose(
    low: Path | None, high: Path | None, table: Path | None, kind: Kind, split: str
) -> Sequence[Files | Held]:
    if table is not None and low is None and high is None:
        return listed(table, split) if kind == "pairs-csv" else laid_out(kind, table, split)
    if table is None and low is not None and high is not None:
        return matched(low, high)
    raise SettingsError("Give either --low and --high, or --pairs, which names its own files.")


def _open_perceptual() -> Perceptual:
    others = Perceptual()
    for name, why in others.left_out.items():
        typer.echo(f"{name} is left out: {why}.", err=True)
    return others


def main(
    low: Annotated[Path | None, typer.Option(help="Folder of dark pictures")] = None,
    high: Annotated[Path | None, typer.Option(help="Folder of their references")] = None,
    pairs: Annotated[Path | None, typer.Option(help="Table of pairs, or a data set")] = None,
    kind: Annotated[Kind, typer.Option(help="How --pairs is laid out")] = "pairs-csv",
    split: Annotated[str, typer.Option(help="Which rows or half of it")] = "val",
    model: Annotated[str, typer.Option(help="A shipped model, a file, or gamma")] = "deepspg",
    device: Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="Where it runs")] = "auto",
    perceptual: Annotated[bool, typer.Option(help="Also NIQE and LPIPS, if at hand")] = False,
    json_only: Annotated[bool, typer.Option("--json-only", help="No progress bar")] = False,
) -> None:
    """Prints PSNR and SSIM, plain and with the reference's mean."""
    try:
        found = _choose(low, high, pairs, kind, split)
        settings = EnhanceSettings(model=model, device=device)
        others = _open_perceptual() if perceptual else None
        named = split if pairs else None
        said = evaluate(found, model, named, settings, others, bar=not json_only)
    except CoreError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2 if isinstance(error, SettingsError) else 1) from error
    print(json.dumps(said, allow_nan=False))


if __name__ == "__main__":
    typer.run(main)
