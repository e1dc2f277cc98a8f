"""The command line of `lowlux verify`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from app.options import AsJson, Debug
from core.errors import SettingsError

if TYPE_CHECKING:
    from core.run.verify import Verdict

FAILED = 1
ALL = "all"

# File names are told as they are: neither [brackets] nor :words: mean anything.
_out = Console(soft_wrap=True, markup=False, emoji=False, highlight=False)


def verify(
    outputs: Annotated[
        list[Path], typer.Argument(metavar="OUTPUT...", help="What lowlux batch made.")
    ],
    frames: Annotated[
        str, typer.Option(help=f"How many frames are enhanced again and compared, or {ALL}.")
    ] = "5",
    source: Annotated[
        Path | None, typer.Option(help="What the output was made of, if it lies elsewhere now.")
    ] = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Tell whether outputs are still what was made of their sources, by their manifests."""
    count = _count(frames)
    if source is not None and (len(outputs) > 1 or not source.is_file()):
        raise SettingsError(f"--source {source} has to be a file, and goes with one output.")
    # PyTorch takes a second or two to import, so a wrong command line must not wait for it.
    from core.run.manifest import manifest_path, output_of
    from core.run.verify import verify as look_into

    films = list(dict.fromkeys(map(output_of, outputs)))
    for film in films:
        if not film.is_file() and not manifest_path(film).is_file():
            raise SettingsError(f"{film} is no file: give films that lowlux batch made.")
    passed = True
    for film in films:
        verdict = look_into(film, source=source, count=count)
        _tell(verdict, as_json=as_json)
        passed = passed and verdict.passed
    if not passed:
        raise typer.Exit(FAILED)


def _count(frames: str) -> int | None:
    if frames == ALL:
        return None
    if not frames.isdecimal() or int(frames) < 1:
        raise SettingsError(f"--frames {frames} is neither a number from 1 on nor {ALL}.")
    return int(frames)


def _tell(verdict: "Verdict", *, as_json: bool) -> None:
    if as_json:
        said = {"event": "verdict", "passed": verdict.passed, **verdict.model_dump(mode="json")}
        _out.print(json.dumps(said))
        return
    _out.print(str(verdict.output))
    for check in verdict.checks:
        _out.print(f"  {'passed' if check.passed else 'FAILED':<8}{check.name:<10}{check.detail}")
