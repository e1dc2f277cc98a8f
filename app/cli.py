"""The command line: `lowlux live`, `enhance`, `batch` and `info`; alone it opens the window.

Exit codes: 0 done, 1 the job failed, 2 wrong usage, 130 interrupted.
"""

import logging
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from pydantic import ValidationError

from app import options
from app.batch_command import batch
from app.discreet import DiscreetFormatter, addresses_in, without_logins, without_secrets
from app.live_command import live
from app.report import open_report, show_info, tell_error
from app.verify import verify
from app.window import open_window
from core.errors import CoreError, SettingsError, WriterError
from core.media.atomic import refuse_output
from core.media.photo import is_photo
from core.media.writer import check_output
from core.run.background import tell_of_failed_threads
from core.settings import (
    EncodeSettings,
    EnhanceSettings,
    JobSettings,
    TrimSettings,
)

DONE, FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130
_log = logging.getLogger(__name__)

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
app.command()(live)
app.command()(batch)
app.command()(verify)


@app.callback(invoke_without_command=True)
def lowlux(context: typer.Context) -> None:
    """See in the dark: makes dark video and photographs bright; alone it opens the window."""
    if context.invoked_subcommand is None:
        raise typer.Exit(open_window(None))


_ENHANCE = EnhanceSettings()
_ENCODE = EncodeSettings()


@app.command()
def enhance(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="A dark video or photograph.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the bright one goes.")],
    model: options.ModelName = _ENHANCE.model,
    device: options.DeviceName = _ENHANCE.device,
    strength: options.Strength = _ENHANCE.strength,
    protect_highlights: options.ProtectHighlights = _ENHANCE.protect_highlights,
    steady: options.Steady = _ENHANCE.steady,
    prior_every: options.PriorEvery = _ENHANCE.prior_every,
    codec: Annotated[str, options.worded(EncodeSettings, "codec")] = _ENCODE.codec,
    crf: Annotated[int, options.worded(EncodeSettings, "crf")] = _ENCODE.crf,
    preset: Annotated[str, options.worded(EncodeSettings, "preset")] = _ENCODE.preset,
    start: Annotated[float, options.worded(TrimSettings, "start")] = 0.0,
    end: Annotated[float | None, options.worded(TrimSettings, "end")] = None,
    compare: Annotated[
        str | None, typer.Option(help="side or split: show the original too.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the output if it exists.")
    ] = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Make a dark video or photograph bright, and keep everything else as it is."""
    given = locals()
    job = JobSettings.model_validate(
        {
            "input": source,
            "output": output,
            "enhance": options.chosen(EnhanceSettings, given),
            "encode": options.chosen(EncodeSettings, given),
            "trim": options.chosen(TrimSettings, given),
            "compare": compare,
            "overwrite": overwrite,
        }
    )
    _refuse(job)
    _enhance(job, as_json=as_json)


@app.command()
def info(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="A file to look into.")
    ] = None,
    debug: options.Debug = False,
) -> None:
    """Tell what this machine has, what would be done and why; or what a file holds."""
    from core.enhance.plan import Machine, resolve

    machine = Machine.probe()
    show_info(machine, resolve(_ENHANCE, machine), file)


def _refuse(job: JobSettings) -> None:
    """Says no to what cannot work before the network is loaded."""
    if not job.input.is_file():
        kind = "is a folder" if job.input.is_dir() else "does not exist"
        raise SettingsError(f"The input {job.input} {kind}: give a video or a photograph.")
    if job.trim.end is not None and job.trim.end <= job.trim.start:
        raise SettingsError(f"--end {job.trim.end:g} is not after --start {job.trim.start:g}.")
    if is_photo(job.input) != is_photo(job.output):
        raise SettingsError(
            f"{job.input.name} cannot become {job.output.name}: a photograph stays one."
        )
    if is_photo(job.input) and job.trim != TrimSettings():
        raise SettingsError("--start and --end are of a video; a photograph has one moment.")
    try:
        if is_photo(job.input):
            refuse_output(job.output, job.input, job.overwrite)
        else:
            check_output(job.output, job.input, overwrite=job.overwrite, settings=job.encode)
    except WriterError as error:
        raise SettingsError(str(error)) from error


def _enhance(job: JobSettings, *, as_json: bool) -> None:
    # PyTorch takes a second or two to import, so a wrong command line must not wait for it.
    from core.enhance.plan import Machine, resolve
    from core.model import checkpoint
    from core.run.transcode import enhance_photo, transcode

    loaded = checkpoint.load(checkpoint.find(job.enhance.model), "deepspg")
    plan = resolve(job.enhance, Machine.probe())
    with open_report(as_json=as_json) as report:
        if is_photo(job.input):
            summary = enhance_photo(job, loaded, plan)
        else:
            summary = transcode(job, loaded, plan, report.progress)
    report.summary(summary, plan)


_KEPT = {
    "batch": "the same command goes on from here.",
    "live": "what was recorded until now is kept.",
}
"""What an interrupted command leaves behind; the others leave nothing."""


def run(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns its exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    known, debug = addresses_in(arguments), "--debug" in arguments
    _log_discreetly(known, debug=debug)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        code = int(app(arguments, standalone_mode=False) or DONE)
    except Exception as error:
        if debug:
            sys.stderr.write(without_secrets(traceback.format_exc(), known))
        code, sentence = _explained(error)
        if sentence:
            tell_error(without_logins(sentence, known))
    except KeyboardInterrupt:
        code = INTERRUPTED
    if code == INTERRUPTED:  # the command line's parser turns most interrupts into this code
        kept = "nothing was left behind, and the input is as it was."
        tell_error(f"Interrupted: {_KEPT.get(''.join(arguments[:1]), kept)}")
    return code


def _log_discreetly(known: Sequence[str], *, debug: bool) -> None:
    """What is logged and has no other place to go, and what ends a thread, bears no secret."""
    # The window logs into a file: a handler of our own would keep it from that.
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(DiscreetFormatter("%(message)s", known, traces=debug))
    tell_of_failed_threads(
        lambda error: _log.error(
            "A thread failed (%s); run again with --debug and report it",
            type(error).__name__,
            exc_info=error,
        )
    )


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _explained(error: Exception) -> tuple[int, str]:
    """The exit code, and what is to be told; empty where nothing is."""
    match error:
        case typer.Abort():
            return INTERRUPTED, ""
        case typer.Exit():
            return int(error.exit_code), ""
        case ValidationError():
            first = error.errors()[0]
            option = str(first["loc"][-1]).replace("_", "-")
            return WRONG_USAGE, f"--{option} {first['input']}: {first['msg']}."
        case SettingsError():
            return WRONG_USAGE, str(error)
        case CoreError():
            return FAILED, str(error)
    if hasattr(error, "format_message"):  # the command line's parser
        return WRONG_USAGE, error.format_message()  # empty where it printed its help instead
    name = type(error).__name__
    return FAILED, f"Unexpected {name}: {error}. Run again with --debug and report it."
