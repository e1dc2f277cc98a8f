"""A film comes out bright, and everything else as it was."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from core.media.photo import Photo, read_photo, write_photo
from core.media.source import open_source
from tests.app.conftest import ROOT, Lowlux, program
from tests.app.film_parts import MILLISECOND, TEN_BIT, clock, packets
from tests.fakes import scene

MakeClip = Callable[..., Path]


def brightness(path: Path) -> float:
    with open_source(path) as source:
        return float(np.mean([frame.pixels.mean() for frame in source]))


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("plain.mp4", {}),
        ("odd.mkv", {"width": 97, "height": 65, "pixel_format": "yuv444p"}),
        ("ten.mp4", TEN_BIT),
        ("turned.mp4", {"rotation": 90.0}),
        (
            "phone.mp4",
            {"times": (700, 733, 801, 834, 900, 990), "last_duration": 40,
             "time_base": MILLISECOND},
        ),
        (
            "phone.mkv",
            {"times": (700, 733, 801, 834, 900, 990), "last_duration": 40,
             "time_base": MILLISECOND},
        ),
        ("ntsc.mp4", {"times": [1001 * n for n in range(12)], "last_duration": 1001,
                      "time_base": Fraction(1, 30000)}),
    ],
    ids=str,
)  # fmt: skip
def test_every_frame_keeps_its_time(
    make_clip: MakeClip, enhance: Lowlux, tmp_path: Path, name: str, what: dict[str, Any]
) -> None:
    clip, output = make_clip(name, audio=("eng",), **what), tmp_path / f"bright-{name}"
    done = enhance(clip, output)
    assert (done.code, done.err) == (0, "")
    assert clock(output) == clock(clip)
    assert done.summary["frames"] == len(clock(clip))
    assert packets(output, "audio") == packets(clip, "audio")
    with open_source(clip) as before, open_source(output) as after:
        assert (after.info.width, after.info.height) == (before.info.width, before.info.height)
        assert after.info.bit_depth == before.info.bit_depth
        assert after.info.rotation_degrees == 0
        assert after.info.duration_seconds == pytest.approx(before.info.duration_seconds, abs=0.02)


def test_languages_and_subtitles_stay(rich_clip: Path, enhance: Lowlux, tmp_path: Path) -> None:
    output = tmp_path / "bright.mp4"
    assert enhance(rich_clip, output).code == 0
    for kind in ("audio", "subtitle"):
        assert packets(output, kind) == packets(rich_clip, kind) != []
    with open_source(rich_clip) as before, open_source(output) as after:
        kept = [
            [(s.kind, s.codec, s.language) for s in source.info.streams]
            for source in (before, after)
        ]
    assert kept[0] == kept[1]
    assert [kind for kind, *_ in kept[0]].count("audio") == 2


def test_the_summary_proves_what_was_done(
    plain_clip: Path, enhance: Lowlux, weights: Path, tmp_path: Path
) -> None:
    before = plain_clip.read_bytes()
    done = enhance(plain_clip, tmp_path / "bright.mp4", "--prior-every", 4)
    assert [line["event"] for line in done.lines[:-1]] == ["progress"] * (len(done.lines) - 1)
    assert done.lines[0]["frames"] == 1
    assert done.lines[0]["total"] == 10
    summary = done.summary
    assert (summary["frames"], summary["dropped"]) == (10, 0)
    assert summary["seconds"] > 0
    assert summary["fps"] == pytest.approx(10 / summary["seconds"], rel=0.2)
    assert summary["prior_refreshes"] == 0
    assert summary["model"] == str(weights)
    assert summary["model_sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert summary["source_sha256"] == hashlib.sha256(before).hexdigest()
    assert (summary["device"], summary["precision"]) == ("cpu", "float32")
    assert summary["reasons"]
    assert plain_clip.read_bytes() == before


def test_the_shipped_model_runs_with_its_prior(
    make_clip: MakeClip, enhance: Lowlux, tmp_path: Path
) -> None:
    clip, output = make_clip(width=64, height=48), tmp_path / "bright.mp4"
    done = enhance(clip, output, "--model", "deepspg", "--prior-every", 5)
    assert done.code == 0
    assert done.summary["prior_refreshes"] == 2
    assert clock(output) == clock(clip)
    assert brightness(output) > brightness(clip)


def test_the_same_film_twice_gives_the_same_pictures(
    plain_clip: Path, enhance: Lowlux, tmp_path: Path
) -> None:
    outputs = [tmp_path / name for name in ("once.mp4", "again.mp4")]
    for output in outputs:
        assert enhance(plain_clip, output).code == 0
    assert packets(outputs[0], "video") == packets(outputs[1], "video")


def test_strength_zero_gives_the_film_back(
    plain_clip: Path, enhance: Lowlux, tmp_path: Path
) -> None:
    output = tmp_path / "same.mp4"
    assert enhance(plain_clip, output, "--strength", 0, "--crf", 1).code == 0
    with open_source(plain_clip) as before, open_source(output) as after:
        for one, other in zip(before, after, strict=True):
            assert np.abs(one.pixels.astype(int) - other.pixels).mean() < 2


def test_a_part_of_the_film(make_clip: MakeClip, enhance: Lowlux, tmp_path: Path) -> None:
    clip, output = make_clip(times=range(30)), tmp_path / "part.mp4"
    done = enhance(clip, output, "--start", 0.4, "--end", 0.8)
    assert done.code == 0
    assert done.summary["frames"] == 10
    assert done.lines[0]["total"] == 10
    assert [time for time, _ in clock(output)] == [Fraction(n, 25) for n in range(10)]


@pytest.mark.parametrize(("how", "times"), [("side", 2), ("split", 1)])
def test_before_and_after_in_one_film(
    plain_clip: Path, enhance: Lowlux, tmp_path: Path, how: str, times: int
) -> None:
    output = tmp_path / "both.mp4"
    assert enhance(plain_clip, output, "--compare", how, "--crf", 5).code == 0
    assert clock(output) == clock(plain_clip)
    with open_source(plain_clip) as before, open_source(output) as after:
        one, both = next(iter(before)).pixels, next(iter(after)).pixels
    assert both.shape == (64, 96 * times, 3)
    assert np.abs(one[:, :40].astype(int) - both[:, :40]).mean() < 4


@pytest.mark.parametrize("how", ["mp4", "mkv"])
def test_a_finished_film_is_replaced_only_when_asked(
    plain_clip: Path, enhance: Lowlux, tmp_path: Path, how: str
) -> None:
    output = tmp_path / f"bright.{how}"
    output.write_bytes(b"precious")
    assert enhance(plain_clip, output).code == 2
    assert output.read_bytes() == b"precious"
    assert enhance(plain_clip, output, "--overwrite").code == 0
    assert clock(output) == clock(plain_clip)


def test_damaged_pieces_are_stepped_over_and_counted(
    make_clip: MakeClip, enhance: Lowlux, lowlux: Lowlux, weights: Path, tmp_path: Path
) -> None:
    clip, output = make_clip("scratched.mp4", times=range(40)), tmp_path / "bright.mp4"
    with av.open(str(clip)) as container:
        places = [(p.pos, p.size) for p in container.demux(video=0) if p.size]
    data = bytearray(clip.read_bytes())
    for place, size in places[12:15]:
        assert place is not None
        data[place : place + size] = b"\xff" * size
    clip.write_bytes(data)
    done = enhance(clip, output)
    assert done.code == 0
    assert done.summary["dropped"] >= 3
    assert 20 <= done.summary["frames"] == len(clock(output)) < 40
    said = lowlux("enhance", clip, "-o", output, "--overwrite", "--model", weights).err
    assert f"{done.summary['dropped']} damaged" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "name", ["walk [red] :cat:.mp4", "--odd.mp4", "[bold].mp4", "nuit étoilée.mp4"]
)
@pytest.mark.parametrize("as_json", [True, False])
def test_a_film_of_any_name(
    make_clip: MakeClip, lowlux: Lowlux, weights: Path, tmp_path: Path, name: str, as_json: bool
) -> None:
    clip, output = make_clip(name), tmp_path / f"bright {name}"
    told = ("--json",) if as_json else ()
    done = lowlux("enhance", clip, "-o", output, "--model", weights, *told)
    assert done.code == 0
    assert (done.summary["output"] if as_json else done.err).startswith(str(output))
    looked = lowlux("info", clip)
    assert looked.code == 0
    assert str(clip) in looked.out
    missing = lowlux("enhance", tmp_path / f"no {name}", "-o", output)
    assert str(tmp_path / f"no {name}") in missing.err


@pytest.mark.parametrize(
    ("name", "depth"), [("night.png", np.uint8), ("night.png", np.uint16), ("night.jpg", np.uint8)]
)
def test_a_photograph(enhance: Lowlux, tmp_path: Path, name: str, depth: type[Any]) -> None:
    photo, output = tmp_path / name, tmp_path / f"bright-{name}"
    exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    dark = (scene(1, 61, 83) // 5).astype(depth) * (257 if depth is np.uint16 else 1)
    write_photo(photo, Photo(dark, exif=exif))
    before = photo.read_bytes()
    done = enhance(photo, output)
    assert (done.code, done.err) == (0, "")
    assert (done.summary["frames"], done.summary["dropped"]) == (1, 0)
    assert done.summary["source_sha256"] == hashlib.sha256(before).hexdigest()
    first, second = read_photo(photo), read_photo(output)
    assert second.pixels.shape == dark.shape
    assert second.pixels.dtype == np.dtype(depth)
    assert second.exif == first.exif is not None
    assert not np.array_equal(first.pixels, second.pixels)
    assert photo.read_bytes() == before


def test_a_photograph_beside_its_original(enhance: Lowlux, tmp_path: Path) -> None:
    photo = tmp_path / "night.png"
    cv2.imwrite(str(photo), scene(1, 40, 56))
    assert enhance(photo, tmp_path / "both.png", "--compare", "side").code == 0
    assert read_photo(tmp_path / "both.png").pixels.shape == (40, 112, 3)


def test_the_program_runs_by_itself(plain_clip: Path, weights: Path, tmp_path: Path) -> None:
    output = tmp_path / "bright.mp4"
    command = program("enhance", plain_clip, "-o", output, "--model", weights)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith(f"{output}: 10 frames")
    assert clock(output) == clock(plain_clip)


def test_info_tells_the_machine_the_plan_and_the_file(rich_clip: Path, lowlux: Lowlux) -> None:
    done = lowlux("info", rich_clip)
    assert (done.code, done.err) == (0, "")
    for word in ("cpu", "float32", "96x64", "h264", "aac", "mov_text", "25.000"):
        assert word in done.out
