"""A file that was changed is another one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.errors import SourceOpenError
from core.run.identity import FileMark, SourceMark


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.mp4"
    path.write_bytes(bytes(range(256)) * 12_000)
    return path


@pytest.mark.parametrize("place", [0, -1])
def test_a_changed_byte_of_the_source_is_seen(source: Path, place: int) -> None:
    before, status = SourceMark.of(source), source.stat()
    content = bytearray(source.read_bytes())
    content[place] ^= 1
    source.write_bytes(content)
    os.utime(source, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert SourceMark.of(source) != before


@pytest.mark.parametrize("mark", [FileMark, SourceMark])
def test_a_file_that_is_gone_is_named(
    mark: type[FileMark] | type[SourceMark], tmp_path: Path
) -> None:
    with pytest.raises(SourceOpenError, match=r"gone\.mp4 cannot be read"):
        mark.of(tmp_path / "gone.mp4")
