"""What the user is told once, in one or two sentences."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from core.errors import CoreError

if TYPE_CHECKING:
    from pathlib import Path

    from core.run.recorder import Recorded


@dataclass(frozen=True, slots=True)
class Notice:
    """Something has happened."""

    kind: Literal["done", "trouble"]
    """Good news or bad news."""
    text: str
    """In plain words; bears no secret."""
    folder: Path | None = None
    """Where to look; none where there is nothing to be seen."""
    files: tuple[Recorded, ...] = field(default=())
    """What was recorded."""


def notice_of_files(files: tuple[Recorded, ...]) -> Notice:
    """What became of a recording, and whether it is as it should be."""
    if not files:
        sentence = "Nothing was recorded: no picture came. Check the source and record again."
        return Notice("trouble", sentence)
    fine = are_fine(files)
    names = ", ".join(file.path.name for file in files)
    seconds = max(file.seconds for file in files)
    verdict = "saved and checked" if fine else "saved, but not as it should be"
    notes = [file.note for file in files if file.note]
    text = " ".join([f"{names}: {seconds:.1f} s, {verdict}.", *notes])
    return Notice("done" if fine else "trouble", text, files[0].path.parent, files)


def notice_of_error(error: BaseException) -> Notice:
    """What failed; an error nobody foresaw may repeat an address, so its words are in the log."""
    if isinstance(error, CoreError):
        return Notice("trouble", str(error))
    return Notice(
        "trouble", f"Unexpected {type(error).__name__}; save a support bundle and report it."
    )


def are_fine(files: tuple[Recorded, ...]) -> bool:
    """Whether every file was checked and holds what it should."""
    return all(file.checked for file in files)
