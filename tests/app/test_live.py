"""`lowlux live` without a window: what it prints, how it ends, what it never tells."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import av
import pytest

from core.enhance import live_enhancer
from core.media.recording_name import recording_name
from core.settings import LiveSettings
from tests.app.conftest import Done, Lowlux, program
from tests.fakes import FakeBackend
from tests.run.live_parts import Opener, until

Start = Callable[[list[str]], "subprocess.Popen[str]"]
PATTERN = "test:?size=64x64&noise=0&rate=60"
PATIENCE_S = 60


@pytest.fixture(autouse=True)
def quick_network(monkeypatch: pytest.MonkeyPatch) -> Opener:
    """No seconds are spent on opening and measuring a network."""
    opener = Opener()
    monkeypatch.setattr(live_enhancer, "open_live_enhancer", opener)
    return opener


@pytest.fixture
def live(lowlux: Lowlux) -> Lowlux:
    def call(uri: str, *more: object) -> Done:
        return lowlux("live", "--headless", "--source", uri, "--json", *more)

    return call


def frames(path: Path) -> int:
    with av.open(str(path)) as film:
        return sum(1 for _ in film.decode(video=0))


def recording(start: Start, path: Path) -> subprocess.Popen[str]:
    """The program, as it records a source that never ends."""
    command = program(
        "live", "--headless", "--source", PATTERN, "--json", "--record-original", path,
        "--strength", "0", "--auto", "--model", "deepspg-lite",
    )  # fmt: skip
    return start(command)


def captured(process: subprocess.Popen[str], least: int) -> int:
    """How many frames have come, once there are so many."""
    assert process.stdout is not None
    counts = (int(json.loads(line)["captured"]) for line in process.stdout)
    return next(count for count in counts if count >= least)


def frames_of_torn(path: Path) -> int:
    """Its end may be half a picture."""
    count = 0
    with av.open(str(path)) as film, suppress(av.FFmpegError):
        for _ in film.decode(video=0):
            count += 1
    return count


def test_a_source_that_ends_is_recorded_and_summed_up(live: Lowlux, tmp_path: Path) -> None:
    bright, dark = tmp_path / "bright.mkv", tmp_path / "dark.mkv"
    done = live(f"{PATTERN}&seconds=0.4", "--record", bright, "--record-original", dark)
    assert done.code == 0, done.err
    summary = done.summary
    assert (summary["state"], summary["source"]) == ("ended", "Test pattern")
    assert summary["captured"] == 24 == summary["shown"] + summary["dropped"]
    assert summary["p50_ms"] <= summary["p95_ms"] <= summary["p99_ms"]
    assert summary["peak_memory_mib"] > 10
    files = {file["track"]: file for file in summary["files"]}
    assert all(file["checked"] for file in files.values())
    assert frames(dark) == files["original"]["frames"] == 24
    assert frames(bright) == files["enhanced"]["frames"] <= 24
    assert done.err == ""


def test_it_tells_every_second_and_ends_in_time(live: Lowlux) -> None:
    done = live(PATTERN, "--duration", "1.3", "--strength", "0.5")
    assert done.code == 0, done.err
    *told, summary = done.lines
    assert [line["event"] for line in told] == ["status"]
    now = told[0]
    assert now["state"] == "running"
    assert now["promised_rate"] == 60
    assert now["captured"] == now["shown"] + now["dropped"] + now["in_flight"]
    assert 1.3 <= summary["seconds"] < 10
    assert summary["plan"].startswith("deepspg on ")


def test_people_get_sentences(lowlux: Lowlux, tmp_path: Path) -> None:
    path = tmp_path / "bright.mp4"
    uri = f"{PATTERN}&seconds=0.3"
    done = lowlux("live", "--headless", "--source", uri, "--record", path)
    assert (done.code, done.out) == (0, "")
    first, second = done.err.splitlines()
    assert re.match(r"Test pattern: 18 frames, \d+ shown, \d+ dropped, [\d.]+ a second; ", first)
    assert second.startswith(f"{path}: ")
    assert second.endswith(" s, checked")


def test_a_recording_that_breaks_off_is_a_failure(
    live: Lowlux, quick_network: Opener, tmp_path: Path
) -> None:
    folder = tmp_path / "stick"
    folder.mkdir()
    quick_network.before = lambda _: folder.rename(tmp_path / "pulled out")
    done = live(f"{PATTERN}&seconds=3", "--record-original", folder / "walk.mkv")
    assert done.code == 1
    assert done.summary["state"] == "ended"
    (sentence,) = done.err.splitlines()
    assert done.summary["incomplete"] in sentence
    assert re.search(r"(The recording is not whole|Nothing was recorded): .*stick", sentence)


def test_the_pair_is_recorded_and_a_row_of_files_begun(live: Lowlux, tmp_path: Path) -> None:
    both, dark = tmp_path / "both.mkv", tmp_path / "dark.mkv"
    done = live(
        f"{PATTERN}&seconds=1", "--record-side-by-side", both, "--record-original", dark,
        "--segment-minutes", 0.01,
    )  # fmt: skip
    assert done.code == 0, done.err
    files = done.summary["files"]
    assert {Path(file["path"]).name for file in files} == {
        "both.mkv", "both-002.mkv", "dark.mkv", "dark-002.mkv",
    }  # fmt: skip
    assert sum(file["frames"] for file in files if file["track"] == "original") == 60
    with av.open(str(both)) as film:
        assert film.streams.video[0].width == 128


WRONG = [
    pytest.param((), "--headless needs --source", id="no source"),
    pytest.param(("--source", "test:?speed=3"), "'speed' of the address is wrong", id="option"),
    pytest.param(("--source", "tset:"), "no source of the kind 'tset'", id="kind"),
    pytest.param(("--source", PATTERN, "--plan", "quick"), "--plan quick", id="plan"),
    pytest.param(("--source", PATTERN, "--strength", "2"), "--strength 2", id="strength"),
    pytest.param(("--source", PATTERN, "--record", "a.webm"), "name it .mkv or .mp4", id="name"),
    pytest.param(("--source", PATTERN, "--record", "a.avi"), "name it .mkv or .mp4", id="old"),
    pytest.param(("--source", PATTERN, "--duration", "-1"), "duration", id="duration"),
    pytest.param(("--source", PATTERN, "--segment-mib", "5"), "to be recorded", id="segments"),
]


@pytest.mark.parametrize(("arguments", "says"), WRONG)
def test_wrong_usage_is_told_in_a_sentence(
    lowlux: Lowlux, arguments: tuple[str, ...], says: str
) -> None:
    done = lowlux("live", "--headless", *arguments)
    assert done.code == 2, done.err
    assert says in done.err
    assert "Traceback" not in done.err


def test_an_existing_file_is_not_recorded_over(live: Lowlux, tmp_path: Path) -> None:
    path = tmp_path / "walk.mkv"
    path.write_bytes(b"mine")
    done = live(PATTERN, "--record", path)
    assert (done.code, path.read_bytes()) == (2, b"mine")
    assert str(path) in done.err


def test_a_source_that_is_not_there_fails_without_its_password(live: Lowlux) -> None:
    done = live("rtsp://me:hidden@127.0.0.1:1/video")
    assert done.code == 1
    assert done.summary["state"] == "failed"
    assert len(done.err.splitlines()) == 1
    assert "rtsp://127.0.0.1:1/video" in done.err
    assert "hidden" not in done.out + done.err


def test_without_its_network_it_does_not_begin(live: Lowlux, tmp_path: Path) -> None:
    done = live(PATTERN, "--record", tmp_path / "bright.mkv", "--model", "missing")
    assert (done.code, done.out) == (1, "")
    assert "missing" in done.err
    assert len(done.err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_network_that_fails_on_the_way_costs_the_exit_code_and_no_frame(
    live: Lowlux, quick_network: Opener, tmp_path: Path
) -> None:
    quick_network.backend = lambda: FakeBackend(fails_at=4)
    dark = tmp_path / "dark.mkv"
    done = live(f"{PATTERN}&seconds=0.4", "--record-original", dark)
    assert done.code == 1
    assert "The picture is shown as it comes" in done.err
    assert frames(dark) == 24


def test_a_source_that_sends_nothing_is_told(live: Lowlux) -> None:
    done = live(f"fault:drop=1:{PATTERN}&seconds=0.4")
    assert (done.code, done.summary["captured"]) == (1, 0)
    assert done.err.startswith("No frame came from ")


def test_an_interrupt_ends_it_with_its_recording_finished(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "dark.mp4"
    process = recording(start, path)
    captured(process, 1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_S)
    summary = json.loads(out.splitlines()[-1])
    assert (process.returncode, summary["event"], err) == (0, "summary", "")
    (file,) = summary["files"]
    assert file["checked"]
    assert frames(path) == file["frames"] > 0


def test_who_presses_twice_loses_no_recording(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "dark.mp4"
    process = recording(start, path)
    captured(process, 1)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, err) == (0, "")
    (file,) = json.loads(out.splitlines()[-1])["files"]
    assert file["checked"]
    assert frames(path) == file["frames"] > 0


def test_an_interrupt_before_the_first_frame_is_told_as_one(
    live: Lowlux, quick_network: Opener, tmp_path: Path
) -> None:
    def interrupted(_: LiveSettings) -> None:
        signal.raise_signal(signal.SIGINT)
        until(lambda: all(thread.name != "lowlux-capture" for thread in threading.enumerate()))()

    quick_network.before = interrupted
    done = live(PATTERN, "--record", tmp_path / "bright.mkv")
    assert done.code == 130
    assert done.err.startswith("Interrupted")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_a_killed_program_leaves_all_but_a_second_of_its_recording(
    start: Start, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"dark{suffix}"
    process = recording(start, path)
    told = captured(process, 120)
    process.kill()
    process.communicate(timeout=PATIENCE_S)
    assert not path.exists()
    assert frames_of_torn(recording_name(path)) >= told - 60, "a second of 60 frames"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="every desktop has a screen")
@pytest.mark.parametrize("arguments", [(), ("live", "--source", "rtsp://me:hidden@door/x")])
def test_without_a_screen_the_window_says_what_to_do_instead(
    lowlux: Lowlux, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    done = lowlux(*arguments)
    assert (done.code, done.out) == (1, "")
    assert "there is no screen" in done.err
    assert "lowlux live --headless" in done.err
    assert "hidden" not in done.err


def test_options_that_need_headless_are_refused_with_the_window(lowlux: Lowlux) -> None:
    for arguments in (("--json",), ("--duration", "3"), ("--record", "a.mkv"), ("--plan", "fast")):
        done = lowlux("live", *arguments)
        assert done.code == 2
        assert "need --headless" in done.err
    assert lowlux("live", "--segment-mib", "5").code == 2


def test_ctrl_c_twice_says_nothing_untrue_of_a_recording(
    lowlux: Lowlux, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("app.live.watch", interrupted)
    done = lowlux("live", "--headless", "--source", "test:", "--record", tmp_path / "walk.mkv")
    assert done.code == 130
    assert "what was recorded until now is kept" in done.err
