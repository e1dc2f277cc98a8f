"""What is done is on the disk, or it is not done."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from core.media.keyframes import Chunk
from core.run.chunk_task import ChunkDone
from core.run.identity import Identity
from core.run.journal import (
    LAYOUT,
    Journal,
    Piece,
    chunk_folder,
    chunk_path,
    clear,
    journal_path,
    resume,
    save,
)
from core.settings import EncodeSettings, EnhanceSettings
from tests.run.batch_parts import identity_of

SHA_OF_X = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.mp4"
    path.write_bytes(bytes(range(256)) * 12_000)
    return path


@pytest.fixture
def identity(source: Path) -> Identity:
    return identity_of(source)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "film.mp4"


@pytest.fixture
def journal(identity: Identity, output: Path) -> Journal:
    """Two chunks, one of them done and on the disk."""
    pieces = (
        Piece(chunk=Chunk(0, Fraction(0), Fraction(1001, 100))),
        Piece(chunk=Chunk(1, Fraction(1001, 100), None), copied=True, luma=0.5),
    )
    journal = Journal(identity=identity, pieces=pieces).with_done(done(0))
    save(journal, output)
    chunk_path(output, 0).write_bytes(b"x")
    return journal


def done(number: int) -> ChunkDone:
    return ChunkDone(number, 3, 1, SHA_OF_X, 1.5, 1.0, 1, 0, False, "cpu", "float32", ("So.",))


def test_what_was_saved_comes_back(journal: Journal, identity: Identity, output: Path) -> None:
    assert resume(output, identity) == (journal, "")
    assert [piece.chunk.number for piece in journal.left] == [1]


def test_a_chunk_done_again_counts_once(journal: Journal) -> None:
    assert journal.with_done(done(0)).done == journal.done


def test_the_mark_is_of_what_was_made_not_of_when(journal: Journal) -> None:
    whole = journal.with_done(done(1))
    assert whole.with_done(done(0)).mark == whole.mark
    assert whole.with_done(replace(done(1), sha256="f" * 64)).mark != whole.mark
    other = journal.identity.source.model_copy(update={"mtime_ns": 1})
    identity = journal.identity.model_copy(update={"source": other})
    assert whole.model_copy(update={"identity": identity}).mark != whole.mark


def test_nothing_is_no_reason(identity: Identity, output: Path) -> None:
    assert resume(output, identity) == (None, "")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"model_sha256": "b" * 64}, "the model has changed"),
        ({"program": "9.9.9"}, "begun with version 0.1.0"),
        ({"enhance": EnhanceSettings(strength=0.5)}, "a setting of the enhancement has changed"),
        ({"encode": EncodeSettings(crf=30)}, "a setting of the encoder has changed"),
        ({"device": "cuda"}, "the setting device has changed"),
    ],
)
def test_what_was_made_otherwise_is_not_used(
    journal: Journal, identity: Identity, output: Path, change: dict[str, object], reason: str
) -> None:
    found, why = resume(output, identity.model_copy(update=change))
    assert found is None
    assert reason in why
    assert not journal_path(output).exists()
    assert not chunk_folder(output).exists()


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b'{"layout": 3}'])
def test_a_damaged_journal_is_kept_aside(
    journal: Journal, identity: Identity, output: Path, content: bytes
) -> None:
    for again in ("", "-2"):
        journal_path(output).write_bytes(content)
        found, why = resume(output, identity)
        assert found is None
        aside = journal_path(output).with_name(f"{journal_path(output).name}.damaged{again}")
        assert aside.name in why
        assert aside.read_bytes() == content


def test_a_journal_of_another_version_is_told(
    journal: Journal, identity: Identity, output: Path
) -> None:
    written = json.loads(journal_path(output).read_text()) | {"layout": LAYOUT + 1}
    journal_path(output).write_text(json.dumps(written))
    assert resume(output, identity) == (None, "its journal is of another version")


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(b"y")])
def test_a_chunk_that_is_not_as_it_was_is_done_again(
    journal: Journal, identity: Identity, output: Path, harm: Callable[[Path], object]
) -> None:
    harm(chunk_path(output, 0))
    found, _ = resume(output, identity)
    assert found is not None
    assert [piece.chunk.number for piece in found.left] == [0, 1]


def test_what_was_just_being_written_is_removed(
    journal: Journal, identity: Identity, output: Path
) -> None:
    ours = [
        output.with_name("film.mp4.0123abcd.part"),
        journal_path(output).with_name(f"{journal_path(output).name}.0123abcd.part"),
        chunk_folder(output) / "000001.chunk.0123abcd.part",
    ]
    other = output.with_name("other.mp4.0123abcd.part")
    for path in (*ours, other):
        path.touch()
    resume(output, identity)
    assert not any(path.exists() for path in ours)
    assert other.exists()


def test_clearing_leaves_nothing(journal: Journal, output: Path, source: Path) -> None:
    clear(output)
    clear(output)
    assert list(output.parent.iterdir()) == [source]
