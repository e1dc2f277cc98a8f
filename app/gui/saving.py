"""Names for what is saved, and the pictures of a snapshot."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import numpy as np

from core.errors import WriterError
from core.media.photo import Photo, write_photo
from core.run.record_ledger import RecordWish

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from app.gui.preferences import RecordChoice
    from app.gui.view_contract import Pictures

_GAP_PX = 8


def record_wish(choice: RecordChoice, moment: datetime) -> RecordWish:
    """Where each track goes; makes the folder.

    Raises:
        WriterError: the folder cannot be made.
    """
    stem = free_stem(choice.folder, moment)
    return RecordWish(
        paths={
            track: choice.folder / f"{stem} {track.replace('_', ' ')}.{choice.container}"
            for track in choice.tracks
        },
        segment_seconds=60.0 * choice.segment_minutes or None,
        segment_bytes=choice.segment_mib * 2**20 or None,
    )


def write_snapshot(folder: Path, moment: datetime, pictures: Pictures) -> tuple[Path, ...]:
    """Original, enhanced, and both beside each other, as PNG.

    Raises:
        WriterError: they cannot be written there.
    """
    original, enhanced = pictures
    if original.shape == enhanced.shape:
        gap = np.zeros((original.shape[0], _GAP_PX, 3), np.uint8)
        beside = {"pair": np.hstack([original, gap, enhanced])}
    else:
        beside = {}
    stem = free_stem(folder, moment)
    paths = []
    for name, pixels in {"original": original, "enhanced": enhanced, **beside}.items():
        paths.append(folder / f"{stem} {name}.png")
        write_photo(paths[-1], Photo(np.ascontiguousarray(pixels)))
    return tuple(paths)


def free_stem(folder: Path, moment: datetime) -> str:
    """The beginning of a file's name that no file in the folder has yet; makes the folder.

    Raises:
        WriterError: the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        taken = [path.name for path in folder.iterdir()]
    except OSError as error:
        raise WriterError(
            f"The folder {folder} cannot be used ({error.strerror}); choose another one"
        ) from error
    stem = f"LowLux {moment:%Y-%m-%d %H.%M.%S}"
    names = (stem if number == 1 else f"{stem} ({number})" for number in count(1))
    return next(name for name in names if not any(old.startswith(f"{name} ") for old in taken))
