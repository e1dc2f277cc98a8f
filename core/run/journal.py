"""What is already done of a film, so that no night's work is lost.

Note [journal]
    Beside the output lie `OUTPUT.lowlux-journal.json` and the folder `OUTPUT.lowlux-chunks`. Every
    update writes the whole journal under another name, flushes it to the disk and renames it; a
    chunk is entered only after its own file was. So whenever the power fails, what the journal
    tells is true, and at most the chunks that were under way are lost. Both go when the film is
    complete.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from typing import TYPE_CHECKING, Final, Literal

from pydantic import TypeAdapter, ValidationError

from core.errors import WriterError
from core.media.atomic import PartFile
from core.media.keyframes import Chunk
from core.run.chunk_task import ChunkDone
from core.run.identity import Identity
from core.settings import Model

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LAYOUT: Final = 3
"""Of this record; any other is not used."""


class Piece(Model):
    """A chunk, and what is to be done with it."""

    chunk: Chunk
    copied: bool = False
    """The source's packets are copied: bright enough."""
    luma: float | None = None
    """Of its darkest picture, on average over the picture, as a share of white; if measured."""


class Journal(Model):
    """What is known and done of a film. Every step makes a new one."""

    layout: Literal[3] = LAYOUT
    identity: Identity
    pieces: tuple[Piece, ...]
    """In order of time; together they are the film."""
    reason: str = ""
    """Why nothing is copied although only the dark parts were to be enhanced."""
    done: tuple[ChunkDone, ...] = ()
    """In the order they were finished."""

    def with_done(self, done: ChunkDone) -> Journal:
        """One chunk further; what was known of that chunk is replaced."""
        others = tuple(chunk for chunk in self.done if chunk.number != done.number)
        return self.model_copy(update={"done": (*others, done)})

    @property
    def left(self) -> list[Piece]:
        """What is still to be done, in order of time."""
        done = {chunk.number for chunk in self.done}
        return [piece for piece in self.pieces if piece.chunk.number not in done]

    @property
    def mark(self) -> str:
        """Tells a film made of these very chunks from any other: 16 hexadecimal digits."""
        digest = hashlib.sha256(self.identity.source.model_dump_json().encode())
        for done in sorted(self.done, key=lambda chunk: chunk.number):
            digest.update(done.sha256.encode())
        return digest.hexdigest()[:16]


def journal_path(output: Path) -> Path:
    """Where the journal of an output lies."""
    return output.with_name(f"{output.name}.lowlux-journal.json")


def chunk_folder(output: Path) -> Path:
    """Where the chunks of an output lie until they are joined."""
    return output.with_name(f"{output.name}.lowlux-chunks")


def chunk_path(output: Path, number: int) -> Path:
    """The file of one chunk."""
    return chunk_folder(output) / f"{number:06d}.chunk"


def save(journal: Journal, output: Path) -> None:
    """Put a journal on the disk, and the folder of its chunks; see Note [journal].

    Raises:
        WriterError: the disk is full or gone; the journal before this one is still there.
    """
    part = PartFile(journal_path(output), overwrite=True)
    try:
        chunk_folder(output).mkdir(exist_ok=True)
        part.path.write_text(journal.model_dump_json(indent=1), encoding="utf-8")
    except OSError as error:
        part.discard()
        raise WriterError(
            f"The journal of {output} could not be written ({error.strerror}); free some space"
        ) from error
    part.commit()


def resume(output: Path, identity: Identity) -> tuple[Journal | None, str]:
    """What an earlier run left of this very film, cleared of what it did not finish.

    Chunks whose files are missing or not as they were are to be done again. What cannot be used
    is removed, but for a damaged journal: that is kept aside with `.damaged` in its name.

    Args:
        output: of the film.
        identity: of the film that is to be made now.

    Returns:
        The journal, or None and why the film is begun afresh; no reason where it is the first
        time.

    Raises:
        WriterError: what is there can be neither read nor removed.
    """
    _remove_parts(output)
    path = journal_path(output)
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        _remove_folder(output)
        return None, ""
    except OSError as error:
        raise WriterError(f"{path} cannot be read ({error.strerror}); delete it") from error
    journal, reason = _parse(text, path)
    if journal is not None:
        reason = identity.differs_from(journal.identity)
    if journal is None or reason:
        clear(output)
        return None, reason
    return _with_whole_chunks(journal, output), ""


def clear(output: Path) -> None:
    """Remove the journal and the chunks of an output.

    Raises:
        WriterError: they cannot be removed.
    """
    try:
        journal_path(output).unlink(missing_ok=True)
    except OSError as error:
        raise _stuck(journal_path(output), error) from error
    _remove_folder(output)


def chunk_files(journal: Journal, output: Path) -> Sequence[Path]:
    """The files of all chunks of a film, in order of time."""
    return [chunk_path(output, piece.chunk.number) for piece in journal.pieces]


def _parse(text: bytes, path: Path) -> tuple[Journal | None, str]:
    try:
        written = json.loads(text)
        if isinstance(written, dict) and written.get("layout") not in (None, LAYOUT):
            return None, "its journal is of another version"
        return TypeAdapter(Journal).validate_json(text), ""
    except (ValueError, ValidationError):
        aside = _name_aside(path)
        os.replace(path, aside)
        return None, f"its journal was damaged and is kept as {aside.name}"


def _name_aside(path: Path) -> Path:
    names = [f"{path.name}.damaged", *(f"{path.name}.damaged-{n}" for n in range(2, 1000))]
    return next(path.with_name(name) for name in names if not path.with_name(name).exists())


def _with_whole_chunks(journal: Journal, output: Path) -> Journal:
    whole = tuple(done for done in journal.done if _is_whole(done, output))
    return journal.model_copy(update={"done": whole})


def _is_whole(done: ChunkDone, output: Path) -> bool:
    try:
        with chunk_path(output, done.number).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == done.sha256
    except OSError:
        return False


def _remove_parts(output: Path) -> None:
    """What a killed run was just writing; the lock on the folder says that none is now."""
    folder = chunk_folder(output)
    for parent in (output.parent, folder):
        for path in parent.glob("*.part") if parent.is_dir() else ():
            name = re.sub(r"\.[0-9a-f]{8}\.part$", "", path.name)
            if parent == folder or name in (output.name, journal_path(output).name):
                path.unlink(missing_ok=True)


def _remove_folder(output: Path) -> None:
    folder = chunk_folder(output)
    try:
        if folder.exists():
            shutil.rmtree(folder)
    except OSError as error:
        raise _stuck(folder, error) from error


def _stuck(path: Path, error: OSError) -> WriterError:
    return WriterError(f"{path} could not be removed ({error.strerror}); remove it by hand")
