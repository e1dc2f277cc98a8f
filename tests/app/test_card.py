"""A camera's card overnight: the good clips come out whole, the bad ones are named."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from core.media.source import open_source
from core.run.manifest import manifest_path
from tests.app.conftest import FAST, Done, Lowlux, program
from tests.app.film_parts import MILLISECOND, TEN_BIT, clock, packets
from tests.conftest import Clip
from tests.programs import ROOT, one_thread
from tests.run.test_verify import flip

LENGTH = 20
"""Pictures of a clip: a group of eight, of eight, and of four."""
# Starts 0.7 s late, as phones do that wait for their sound, and never keeps its pace.
LATE_VFR: dict[str, Any] = {
    "times": [700 + 33 * n + 9 * (n % 3) for n in range(LENGTH)],
    "last_duration": 40,
    "time_base": MILLISECOND,
}
GOOD: dict[str, dict[str, Any]] = {
    "DCIM/100NIGHT/late.mp4": {"audio": ("eng",), **LATE_VFR},
    "DCIM/100NIGHT/turned.mp4": {"audio": ("eng",), "rotation": 90.0},
    "DCIM/100NIGHT/two voices.mp4": {"audio": ("eng", "deu")},
    "DCIM/101NIGHT/told.mkv": {"audio": ("eng",), "subtitles": "subrip"},
    "DCIM/101NIGHT/odd.mkv": {
        "audio": ("eng",), "width": 97, "height": 65, "pixel_format": "yuv444p",
    },
    "DCIM/101NIGHT/ten.mp4": {"audio": ("eng",), **TEN_BIT},
}  # fmt: skip
CORRUPT, EMPTY = "DCIM/100NIGHT/corrupt.mp4", "DCIM/101NIGHT/empty.mp4"
EARLIER = 1_700_000_000
"""When the camera wrote them, in seconds since 1970: not a moment ago."""

each_good_clip = pytest.mark.parametrize("name", GOOD)


@dataclass(frozen=True)
class Night:
    """What the card held, and what became of it."""

    card: Path
    output: Path
    before: dict[str, str]
    """A hash of every file on the card."""
    done: Done

    def pair(self, name: str) -> tuple[Path, Path]:
        """A clip and what was made of it."""
        return self.card / name, self.output / name


def alone(*arguments: object) -> Done:
    """The program, in a process of its own."""
    done = subprocess.run(
        program(*arguments), cwd=ROOT, capture_output=True, text=True, check=False, env=one_thread()
    )
    return Done(done.returncode, done.stdout, done.stderr)


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def fill(card: Path) -> None:
    for name, what in GOOD.items():
        (card / name).parent.mkdir(parents=True, exist_ok=True)
        Clip(**{"times": range(LENGTH), **what}).write(card / name)
    whole = (card / "DCIM/100NIGHT/turned.mp4").read_bytes()
    # The index is at the end, so a camera that loses its power leaves a clip without.
    (card / CORRUPT).write_bytes(whole[: len(whole) // 2])
    (card / EMPTY).touch()
    for path in card.rglob("*.m*"):
        os.utime(path, (EARLIER, EARLIER))


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory, weights: Path) -> Night:
    """The whole card, in one batch, in chunks as short as the groups of pictures."""
    folder = tmp_path_factory.mktemp("night")
    card, output = folder / "card", folder / "out"
    fill(card)
    before = hashes(card)
    done = alone(
        "batch", card, "-o", output, "--json", "--model", weights, *FAST,
        "--chunk-seconds", 0.1, "--workers", 1,
    )  # fmt: skip
    return Night(card, output, before, done)


@pytest.fixture(scope="module")
def verdicts(night: Night) -> dict[str, dict[str, Any]]:
    """What `lowlux verify` says of every output, by its path."""
    done = alone("verify", *(night.output / name for name in GOOD), "--json")
    assert (done.code, done.err) == (0, "")
    return {line["output"]: line for line in done.lines}


def test_two_bad_clips_make_the_exit_code_1(night: Night) -> None:
    assert (night.done.code, night.done.err) == (1, "")


def test_all_good_clips_are_done(night: Night) -> None:
    films = {film["source"]: film for film in night.done.summary["films"]}
    assert films.keys() == {str(night.card / name) for name in GOOD}
    assert {(film["state"], film["frames"], film["dropped"]) for film in films.values()} == {
        ("done", LENGTH, 0)
    }


@pytest.mark.parametrize(("name", "why"), [(CORRUPT, "has no index"), (EMPTY, "is empty")])
def test_a_bad_clip_is_named_with_its_reason(night: Night, name: str, why: str) -> None:
    bad = {out["source"]: out for out in night.done.summary["left_out"]}
    assert bad.keys() == {str(night.card / CORRUPT), str(night.card / EMPTY)}
    out = bad[str(night.card / name)]
    assert out["failed"]
    assert why in out["reason"]
    log = (night.output / "lowlux-batch.log").read_text()
    assert f"{night.card / name} failed: {out['reason']}" in log


def test_nothing_else_is_left_in_the_output_folder(night: Night) -> None:
    manifests = {manifest_path(Path(name)).as_posix() for name in GOOD}
    assert hashes(night.output).keys() == {*GOOD, *manifests, "lowlux-batch.log"}


def test_the_card_is_as_it_was(night: Night) -> None:
    assert hashes(night.card) == night.before


@each_good_clip
def test_every_frame_is_there_at_its_time(night: Night, name: str) -> None:
    clip, output = night.pair(name)
    assert clock(output) == clock(clip)
    assert len(clock(output)) == LENGTH


def test_the_late_clip_still_starts_late(night: Night) -> None:
    times = [time for time, _ in clock(night.output / "DCIM/100NIGHT/late.mp4")]
    assert times == [Fraction(time, 1000) for time in LATE_VFR["times"]]


@each_good_clip
def test_the_sound_is_the_same_byte_for_byte(night: Night, name: str) -> None:
    clip, output = night.pair(name)
    sound = packets(output, "audio")
    assert sound == packets(clip, "audio")
    assert {track for track, *_ in sound} == set(range(len(GOOD[name]["audio"])))


@each_good_clip
def test_the_pictures_keep_their_shape_and_depth(night: Night, name: str) -> None:
    clip, output = night.pair(name)
    with open_source(clip) as before, open_source(output) as after:
        one, other = before.info, after.info
    assert (other.width, other.height, other.bit_depth) == (one.width, one.height, one.bit_depth)
    assert other.rotation_degrees == 0


@each_good_clip
def test_streams_and_languages_stay(night: Night, name: str) -> None:
    clip, output = night.pair(name)
    with open_source(clip) as before, open_source(output) as after:
        kept = [
            [(s.kind, s.codec, s.language) for s in source.info.streams]
            for source in (before, after)
        ]
    assert kept[0] == kept[1]


def test_subtitles_stay_where_they_were(night: Night) -> None:
    clip, output = night.pair("DCIM/101NIGHT/told.mkv")
    assert packets(output, "subtitle") == packets(clip, "subtitle") != []


@each_good_clip
def test_verify_passes(night: Night, verdicts: dict[str, dict[str, Any]], name: str) -> None:
    verdict = verdicts[str(night.output / name)]
    assert verdict["passed"]
    checks = {check["name"]: check for check in verdict["checks"]}
    assert list(checks) == ["manifest", "output", "source", "times", "sound", "pictures"]
    assert all(check["passed"] for check in checks.values())
    assert "5 frames enhanced again, 5 the same to the bit" in checks["pictures"]["detail"]


@pytest.mark.parametrize("what", ["source", "output", "manifest"])
def test_verify_names_what_was_changed_by_one_byte(
    night: Night, lowlux: Lowlux, tmp_path: Path, what: str
) -> None:
    clip, made = night.pair("DCIM/100NIGHT/two voices.mp4")
    source = Path(shutil.copy(clip, tmp_path / "source.mp4"))
    output = Path(shutil.copy(made, tmp_path / "output.mp4"))
    manifest = Path(shutil.copy(manifest_path(made), manifest_path(output)))
    files = {"source": source, "output": output, "manifest": manifest}

    flip(files[what])
    done = lowlux("verify", output, "--source", source, "--frames", 1, "--json")
    assert done.code == 1
    (verdict,) = done.lines
    first = next(check for check in verdict["checks"] if not check["passed"])
    assert first["name"] == what
    assert str(files[what]) in first["detail"]
    assert "changed" in first["detail"]
