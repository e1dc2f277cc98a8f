"""A manifest that is read is the one that was written, or is refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from core.errors import CoreError, SourceOpenError, WriterError
from core.media.keyframes import Chunk
from core.run.chunk_task import ChunkDone
from core.run.identity import FileMark, Identity, SourceMark
from core.run.journal import Journal, Piece
from core.run.manifest import (
    Manifest,
    Part,
    Recipe,
    is_made,
    manifest_path,
    output_of,
    read,
    save,
)
from core.run.sample import Means, Sample
from core.settings import EncodeSettings, EnhanceSettings

IDENTITY = Identity(
    source=SourceMark(size=5, mtime_ns=1, ends_sha256="1" * 64),
    enhance=EnhanceSettings(),
    encode=EncodeSettings(),
    chunk_seconds=10.0,
    only_dark=True,
    device="cpu",
    precision="float32",
    model_sha256="2" * 64,
    program="0.1.0",
)
MEANS = Means(device="cpu", name="a processor", precision="float32", threads=2, libraries=())
THIRD = Fraction(1001, 30000)
CHUNKS = (Chunk(0, Fraction(0), THIRD), Chunk(1, THIRD, None))


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    file = tmp_path / 'a "seal": film.mp4'
    file.write_bytes(b"night")
    return Manifest(
        source=FileMark.of(file),
        output=FileMark.of(file),
        recipe=Recipe(
            identity=IDENTITY, parts=(Part(chunk=CHUNKS[0], frames=3),), warm_up=1.28, threads=2
        ),
        prior="none",
        prior_sha256="",
        frames=3,
        times_sha256="3" * 64,
        sound=(),
        sample=(Sample(pts=1001, sha256="4" * 64, db=41.5, means=MEANS),),
        least_db=35.5,
        checks=(),
    )


def written(manifest: Manifest, output: Path, change: Callable[[bytes], bytes]) -> Path:
    """The manifest on the disk after a change."""
    save(manifest, output)
    path = manifest_path(output)
    path.write_bytes(change(path.read_bytes()))
    return path


def test_what_is_read_is_what_was_written(manifest: Manifest, tmp_path: Path) -> None:
    output = tmp_path / "film.mp4"
    saved = save(manifest, output)
    assert read(output) == saved
    assert saved.model_copy(update={"seal": manifest.seal}) == manifest
    assert [path.name for path in tmp_path.glob("film*")] == ["film.mp4.lowlux.json"]
    said = json.loads(manifest_path(output).read_text())
    assert said["recipe"]["parts"][0]["chunk"]["end"] == "1001/30000"
    assert said["created"].endswith("Z")
    assert said["source"]["sha256"] == hashlib.sha256(b"night").hexdigest()


def test_writing_again_replaces_it(manifest: Manifest, tmp_path: Path) -> None:
    output = tmp_path / "film.mp4"
    first = save(manifest, output)
    assert save(first, output) == first
    save(manifest.model_copy(update={"frames": 4}), output)
    assert read(output).frames == 4


def test_every_byte_that_is_changed_is_noticed(manifest: Manifest, tmp_path: Path) -> None:
    output = tmp_path / "film.mp4"
    save(manifest, output)
    path = manifest_path(output)
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(CoreError, match="was changed since it was written"):
            read(output)


def test_only_what_is_there_unchanged_is_made(manifest: Manifest, tmp_path: Path) -> None:
    output = tmp_path / "film.mp4"
    output.write_bytes(b"night")
    save(manifest, output)
    assert is_made(output, IDENTITY)
    assert not is_made(output, IDENTITY.model_copy(update={"program": "0.2.0"}))
    output.write_bytes(b"sight")
    assert not is_made(output, IDENTITY)
    output.unlink()
    assert not is_made(output, IDENTITY)


@pytest.mark.parametrize(
    "change", [lambda _: b"", lambda _: b"[]", lambda t: t[:-9], lambda t: t * 2]
)
def test_a_torn_manifest_is_refused(
    manifest: Manifest, tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    output = tmp_path / "film.mp4"
    written(manifest, output, change)
    with pytest.raises(CoreError, match="was changed since it was written"):
        read(output)


def resealed(text: bytes, old: str, new: str) -> bytes:
    """Changed by a program that knows how to seal."""
    seal = json.loads(text)["seal"].encode()
    blank = text.replace(seal, b"0" * 64).replace(old.encode(), new.encode())
    return blank.replace(b"0" * 64, hashlib.sha256(blank).hexdigest().encode())


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('"layout": 2', '"layout": 1', r"is of another layout \(1\); use the LowLux that wrote"),
        ('"frames": 3', '"pictures": 3', "is of another version; use the LowLux that wrote"),
    ],
)
def test_another_version_is_refused(
    manifest: Manifest, tmp_path: Path, old: str, new: str, sentence: str
) -> None:
    output = tmp_path / "film.mp4"
    written(manifest, output, lambda text: resealed(text, old, new))
    with pytest.raises(CoreError, match=sentence):
        read(output)


def test_no_manifest_and_no_folder_are_named(manifest: Manifest, tmp_path: Path) -> None:
    with pytest.raises(CoreError, match=r"film\.mp4\.lowlux\.json is not there"):
        read(tmp_path / "film.mp4")
    with pytest.raises(WriterError, match=r"manifest of .*gone/film\.mp4 could not be written"):
        save(manifest, tmp_path / "gone" / "film.mp4")
    with pytest.raises(SourceOpenError, match="gone cannot be read"):
        FileMark.of(tmp_path / "gone")


def test_an_output_is_known_by_either_name() -> None:
    output = Path("night/film.mp4")
    assert output_of(manifest_path(output)) == output_of(output) == output


def test_a_recipe_follows_the_journal() -> None:
    done = [
        ChunkDone(1, 5, 10, "5" * 64, 1.0, 0.5, 1, 0, True, "", ""),
        ChunkDone(0, 8, 10, "6" * 64, 1.0, 0.5, 1, 2, False, "cpu", "float32"),
    ]
    pieces = (Piece(chunk=CHUNKS[0]), Piece(chunk=CHUNKS[1], copied=True, luma=0.6))
    journal = Journal(identity=IDENTITY, pieces=pieces, done=tuple(done))
    recipe = Recipe.of(journal, warm_up=0.5, threads=3)
    assert recipe.frames == 13
    assert [part.frames for part in recipe.parts] == [8, 5]
    assert recipe.parts[0].dropped == 2
    assert recipe.copied == (recipe.parts[1],)
    assert (recipe.warm_up, recipe.threads) == (0.5, 3)
