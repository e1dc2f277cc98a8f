"""From what a person types to a live source."""

from __future__ import annotations

import re
from os.path import isfile
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from core.errors import SettingsError
from core.media.camera import open_camera
from core.media.camera_format import CameraWish
from core.media.faults import FaultPlan, Faulty
from core.media.live_file import LiveFile
from core.media.test_pattern import PatternSettings, TestPattern
from core.settings import Model

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.media.live import LiveSource

# One letter is a drive, not a scheme. A mistyped scheme must not pass for a file's name: messages
# repeat those, and an address may hold a password.
_SCHEME = re.compile(r"\s*([^:/?#\\]{2,}):")
_Options = TypeVar("_Options", bound=Model)


class _FileSettings(Model):
    """What may follow a file's name after a question mark."""

    loop: bool = False


def open_live(uri: str) -> LiveSource:
    """Open whatever an address names.

    Args:
        uri: a video file (`clip.mp4`, `clip.mp4?loop=1`), an `rtsp://` or `http://` address, a
            camera (`camera:` for the first, `camera:ID`,
            `camera:ID?size=1280x720&rate=30&format=MJPG&keep_rate=1`), a test pattern
            (`test:?size=1280x720&rate=30&seconds=2&dark=0.05&noise=2&seed=1`), or any of them
            with faults (`fault:drop=0.05,late=0.02,seed=3:test:`).

    Raises:
        SettingsError: the address or one of its options is wrong.
        SourceOpenError: the source could not be opened.
    """
    match = _SCHEME.match(uri)
    if match is None or isfile(uri):
        return _open_file(uri)
    scheme = match[1].strip().lower()
    if scheme not in OPENERS:
        raise SettingsError(
            f"There is no source of the kind {scheme!r}: give a video file or an address that "
            f"begins with {', '.join(f'{known}:' for known in OPENERS)}"
        )
    return OPENERS[scheme](uri.strip())


def _open_file(uri: str) -> LiveSource:
    path, _, options = uri.rpartition("?")
    if not path or isfile(uri):
        return LiveFile(Path(uri))
    return LiveFile(Path(path), loop=_read_options(_FileSettings, options, "&").loop)


def _open_test(uri: str) -> LiveSource:
    options = uri.partition(":")[2].removeprefix("?")
    return TestPattern(_read_options(PatternSettings, options, "&"))


def _open_fault(uri: str) -> LiveSource:
    _, faults, behind = [*uri.split(":", 2), ""][:3]
    plan = _read_options(FaultPlan, faults, ",")
    if not behind:
        raise SettingsError(
            "fault: says nothing on what is to fail; put a source behind it, "
            "as in fault:drop=0.05,late=0.02:test:"
        )
    return Faulty(open_live(behind), plan)


def _open_stream(uri: str) -> LiveSource:
    # GStreamer takes its time to start, and not everybody has it.
    from core.media.rtsp import open_stream

    return open_stream(uri)


def _open_camera(uri: str) -> LiveSource:
    wanted, _, options = uri.partition(":")[2].partition("?")
    return open_camera(wanted, _read_options(CameraWish, options, "&"))


OPENERS: dict[str, Callable[[str], LiveSource]] = {
    "rtsp": _open_stream,
    "rtsps": _open_stream,
    "http": _open_stream,
    "https": _open_stream,
    "camera": _open_camera,
    "test": _open_test,
    "fault": _open_fault,
}
"""What opens an address, by its scheme; all else is a file."""


def _read_options(kind: type[_Options], text: str, separator: str) -> _Options:
    """Options like `rate=30`, checked against the fields they fill."""
    pairs = [pair.partition("=") for pair in text.split(separator) if pair]
    try:
        return kind.model_validate({name: value for name, _, value in pairs})
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        known = ", ".join(kind.model_fields)
        raise SettingsError(
            f"The option {name!r} of the address is wrong ({first['msg']}); options are {known}"
        ) from error
