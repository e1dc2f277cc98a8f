"""Takes the figures the project speaks of: ``python -m scripts.bench complexity``, for one.

    complexity      parameters and multiply-adds, against the paper's
    pipeline CLIP   how fast each stage is alone, and all of them together
    memory CLIP     whether memory stays the same when a clip is longer
    startup CLIP    how long until the first frame is done
    live CLIP       whether a live run keeps time: decode, enhance, paint, record
    batch           what a second worker is worth, in processes and on a Dask cluster

Every figure comes as a table, and with --json as one JSON object on standard output. Speed is a
matter of the machine: it is taken on an idle one and told with the device it was taken on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from core.errors import CoreError, SettingsError
from core.model.deepspg import CONFIGS
from core.model.hrnet import PriorConfig
from core.run.heap import settle_heap
from core.settings import EnhanceSettings, LiveSettings
from scripts import bench_batch, bench_pipeline, bench_program
from scripts.bench_pipeline import STAGES
from scripts.complexity import SIZES, count_network, count_prior, size_name

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)

PAPER = {"deepspg": (0.55, 6.91), "deepspg-large": (2.13, 26.03)}
"""Millions of parameters, and thousand millions of multiply-adds at 256x256."""
NOT_COUNTED = "element-wise work, normalisation, pooling and interpolation"
AsJson = Annotated[bool, typer.Option("--json", help="Also print one JSON object.")]
Clip = Annotated[Path, typer.Argument(help="A dark clip.")]
Model = Annotated[str, typer.Option(help="A shipped model, or a file.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]


# Complexity


@app.command()
def complexity(as_json: AsJson = False) -> None:
    """Count parameters and multiply-adds, and set them against the paper's."""
    said: dict[str, Any] = {name: count_network(config) for name, config in CONFIGS.items()}
    for name, (parameters, multiply_adds) in PAPER.items():
        said[name] |= {"paper_parameters_m": parameters, "paper_multiply_adds_g": multiply_adds}
    said["hrnet-w18-small"] = count_prior(PriorConfig())
    columns = ["", "parameters", *map(size_name, SIZES), "paper"]
    rows = [
        [name, f"{row['parameters'] / 1e6:.3f} M", *_billions(row), _paper(name)]
        for name, row in said.items()
    ]
    title = f"G (thousand millions) of multiply-adds; not counted: {NOT_COUNTED}"
    _tell(said | {"not_counted": NOT_COUNTED}, title, columns, rows, as_json=as_json)


def _billions(row: Mapping[str, Any]) -> list[str]:
    return [f"{row[f'multiply_adds_{size_name(size)}'] / 1e9:.2f}" for size in SIZES]


def _paper(name: str) -> str:
    return "{:.2f} M/{:.2f} G".format(*PAPER[name]) if name in PAPER else "-"


# Pipeline


@app.command()
def pipeline(
    clip: Clip,
    frames: Annotated[int, typer.Option(min=2, help="How many frames of it.")] = 60,
    repeats: Annotated[int, typer.Option(min=1, help="Rounds after the warm-up.")] = 3,
    model: Model = "deepspg",
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Time decoding, network and encoding alone, and the whole, on the same frames."""
    settings = EnhanceSettings.model_validate({"model": model, "device": device})
    said = bench_pipeline.pipeline(_existing(clip), frames, repeats, settings)
    rows = [[name, f"{said[f'{name}_fps']:.2f}", _percent(said, name)] for name in STAGES]
    title = f"{said['size']} on {said['device']}, {said['precision']}: the whole runs at "
    title += f"{said['whole_over_slowest']:.2f} of the speed of {said['slowest']} alone"
    _tell(said, title, ["", "frames a second", "share of the work"], rows, as_json=as_json)


def _percent(said: Mapping[str, Any], name: str) -> str:
    return f"{said[f'{name}_share']:.0%}" if f"{name}_share" in said else "-"


# Memory


@app.command()
def memory(
    clip: Clip,
    loops: Annotated[int, typer.Option(min=2, help="How often the long clip repeats it.")] = 10,
    frames: Annotated[int | None, typer.Option(min=2, help="Cut it to so many frames.")] = None,
    model: Model = "deepspg",
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Compare the peak memory of enhancing a clip with that of the same clip many times over."""
    wishes = ["--model", model, "--device", device]
    said = bench_program.memory(_existing(clip), loops, frames, wishes)
    rows = [
        ["once", f"{said['once_mib']:.0f}"],
        [f"{loops} times", f"{said['looped_mib']:.0f}"],
        ["ratio", f"{said['ratio']:.3f}"],
    ]
    _tell(said, "Peak resident memory", ["", "MiB"], rows, as_json=as_json)


# Startup


@app.command()
def startup(
    clip: Clip,
    repeats: Annotated[int, typer.Option(min=1, help="How often.")] = 3,
    model: Model = "deepspg",
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Time the program from its start to its first line of progress."""
    wishes = ["--model", model, "--device", device]
    said = bench_program.startup(_existing(clip), repeats, wishes)
    rows = [["best", f"{said['best_seconds']:.2f}"], ["median", f"{said['median_seconds']:.2f}"]]
    _tell(said, "From start to first progress", ["", "seconds"], rows, as_json=as_json)


# Live


@app.command()
def live(
    clip: Clip,
    seconds: Annotated[float, typer.Option(min=1, help="After it has settled.")] = 20.0,
    model: Model = "deepspg",
    device: Device = "auto",
    plan: Annotated[str, typer.Option(help="auto, fast or full.")] = "auto",
    as_json: AsJson = False,
) -> None:
    """Play a clip into a window off-screen, enhanced and recorded, and count what was in time."""
    from scripts import bench_live  # brings Qt along

    wished = {"enhance": {"model": model, "device": device}, "plan": plan}
    said = bench_live.live(_existing(clip), LiveSettings.model_validate(wished), seconds)
    rows = [[name.replace("_", " "), str(value)] for name, value in said.items()]
    _tell(said, f"{clip.name}, live", ["", ""], rows, as_json=as_json)


app.command("batch")(bench_batch.main)


# All


def _existing(clip: Path) -> Path:
    if not clip.is_file():
        raise SettingsError(f"There is no clip {clip}: check the path.")
    return clip


def _tell(
    said: Mapping[str, Any],
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    as_json: bool,
) -> None:
    """The table; with JSON it makes way for it and goes to standard error."""
    table = Table(*columns, title=title)
    for row in rows:
        table.add_row(*row)
    Console(stderr=as_json).print(table)
    if as_json:
        print(json.dumps(said, allow_nan=False))


def main() -> None:
    """Runs the command line; 2 is wrong usage and 1 a failure."""
    settle_heap()  # as the program does
    try:
        app()
    except CoreError as error:
        typer.echo(str(error), err=True)
        raise SystemExit(2 if isinstance(error, SettingsError) else 1) from error


if __name__ == "__main__":
    main()
