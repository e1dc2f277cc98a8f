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
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from core.enhance.enhancer import Enhancer, open_enhancer, set_up_thread
from core.enhance.plan import Machine, Plan, resolve
from core.errors import CoreError, SettingsError
from core.frame import Frame
from core.media.source import SourceInfo, open_source
from core.media.writer import VideoWriter
from core.model import checkpoint
from core.model.checkpoint import Checkpoint
from core.model.deepspg import CONFIGS
from core.model.hrnet import PriorConfig
from core.run.lanes import enhanced
from core.run.transcode import Progress, transcode
from core.settings import EnhanceSettings, JobSettings, LiveSettings, TrimSettings
from scripts import bench_batch
from scripts.complexity import SIZES, count_network, count_prior, size_name
from scripts.loop_clip import looped

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)

ROOT = Path(__file__).parents[1]
PAPER = {"deepspg": (0.55, 6.91), "deepspg-large": (2.13, 26.03)}
"""Millions of parameters, and thousand millions of multiply-adds at 256x256."""
NOT_COUNTED = "element-wise work, normalisation, pooling and interpolation"
STAGES = ("decode", "network", "encode", "whole")
PEAK = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(done.returncode)
"""
"""Runs a command and prints its peak. A program's peak includes that of the one it was started
from, so it is started from this small one and not from ours, which holds PyTorch."""

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


@dataclass(frozen=True, slots=True)
class Reel:
    """The frames that every stage is timed on, and how to read just them again."""

    path: Path
    info: SourceInfo
    frames: list[Frame]
    trim: TrimSettings


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
    plan = resolve(settings, Machine.probe())
    reel = _reel(clip, frames)
    said: dict[str, Any] = {
        "frames": len(reel.frames),
        "size": size_name((reel.info.width, reel.info.height)),
        "repeats": repeats,
        **{"device": plan.device, "precision": plan.precision, "lanes": plan.lanes},
        **_compared(_rounds(reel, plan, settings, repeats)),
    }
    rows = [[name, f"{said[f'{name}_fps']:.2f}", _percent(said, name)] for name in STAGES]
    title = f"{said['size']} on {plan.device}, {plan.precision}: the whole runs at "
    title += f"{said['whole_over_slowest']:.2f} of the speed of {said['slowest']} alone"
    _tell(said, title, ["", "frames a second", "share of the work"], rows, as_json=as_json)


def _percent(said: Mapping[str, Any], name: str) -> str:
    return f"{said[f'{name}_share']:.0%}" if f"{name}_share" in said else "-"


def _reel(clip: Path, count: int) -> Reel:
    """The first frames of a clip, in memory."""
    with open_source(_existing(clip)) as source:
        frames = list(islice(source, count + 1))
        info = source.info
    if len(frames) < 2:
        raise SettingsError(f"{clip} has {len(frames)} frames: at least two are needed.")
    if len(frames) <= count:
        return Reel(clip, info, frames, TrimSettings())
    # Half way to the frame that is left out, so that rounding cannot let it in.
    last, after = (frame.pts - frames[0].pts for frame in frames[-2:])
    end = float(Fraction(last + after, 2) * info.time_base)
    return Reel(clip, info, frames[:-1], TrimSettings(end=end))


def _rounds(
    reel: Reel, plan: Plan, settings: EnhanceSettings, repeats: int
) -> list[dict[str, float]]:
    """Frames a second of every stage, each round; the first round warms up and is left out.

    The stages take turns, so a machine that slows down slows them all.
    """
    loaded = checkpoint.load(checkpoint.find(settings.model), "deepspg")
    with _enhancer(loaded, plan, settings) as enhancer, TemporaryDirectory() as folder:
        job = JobSettings(
            input=reel.path,
            output=Path(folder) / f"whole{reel.path.suffix}",
            enhance=settings,
            trim=reel.trim,
            overwrite=True,
        )
        rounds = [_round(reel, enhancer, loaded, plan, job) for _ in range(1 + repeats)]
    return rounds[1:]


@contextmanager
def _enhancer(loaded: Checkpoint, plan: Plan, settings: EnhanceSettings) -> Iterator[Enhancer]:
    """As `transcode` makes it: the prior is refreshed beside the frames, on one thread."""
    with ThreadPoolExecutor(1, "prior", set_up_thread, (1,)) as pool:
        yield open_enhancer(loaded, plan, settings, pool)


def _round(
    reel: Reel, enhancer: Enhancer, loaded: Checkpoint, plan: Plan, job: JobSettings
) -> dict[str, float]:
    count = len(reel.frames)
    decode = _seconds(lambda: _decode(reel))
    bright: list[Frame] = []
    network = _seconds(lambda: bright.extend(_brighten(reel, enhancer, plan)))
    encode = _seconds(lambda: _encode(reel, bright, job))
    whole: list[Progress] = []
    transcode(job, loaded, plan, whole.append)
    if whole[-1].frames != count:
        raise CoreError(f"The whole had {whole[-1].frames} frames where its stages had {count}.")
    rates = {"decode": count / decode, "network": count / network, "encode": count / encode}
    return rates | {"whole": whole[-1].fps}


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _brighten(reel: Reel, enhancer: Enhancer, plan: Plan) -> list[Frame]:
    with enhanced(reel.frames, enhancer.begin, plan) as frames:
        return list(frames)


def _decode(reel: Reel) -> None:
    with open_source(reel.path, end=reel.trim.end) as source:
        for _ in source:
            pass


def _encode(reel: Reel, frames: Sequence[Frame], job: JobSettings) -> None:
    """To the finished file, sound and all, as in the whole."""
    path = job.output.with_stem("encoded")
    with VideoWriter(
        path, reel.info, job.encode, copy_from=reel.path, overwrite=True, trim=reel.trim
    ) as writer:
        for frame in frames:
            writer.write(frame)


def _compared(rounds: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """Medians over the rounds, and what follows from them."""
    rates = {name: statistics.median(row[name] for row in rounds) for name in STAGES}
    alone = {name: rate for name, rate in rates.items() if name != "whole"}
    slowest = min(alone, key=alone.__getitem__)
    work = sum(1 / rate for rate in alone.values())
    return {
        **{f"{name}_fps": round(rate, 3) for name, rate in rates.items()},
        **{f"{name}_share": round(1 / rate / work, 4) for name, rate in alone.items()},
        "slowest": slowest,
        "whole_over_slowest": round(rates["whole"] / alone[slowest], 4),
    }


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
    with TemporaryDirectory() as name:
        folder = Path(name)
        short = _existing(clip).resolve()
        if frames is not None:
            short = looped(short, folder / f"short{clip.suffix}", 1, frames)
        long = looped(short, folder / f"long{clip.suffix}", loops)
        once, often = (_peak_mib(path, folder, wishes) for path in (short, long))
    ratio = round(often / once, 4)
    said = {"loops": loops, "once_mib": once, "looped_mib": often, "ratio": ratio}
    rows = [["once", f"{once:.0f}"], [f"{loops} times", f"{often:.0f}"], ["ratio", f"{ratio:.3f}"]]
    _tell(said, "Peak resident memory", ["", "MiB"], rows, as_json=as_json)


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


def _command(clip: Path, output: Path, *wishes: str) -> list[str]:
    enhance = [sys.executable, "-m", "app", "enhance", str(clip), "-o", str(output)]
    return [*enhance, "--overwrite", "--json", *wishes]


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
    wishes = ["--end", "0.2", "--model", model, "--device", device]
    with TemporaryDirectory() as folder:
        output = Path(folder) / f"bright{clip.suffix}"
        command = _command(_existing(clip).resolve(), output, *wishes)
        took = [_first_line(command) for _ in range(repeats)]
    best, median = round(min(took), 3), round(statistics.median(took), 3)
    said = {"repeats": repeats, "best_seconds": best, "median_seconds": median}
    rows = [["best", f"{best:.2f}"], ["median", f"{median:.2f}"]]
    _tell(said, "From start to first progress", ["", "seconds"], rows, as_json=as_json)


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
    try:
        app()
    except CoreError as error:
        typer.echo(str(error), err=True)
        raise SystemExit(2 if isinstance(error, SettingsError) else 1) from error


if __name__ == "__main__":
    main()
