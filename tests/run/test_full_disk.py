"""The program itself on a disk that is really full: it waits or stops, and loses nothing."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from core.media.disk import RESERVE_BYTES
from core.run.journal import Journal, chunk_path, journal_path
from tests.conftest import Clip, night_picture
from tests.fakes import write_tiny_model
from tests.programs import ROOT, Program, Start, one_thread, programs, told
from tests.run.batch_parts import frames_of
from tests.small_disk import SmallDisk, small_disk

PATIENCE_S = 120
FRAMES = 80
CHUNK = 8
CLEAN = {"a.mp4", "a.mp4.lowlux.json", "lowlux-batch.log"}
MIB = 2**20
# Two films of about 1.7 MB a second; a recording stops two seconds before its reserve is touched.
LIVE_DISK = RESERVE_BYTES + 12 * MIB
PATTERN = "test:?size=640x360&noise=20"
A_SECOND = 30


def noisy(index: int, width: int, height: int) -> NDArray[np.uint8]:
    noise = np.random.default_rng(index).integers(0, 60, (height, width, 3), dtype=np.uint8)
    return night_picture(index, width, height) + noise


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny network, and a clip that is large for its ten chunks."""
    folder = tmp_path_factory.mktemp("night")
    (folder / "in").mkdir()
    clip = Clip(times=range(FRAMES), picture=noisy, options={"crf": "20"})
    clip.write(folder / "in" / "a.mp4")
    write_tiny_model(folder / "tiny.safetensors")
    return folder


@pytest.fixture(scope="module")
def whole(folder: Path) -> Path:
    """What a run with room enough makes of the clip."""
    subprocess.run(
        batch(folder, folder / "whole"), check=True, capture_output=True, cwd=ROOT,
        env=one_thread(), timeout=PATIENCE_S,
    )  # fmt: skip
    return folder / "whole" / "a.mp4"


def batch(folder: Path, output: Path, *more: str) -> list[str]:
    return [
        sys.executable, "-m", "app", "batch", str(folder / "in"), "-o", str(output), "--json",
        "--model", str(folder / "tiny.safetensors"), "--preset", "ultrafast", "--crf", "1",
        "--chunk-seconds", "0.1", "--workers", "1", *more,
    ]  # fmt: skip


@pytest.fixture
def begin() -> Iterator[Start]:
    """``begin(command)``; what still runs at the end of the test is stopped."""
    with programs() as start:
        yield start


def is_called(name: str) -> Callable[[dict[str, Any]], bool]:
    return lambda event: event["event"] == name


def ended(process: Program, code: int) -> dict[str, Any]:
    """The summary of a program that ends in this way."""
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == code, err
    summary: dict[str, Any] = json.loads(out.splitlines()[-1])
    assert summary["event"] == "summary"
    return summary


def test_a_batch_pauses_on_a_disk_that_fills_up_and_goes_on(
    folder: Path, whole: Path, begin: Start, tmp_path: Path
) -> None:
    size = whole.stat().st_size
    with small_disk(tmp_path / "disk", RESERVE_BYTES + 4 * size) as disk:
        disk.fill(leave=RESERVE_BYTES + size // 2)
        process = begin(disk.on(batch(folder, disk.folder / "out")))
        reason = told(process, is_called("paused"))["reason"]
        assert reason.startswith(f"The disk of {disk.folder / 'out'} has 6")
        assert reason.endswith(
            " MiB left, and 65 are needed; free some space, and the batch goes on"
        )
        done = journal_on(disk).done
        assert 0 < len(done) < FRAMES // CHUNK
        assert not (disk.seen / "out" / "a.mp4").exists()

        disk.empty()
        told(process, is_called("resumed"))
        assert ended(process, 0)["frames"] == FRAMES
        assert frames_of(disk.seen / "out" / "a.mp4") == frames_of(whole)
        assert names_on(disk) == CLEAN


def test_a_batch_without_a_byte_left_waits_and_is_finished_later(
    folder: Path, whole: Path, begin: Start, tmp_path: Path
) -> None:
    size = whole.stat().st_size
    with small_disk(tmp_path / "disk", 6 * size) as disk:
        command = disk.on(batch(folder, disk.folder / "out", "--min-free", "0"))
        disk.fill(leave=size // 2)
        process = begin(command)
        reason = told(process, is_called("paused"))["reason"]
        output = disk.folder / "out"
        assert reason == f"The disk of {output} is full; free some space, and the batch goes on"
        process.send_signal(signal.SIGINT)
        assert ended(process, 130)["films"][0]["state"] == "stopped"
        done = journal_on(disk).done
        frames = sum(chunk.frames for chunk in done)
        assert 0 < frames < FRAMES
        left = {"a.mp4.lowlux-chunks", "a.mp4.lowlux-journal.json", "lowlux-batch.log"}
        assert names_on(disk) == left
        # A chunk that fitted may be one too many, where its entry in the journal did not.
        chunks = hashes_of_chunks(disk)
        assert chunks.items() >= {(chunk.number, chunk.sha256) for chunk in done}
        assert len(chunks) <= len(done) + 1

        disk.empty()
        assert ended(begin(command), 0)["frames"] == FRAMES - frames
        assert frames_of(disk.seen / "out" / "a.mp4") == frames_of(whole)
        assert names_on(disk) == CLEAN


def names_on(disk: SmallDisk) -> set[str]:
    """Everything in the folder of outputs."""
    return {path.name for path in (disk.seen / "out").iterdir()}


def journal_on(disk: SmallDisk) -> Journal:
    return Journal.model_validate_json(journal_path(disk.seen / "out" / "a.mp4").read_text())


def hashes_of_chunks(disk: SmallDisk) -> dict[int, str]:
    """Everything in the folder of chunks."""
    output = disk.seen / "out" / "a.mp4"
    return {
        int(path.stem): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in chunk_path(output, 0).parent.iterdir()
    }


def live(folder: Path, disk: SmallDisk) -> list[str]:
    """Records both pictures, in both containers."""
    return disk.on(
        [
            sys.executable, "-m", "app", "live", "--headless", "--source", PATTERN, "--json",
            "--record", str(disk.folder / "bright.mkv"),
            "--record-original", str(disk.folder / "dark.mp4"),
            "--duration", str(PATIENCE_S), "--model", str(folder / "tiny.safetensors"),
        ]
    )  # fmt: skip


def recorded(process: Program) -> list[dict[str, Any]]:
    """The files of a run that is ended as soon as it tells that its recording was."""
    status = told(process, lambda event: "The recording has ended" in event["trouble"])
    assert not status["recording"]["recording"]
    process.send_signal(signal.SIGINT)
    summary = ended(process, 1)
    assert summary["incomplete"].startswith("The recording is not whole: ")
    files: list[dict[str, Any]] = summary["files"]
    assert [Path(file["path"]).name for file in files] == ["bright.mkv", "dark.mp4"]
    return files


def watch(path: Path) -> int:
    """Decodes a film from its first frame to its last, and again from where it is sought."""
    with av.open(str(path)) as film:
        stored = sum(1 for packet in film.demux(video=0) if packet.size)
    with av.open(str(path)) as film:
        times = [float(frame.time or 0) for frame in film.decode(video=0)]
        assert len(times) == stored
        assert all(before < after for before, after in pairwise(times))
        film.seek(round(times[-1] * 1_000_000))
        again = [float(frame.time or 0) for frame in film.decode(video=0)]
        assert again == times[-len(again) :]
        assert again[0] >= times[-1] - 1.01 > 0
    return stored


def test_a_recording_stops_before_the_disk_is_full(
    folder: Path, begin: Start, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", LIVE_DISK) as disk:
        process = begin(live(folder, disk))
        told(process, lambda event: "will be full in less than a minute;" in event["trouble"])
        for file in recorded(process):
            said = f"The disk of {disk.folder} is nearly full, so the recording was ended"
            assert file["note"].startswith(said)
            assert file["checked"]
            assert watch(disk.seen / Path(file["path"]).name) == file["frames"]
        assert disk.free > RESERVE_BYTES


def test_a_recording_on_a_disk_that_others_fill_keeps_what_was_written(
    folder: Path, begin: Start, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", LIVE_DISK + 20 * MIB) as disk:
        process = begin(live(folder, disk))
        told(process, lambda event: event["recording"]["seconds"] > 2.5)
        disk.fill()
        files = recorded(process)
        for file in files:
            # Whichever comes first: a write that fails, or the look before the next second.
            assert "(No space left on device); free some space" in file["note"] or (
                f"The disk of {disk.folder} is nearly full" in file["note"]
            )
            frames = watch(disk.seen / Path(file["path"]).name)
            assert file["frames"] - A_SECOND <= frames <= file["frames"]
