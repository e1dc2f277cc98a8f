"""What a recording is called, while it is written and after.

Note [recording name]
    While it is written a file is called `walk.recording.mkv`; a crash leaves it so. A clean stop
    gives it its name. An MP4 is copied into a plain one first, index in front, because not every
    player knows fragments.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from core.errors import SettingsError, WriterError
from core.media.atomic import refuse_output
from core.media.codecs import CONTAINERS

if TYPE_CHECKING:
    from pathlib import Path


def recording_name(path: Path) -> Path:
    """What a file is called while it is recorded: `walk.mkv` is `walk.recording.mkv`."""
    return path.with_name(f"{path.stem}.recording{path.suffix}")


def check_recording_path(path: Path) -> None:
    """Refuse what cannot work before the camera is opened.

    Raises:
        SettingsError: the suffix is of a container that cannot be recorded into.
        WriterError: the folder, or another file, is in the way.
    """
    if CONTAINERS.get(path.suffix.lower(), "webm") == "webm":
        raise SettingsError(f"{path.name} cannot be recorded into; name it .mkv or .mp4")
    if path.is_file():
        raise WriterError(f"{path} exists already; choose another name")
    refuse_output(path, None, overwrite=False)
    left = recording_name(path)
    if left.exists():
        raise WriterError(
            f"{left} is there from a recording that broke off; rename it or choose another name"
        )


def rename_whole(source: Path, target: Path) -> None:
    """Give a file its name once all of it is on the disk; may raise an OSError."""
    with source.open("rb+") as file, contextlib.suppress(OSError):
        os.fsync(file.fileno())
    source.rename(target)
