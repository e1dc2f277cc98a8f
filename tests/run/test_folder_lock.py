"""Two batches never write into one folder; one that was killed holds nobody up."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from core.errors import SettingsError, WriterError
from core.run.folder_lock import LOCK_NAME, FolderLock
from tests.small_disk import small_disk


def write_lock(folder: Path, **other: object) -> None:
    begun = psutil.Process().create_time()
    owner = {"host": socket.gethostname(), "pid": os.getpid(), "begun": begun}
    (folder / LOCK_NAME).write_text(json.dumps(owner | other))


def test_the_second_batch_is_refused_and_the_third_is_not(tmp_path: Path) -> None:
    with FolderLock(tmp_path), pytest.raises(SettingsError, match=f"process {os.getpid()}"):
        FolderLock(tmp_path)
    with FolderLock(tmp_path) as lock:
        assert not lock.was_stale
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_is_gone_holds_nothing(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    write_lock(tmp_path, pid=gone.pid)
    with FolderLock(tmp_path) as lock:
        assert lock.was_stale
    assert list(tmp_path.iterdir()) == []


def test_a_number_that_is_used_again_is_another_process(tmp_path: Path) -> None:
    write_lock(tmp_path, begun=1.0)
    with FolderLock(tmp_path) as lock:
        assert lock.was_stale


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"host": 1}'])
def test_a_damaged_lock_is_stale(tmp_path: Path, content: str) -> None:
    (tmp_path / LOCK_NAME).write_text(content)
    with FolderLock(tmp_path) as lock:
        assert lock.was_stale


def test_nobody_can_tell_of_another_machine(tmp_path: Path) -> None:
    write_lock(tmp_path, host="elsewhere")
    with pytest.raises(SettingsError, match=r"on elsewhere.*delete"):
        FolderLock(tmp_path)


def test_a_lock_that_another_took_over_is_left_alone(tmp_path: Path) -> None:
    with FolderLock(tmp_path):
        write_lock(tmp_path, host="elsewhere")
    assert (tmp_path / LOCK_NAME).exists()


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(WriterError, match="cannot be locked"):
        FolderLock(tmp_path / "gone")


def test_a_lock_that_does_not_fit_leaves_nothing(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 100_000) as disk:
        (disk.seen / "out").mkdir()
        disk.fill()
        with pytest.raises(WriterError, match=r"No space left.*free some space"):
            FolderLock(disk.seen / "out")
        assert list((disk.seen / "out").iterdir()) == []
