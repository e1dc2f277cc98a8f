"""Metadata from one container to another: what the user wrote stays, what the muxer says goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from fractions import Fraction

    from av.container.core import Chapter

OUR_KEY = "lowlux"
"""The key that says a file was enhanced; the user's comment and encoder are left alone."""

_ABOUT_THE_FILE = {
    "major_brand", "minor_version", "compatible_brands", "encoder", "duration", "vendor_id",
    "rotate", "bps", "number_of_frames", "number_of_bytes",
}  # fmt: skip
"""True of the input file only; the muxer writes its own."""


def container_tags(metadata: Mapping[str, str], container: str, tag: str) -> dict[str, str]:
    """The container's metadata with our key added."""
    return {**_kept(metadata, container), OUR_KEY: tag}


def stream_tags(metadata: Mapping[str, str], container: str) -> dict[str, str]:
    """A stream's metadata; MP4 calls its title a name, Matroska a title."""
    kept = _kept(metadata, container)
    names = {key.lower(): key for key in kept}
    if "name" in names and "title" not in names:
        kept["title"] = kept.pop(names["name"])
    if kept.get("language") == "und":
        del kept["language"]
    return kept


def shifted_chapters(
    chapters: Sequence[Chapter], shift: Fraction, end: Fraction | None
) -> list[Chapter]:
    """Chapters as they stand in the trimmed film; those outside are gone.

    Args:
        chapters: of the input.
        shift: seconds cut off at the front.
        end: seconds of the input at which the film stops; None keeps all.
    """
    kept: list[Chapter] = []
    for chapter in chapters:
        unit = chapter["time_base"]
        if unit is None:
            continue
        first = max(chapter["start"] - round(shift / unit), 0)
        stop = chapter["end"] if end is None else min(chapter["end"], round(end / unit))
        if stop - round(shift / unit) > first:
            moved: Chapter = {**chapter, "start": first, "end": stop - round(shift / unit)}
            kept.append(moved)
    return kept


def _kept(metadata: Mapping[str, str], container: str) -> dict[str, str]:
    """Matroska writes keys in capitals; MP4 only knows them in small letters."""
    lower = container in {"mp4", "mov"}
    return {
        (key.lower() if lower and key.isupper() else key): value
        for key, value in metadata.items()
        if key.lower() not in _ABOUT_THE_FILE and not key.startswith("_STATISTICS")
    }
