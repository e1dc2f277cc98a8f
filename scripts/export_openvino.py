"""Makes the 8-bit network that the fast path runs on a processor.

``python -m scripts.export_openvino deepspg-lite --recipe assets/recipes/deepspg-lite.toml`` writes
NAME.int8.xml and NAME.int8.bin beside the weights, stamped with their SHA-256. It is calibrated
with crops such as the network learned from. What is lost is measured on the `val` pairs of LOL-v1,
as the product runs it, at the size of the fast path; nothing is written when that is too much. The
last line printed is one JSON object.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, cast

import cv2
import nncf
import numpy as np
import openvino
import typer
from numpy.typing import NDArray

from core.enhance.backends.on_openvino import STAMP, OpenVinoBackend, convert, export_path
from core.enhance.enhancer import open_backend, set_up_thread
from core.enhance.finish import Look
from core.errors import CoreError, SettingsError
from core.model import checkpoint
from core.model.checkpoint import Checkpoint
from core.model.deepspg import DeepSPG
from core.training.datasets import Mixture, PairCrops
from core.training.layouts import DataSource, open_pairs
from core.training.metrics import psnr
from core.training.recipe import Recipe, read_recipe

Picture = NDArray[np.uint8]
Crops = Sequence[NDArray[np.float32]]
Brighten = Callable[[Picture], Picture]

# What the light is worked out from spans a thousandfold: eight bits are far too few for it.
KEPT = [".*decompose.*", ".*network/aten::.*"]
"""Left in floating point: the decomposition, and the guided filter at the end."""


def quantise(network: DeepSPG, crops: Crops) -> openvino.Model:
    """The network in 8 bits, for pictures of any size.

    Args:
        network: one without a prior.
        crops: float (1, 3, H, W) in [0, 1], dark as it will meet them.
    """
    nncf.set_log_level(logging.ERROR)
    return nncf.quantize(
        convert(network, has_prior=False),
        nncf.Dataset(crops),
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(crops),
        ignored_scope=nncf.IgnoredScope(patterns=KEPT, validate=False),
    )


def save(model: openvino.Model, loaded: Checkpoint, path: Path) -> None:
    """Writes `path` and its `.bin`, stamped."""
    model.set_rt_info(loaded.sha256, STAMP)
    openvino.save_model(model, path, compress_to_fp16=False)


def dark_crops(wanted: Recipe, data: Path, count: int, side: int) -> Crops:
    """Crops as a recipe's network learned from, (1, 3, side, side).

    Raises:
        SettingsError: its data cannot be read.
    """
    mixtures = [
        Mixture(open_pairs(source, data), source.weight, source.reduced) for source in wanted.data
    ]
    # Another seed than training's: quantities are to be measured on what it has not seen so.
    crops = PairCrops(mixtures, side, wanted.schedule.seed + 1)
    return [np.ascontiguousarray(crops[index][0][None].numpy()) for index in range(count)]


def loss(
    loaded: Checkpoint, export: Path, precision: str, pairs: Sequence[tuple[Picture, Picture]]
) -> dict[str, float]:
    """Decibels against the references: of PyTorch in float32, of the export, between the two."""
    around = open_backend(loaded, "cpu", "float32")
    network = cast("DeepSPG", loaded.network)
    ours = OpenVinoBackend(around, network, precision, 1, export)
    rows = []
    for dark, bright in pairs:
        full, small = (
            cast("Picture", backend.enhance(dark, None, Look())) for backend in (around, ours)
        )
        rows.append((psnr(full, bright), psnr(small, bright), _square(small, full)))
    before, after, error = np.mean(rows, 0)
    between = 10 * math.log10(255**2 / max(error, 1e-9))
    return {
        "psnr_float32": round(before, 3),
        "psnr_int8": round(after, 3),
        "loss_db": round(before - after, 3),
        "psnr_between": round(between, 2),
    }


def _square(one: Picture, other: Picture) -> float:
    return float(np.mean((one.astype(np.float64) - other) ** 2))


def validation_pairs(source: DataSource, data: Path, side: int) -> list[tuple[Picture, Picture]]:
    """The pairs that a training run is judged on, the longer side this many pixels."""
    pairs = open_pairs(source, data)
    return [
        (_smaller(cast("Picture", pair.dark), side), _smaller(pair.bright, side)) for pair in pairs
    ]


def _smaller(picture: Picture, side: int) -> Picture:
    scale = side / max(picture.shape[:2])
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def main(
    model: Annotated[str, typer.Argument(help="A shipped model, or a file.")],
    recipe: Annotated[Path, typer.Option(help="Of its training: where crops come from.")],
    data: Annotated[Path, typer.Option(help="The data root.")] = Path("../shared/data"),
    crops: Annotated[int, typer.Option(min=8, help="Crops to calibrate with.")] = 96,
    crop: Annotated[int, typer.Option(min=64, help="Their side, in pixels.")] = 256,
    side: Annotated[int, typer.Option(min=64, help="Validate at this longer side.")] = 384,
    most_loss: Annotated[float, typer.Option(help="Write nothing beyond it, in dB.")] = 0.1,
) -> None:
    """Quantise, measure, and write the export if it is good enough."""
    try:
        said = _export(checkpoint.find(model), recipe, data, crops, crop, side, most_loss)
    except CoreError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    typer.echo(json.dumps(said))


def _export(
    weights: Path, recipe: Path, data: Path, crops: int, crop: int, side: int, most_loss: float
) -> dict[str, Any]:
    set_up_thread(1)
    loaded = checkpoint.load(weights, "deepspg")
    network = cast("DeepSPG", loaded.network)
    if loaded.header.get("prior", "none") != "none":
        raise SettingsError(f"{weights} needs a prior: only networks without one are exported.")
    wanted, final = read_recipe(recipe), export_path(weights)
    model = quantise(network, dark_crops(wanted, data, crops, crop))
    pairs = validation_pairs(wanted.validation, data, side)
    with TemporaryDirectory(dir=weights.parent) as folder:
        export = Path(folder) / final.name
        save(model, loaded, export)
        said: dict[str, Any] = {
            precision: loss(loaded, export, precision, pairs)
            for precision in ("float32", "bfloat16")
        }
        worst = max(figures["loss_db"] for figures in said.values())
        if worst > most_loss:
            raise SettingsError(f"8 bits lose {worst} dB, more than {most_loss}: nothing written.")
        # Whoever finds the .xml must find its numbers.
        for suffix in (".bin", ".xml"):
            export.with_suffix(suffix).replace(final.with_suffix(suffix))
    size = sum(final.with_suffix(suffix).stat().st_size for suffix in (".bin", ".xml"))
    return (
        {"model": weights.stem, "sha256": loaded.sha256, "pairs": len(pairs)}
        | said
        | {
            "export": final.name,
            "bytes": size,
        }
    )


if __name__ == "__main__":
    typer.run(main)
