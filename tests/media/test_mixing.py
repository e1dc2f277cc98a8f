"""Mixing: the source's own packets beside ours, and when that cannot be."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from core.media.chunk_file import ChunkWriter, copy_chunk
from core.media.joining import join
from core.media.keyframes import cut_into_chunks
from core.media.mixing import reason_not_to_mix
from core.media.parameter_sets import OUR_NUMBER, ParameterSets, number_of
from core.media.source import open_source
from core.settings import EncodeSettings
from tests.media.test_joining import LATE_VFR, decoded
from tests.media.test_writer import clock, packets

MakeClip = Callable[..., Path]
GROUPS = {"preset": "medium", "bf": "3", "g": "8", "sc_threshold": "0"}
FAST = EncodeSettings(preset="veryfast")


def mix(clip: Path, output: Path, *, copied: int) -> list[Path]:
    """Copy every second chunk, beginning with this one, and encode the others."""
    with open_source(clip) as source:
        info = source.info
    paths = []
    for chunk in cut_into_chunks(clip, 0):
        paths.append(output.with_name(f"chunk-{chunk.number}"))
        if chunk.number % 2 == copied:
            assert copy_chunk(clip, chunk, paths[-1]) == 8
            continue
        end = None if chunk.end is None else float(chunk.end)
        with (
            open_source(clip, start=float(chunk.begin), end=end) as source,
            ChunkWriter(paths[-1], output, info, FAST, beside_copies=True) as writer,
        ):
            for frame in source:
                writer.write(frame)
    join(paths, output, info, FAST, copy_from=clip)
    return paths


BASELINE = {"profile": "baseline", "bf": "0", "g": "8", "preset": "medium", "sc_threshold": "0"}
CLIPS: list[Any] = [
    pytest.param("in.mp4", {"audio": ("eng",)}, ".mp4", 0, id="mp4-copy-first"),
    pytest.param("in.mp4", {}, ".mp4", 1, id="mp4-encode-first"),
    pytest.param("in.mkv", {"options": BASELINE}, ".mkv", 0, id="mkv-baseline"),
    pytest.param("in.mp4", {"options": BASELINE}, ".mov", 1, id="mov-baseline"),
    pytest.param("in.mp4", {"pixel_format": "yuv420p10le"}, ".mp4", 0, id="ten-bit"),
    pytest.param("in.mp4", {"colour": (1, 2, 1, 1)}, ".mkv", 1, id="full-range"),
    pytest.param("in.mp4", {"aspect": Fraction(4, 3)}, ".mp4", 0, id="not-square"),
    pytest.param("in.mp4", LATE_VFR, ".mp4", 1, id="late-vfr"),
    pytest.param("in.mp4", {"options": {**GROUPS, "x264-params": "repeat-headers=1"}}, ".mp4", 0,
                 id="sets-in-packets-too"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "what", "suffix", "copied"), CLIPS)
def test_copied_packets_are_untouched_and_all_decode(
    make_clip: MakeClip, tmp_path: Path, name: str, what: dict[str, Any], suffix: str, copied: int
) -> None:
    clip = make_clip(name, **{"times": range(48), "options": GROUPS, **what})
    output = tmp_path / f"out{suffix}"
    assert reason_not_to_mix(clip, output, FAST) == ""
    mix(clip, output, copied=copied)
    assert clock(output) == clock(clip)
    if "audio" in what:
        assert packets(output, "audio") == packets(clip, "audio") != []
    old, new = packets(clip, "video"), packets(output, "video")
    pictures = list(zip(decoded(clip), decoded(output), strict=True))
    for place, (before, after) in enumerate(pictures):
        is_copy = place // 8 % 2 == copied
        assert (old[place][1] == new[place][1]) == is_copy
        assert np.array_equal(before, after) == is_copy
        assert np.abs(before.astype(int) - after.astype(int)).mean() < 3


def test_the_same_chunks_give_the_same_film(make_clip: MakeClip, tmp_path: Path) -> None:
    clip = make_clip(times=range(16), options=GROUPS)
    first, second = tmp_path / "first.mp4", tmp_path / "second.mp4"
    parts = [path.read_bytes() for path in mix(clip, first, copied=0)]
    assert [path.read_bytes() for path in mix(clip, second, copied=0)] == parts
    assert second.read_bytes() == first.read_bytes()


REASONS: list[Any] = [
    ("in.ts", {}, "out.mp4", FAST, "repeats its parameter sets"),
    ("in.mp4", {"rotation": 90.0}, "out.mp4", FAST, "stored turned"),
    ("in.mp4", {"interlaced": True}, "out.mp4", FAST, "interlaced"),
    ("in.mp4", {"pixel_format": "yuv422p"}, "out.mp4", FAST, "stored as yuv420p"),
    ("in.mp4", {"pixel_format": "yuv420p10le", "colour": (9, 1, 9, 16)}, "out.mp4", FAST,
     "stored otherwise when enhanced"),
    ("in.mp4", {"codec": "libx265", "options": {"x265-params": "log-level=none"}}, "out.mp4",
     FAST, "The source is hevc"),
    ("in.mp4", {}, "out.webm", FAST, "libvpx-vp9 cannot number"),
    ("in.mp4", {}, "out.mp4", EncodeSettings(codec="libx265"), "libx265 cannot number"),
    ("in.mp4", {"options": {**GROUPS, "x264-params": "open-gop=1"}}, "out.mp4", FAST,
     "cannot start afresh"),
    ("in.mp4", {"options": {**GROUPS, "x264-params": f"sps-id={OUR_NUMBER}"}}, "out.mp4", FAST,
     f"number {OUR_NUMBER} itself"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "what", "output", "settings", "words"), REASONS)
def test_what_cannot_be_mixed_says_why(
    make_clip: MakeClip,
    tmp_path: Path,
    name: str,
    what: dict[str, Any],
    output: str,
    settings: EncodeSettings,
    words: str,
) -> None:
    clip = make_clip(name, **{"times": range(24), "options": GROUPS, **what})
    assert words in reason_not_to_mix(clip, tmp_path / output, settings)


SPS, OTHER_SPS = b"\x67\x64\x00\x0a\xac", b"\x67\x42\x00\x1e\x00\x80\x10"
PPS, OTHER_PPS = b"\x68\xee\x3c", b"\x68\x01\x00\x3c"
FIRST = ParameterSets(b"\x64\x00\x0a", 4, (SPS,), (PPS,), b"\xfd\xf8\xf8\x00")
SECOND = ParameterSets(b"\x42\xc0\x1e", 4, (OTHER_SPS,), (OTHER_PPS,), b"")


def test_records_are_read_and_joined() -> None:
    assert [number_of(unit) for unit in (SPS, OTHER_SPS, PPS, OTHER_PPS)] == [0, 255, 0, 127]
    assert ParameterSets.of(bytes(FIRST)) == FIRST
    both = ParameterSets.of(bytes(SECOND.joined(FIRST)))
    assert both.sequence == (OTHER_SPS, SPS)
    assert both.picture == (OTHER_PPS, PPS)
    # The higher profile and level can decode both; a promise holds only if both make it.
    assert (both.profile, both.more) == (b"\x64\x00\x1e", FIRST.more)
    assert FIRST.joined(FIRST) == FIRST


def test_records_that_clash_are_refused() -> None:
    clash = ParameterSets(b"\x64\x00\x0a", 4, (SPS + b"\x01",), (PPS,), b"")
    with pytest.raises(ValueError, match="with one number"):
        FIRST.joined(clash)
    with pytest.raises(ValueError, match="different sizes"):
        FIRST.joined(ParameterSets(b"\x64\x00\x0a", 2, (SPS,), (PPS,), b""))
    for record in (b"", b"\0\0\0\1\x67\x64\0\x0a", bytes(FIRST)[:9]):
        with pytest.raises(ValueError, match=r"record|MP4"):
            ParameterSets.of(record)


def test_a_player_may_jump_between_both_kinds(make_clip: MakeClip, tmp_path: Path) -> None:
    clip, output = make_clip(times=range(48), options=GROUPS), tmp_path / "out.mp4"
    mix(clip, output, copied=0)
    pictures = decoded(output)
    with av.open(str(output)) as film:
        stream = film.streams.video[0]
        assert stream.time_base is not None
        for group in (5, 0, 3, 4, 1, 2, 5):
            moment = Fraction(group * 8, 25)
            film.seek(round(moment / stream.time_base), stream=stream)
            frame = next(film.decode(stream))
            assert (frame.pts or 0) * stream.time_base == moment
            assert np.array_equal(frame.to_ndarray(), pictures[group * 8])
