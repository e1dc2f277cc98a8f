"""The command line of `lowlux live`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from app import options
from app.window import open_window
from core.errors import SettingsError, WriterError
from core.media.recording_name import check_recording_path
from core.run.record_ledger import RecordWish, Track
from core.settings import EnhanceSettings, LiveSettings

_ENHANCE = EnhanceSettings()
_LIVE = LiveSettings()


def live(
    source: Annotated[
        str | None,
        typer.Option(help="A video file, an rtsp:// or http:// address, camera: or test:."),
    ] = None,
    headless: Annotated[
        bool, typer.Option("--headless", help="Run without a window; the options below need it.")
    ] = False,
    record: Annotated[
        Path | None, typer.Option(help="Where the enhanced picture is recorded: .mkv or .mp4.")
    ] = None,
    record_original: Annotated[
        Path | None, typer.Option(help="Where the original is recorded, on the same clock.")
    ] = None,
    record_side_by_side: Annotated[
        Path | None, typer.Option(help="Where both beside each other are; two records at most.")
    ] = None,
    segment_minutes: Annotated[
        float | None, typer.Option(help="Begin a new file after so many minutes.", min=0.01)
    ] = None,
    segment_mib: Annotated[
        int | None, typer.Option(help="Begin a new file after so many MiB.", min=1)
    ] = None,
    duration: Annotated[
        float | None, typer.Option(help="Seconds from the first frame to the end.", min=0.1)
    ] = None,
    model: options.ModelName = _ENHANCE.model,
    device: options.DeviceName = _ENHANCE.device,
    strength: options.Strength = _ENHANCE.strength,
    protect_highlights: options.ProtectHighlights = _ENHANCE.protect_highlights,
    steady: options.Steady = _ENHANCE.steady,
    prior_every: options.PriorEvery = _ENHANCE.prior_every,
    plan: Annotated[str, options.worded(LiveSettings, "plan")] = _LIVE.plan,
    auto: Annotated[bool, options.worded(LiveSettings, "auto")] = _LIVE.auto,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Show a camera, a stream or a file bright while it plays, and record it."""
    settings = LiveSettings.model_validate(
        {"enhance": options.chosen(EnhanceSettings, locals()), "plan": plan, "auto": auto}
    )
    paths: dict[Track, Path | None] = {
        "enhanced": record,
        "original": record_original,
        "side_by_side": record_side_by_side,
    }
    limits = (segment_minutes, segment_mib)
    if headless:
        _live(source, settings, _wish(paths, *limits), duration, as_json=as_json)
    elif settings != _LIVE or as_json or any((*paths.values(), *limits, duration)):
        raise SettingsError(
            "Only --source goes with the window; the other options need --headless."
        )
    else:
        raise typer.Exit(open_window(source))


def _wish(
    wished: Mapping[Track, Path | None], minutes: float | None, mib: int | None
) -> RecordWish | None:
    """What is to be recorded; none where nothing is."""
    paths = {track: path for track, path in wished.items() if path is not None}
    if not paths and (minutes or mib):
        raise SettingsError("--segment-minutes and --segment-mib need something to be recorded.")
    try:
        for path in paths.values():
            check_recording_path(path)
    except WriterError as error:
        raise SettingsError(str(error)) from error
    if not paths:
        return None
    seconds, size = minutes and 60 * minutes, mib and mib * 2**20
    return RecordWish(paths, segment_seconds=seconds, segment_bytes=size)


def _live(
    source: str | None,
    settings: LiveSettings,
    wish: RecordWish | None,
    duration: float | None,
    *,
    as_json: bool,
) -> None:
    if source is None:
        raise SettingsError("--headless needs --source: a video file, an address, or test:.")
    # PyTorch takes a second or two to import, so a wrong command line must not wait for it.
    from app.live import run_headless

    run_headless(source, settings, wish, duration, as_json=as_json)
