"""The command line of `lowlux batch`."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from app import options
from core.errors import SettingsError
from core.settings import PURPOSES, BatchSettings, EncodeSettings, EnhanceSettings, Purpose

_ENHANCE = EnhanceSettings()
_BATCH = BatchSettings()
_PURPOSES = "; ".join(f"{name}: {purpose.why}" for name, purpose in PURPOSES.items())


def batch(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The folder the bright ones go into.")
    ],
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="INPUT...", help="Videos and folders; - reads names from a pipe."),
    ] = None,
    names: Annotated[
        Path | None, typer.Option("--list", help="A text with one input a line.")
    ] = None,
    purpose: Annotated[
        str | None, typer.Option("--for", help=f"Quality of the encode. {_PURPOSES}.")
    ] = None,
    codec: Annotated[str | None, options.worded(EncodeSettings, "codec")] = None,
    crf: Annotated[int | None, options.worded(EncodeSettings, "crf")] = None,
    preset: Annotated[str | None, options.worded(EncodeSettings, "preset")] = None,
    model: options.ModelName = _ENHANCE.model,
    device: options.DeviceName = _ENHANCE.device,
    strength: options.Strength = _ENHANCE.strength,
    protect_highlights: options.ProtectHighlights = _ENHANCE.protect_highlights,
    steady: options.Steady = _ENHANCE.steady,
    prior_every: options.PriorEvery = _ENHANCE.prior_every,
    name: Annotated[str, options.worded(BatchSettings, "name")] = _BATCH.name,
    include: Annotated[list[str] | None, options.worded(BatchSettings, "include")] = None,
    exclude: Annotated[list[str] | None, options.worded(BatchSettings, "exclude")] = None,
    only_dark: Annotated[
        bool, typer.Option("--only-dark", help=options.described(BatchSettings, "only_dark"))
    ] = False,
    workers: Annotated[int | None, options.worded(BatchSettings, "workers")] = None,
    cluster: Annotated[
        str | None,
        typer.Option("--cluster", help="tcp:// or tls:// address of a Dask scheduler, or local."),
    ] = None,
    chunk_seconds: Annotated[
        float, options.worded(BatchSettings, "chunk_seconds")
    ] = _BATCH.chunk_seconds,
    min_free: Annotated[int | None, options.worded(BatchSettings, "min_free")] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help=options.described(BatchSettings, "overwrite"))
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would be done, how long and how large.")
    ] = False,
    log: Annotated[
        Path | None, typer.Option("--log", help="Instead of lowlux-batch.log in the output folder.")
    ] = None,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Make a folder of dark videos bright overnight; the same command goes on after a crash."""
    encode, suffix = _encoding(purpose, codec=codec, crf=crf, preset=preset)
    settings = BatchSettings.model_validate(
        {
            "enhance": options.chosen(EnhanceSettings, locals()),
            "encode": encode,
            "suffix": suffix,
            "name": name,
            "include": include or (),
            "exclude": exclude or (),
            "only_dark": only_dark,
            "workers": workers,
            "chunk_seconds": chunk_seconds,
            "min_free": min_free,
            "overwrite": overwrite,
        }
    )
    found = _inputs(inputs or [], names)
    # PyTorch takes a second or two to import, so a wrong command line must not wait for it.
    from app.batch import run_batch

    code = run_batch(found, output, settings, log, cluster, dry_run=dry_run, as_json=as_json)
    raise typer.Exit(code)


def _encoding(purpose: str | None, **wishes: str | int | None) -> tuple[dict[str, Any], str | None]:
    """How to encode for a purpose, but for what is wished otherwise; and the outputs' suffix."""
    if purpose is not None and purpose not in PURPOSES:
        raise SettingsError(f"--for {purpose} is none of {', '.join(PURPOSES)}.")
    meant = PURPOSES[purpose] if purpose else Purpose(encode=EncodeSettings(), suffix=None, why="")
    given = {name: wish for name, wish in wishes.items() if wish is not None}
    return meant.encode.model_dump() | given, meant.suffix


def _inputs(inputs: list[Path], names: Path | None) -> list[Path]:
    """All that are named, on the command line, in a list and on standard input."""
    from core.run.inputs import read_list

    found = [path for path in inputs if path != Path("-")]
    if Path("-") in inputs:
        found += read_list(sys.stdin)
    if names is not None:
        try:
            found += read_list(names.read_text(encoding="utf-8-sig").splitlines())
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"The list {names} cannot be read: {error}") from error
    if not found:
        raise SettingsError("Give at least one video or folder.")
    return found
