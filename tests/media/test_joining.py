"""Joining: the film made of chunks is the film made in one go."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from core.errors import SettingsError, WriterError
from core.media.chunk_file import ChunkWriter
from core.media.joining import join, tag_of
from core.media.keyframes import cut_into_chunks
from core.media.source import open_source
from core.media.timetable import Timetable
from core.media.writer import VideoWriter
from core.settings import EncodeSettings
from tests.media.test_writer import clock, metadata, packets

MakeClip = Callable[..., Path]
GROUPS = {"preset": "medium", "bf": "3", "g": "3", "sc_threshold": "0"}
B_FRAMES = EncodeSettings(preset="veryfast")
LOSSLESS = EncodeSettings(preset="veryfast", crf=0)
STEPS = (1500, 1501, 6000, 2999, 9007, 3003)
LATE_VFR = {
    "times": [648_000_000 + sum(STEPS) * (i // 6) + sum(STEPS[: i % 6]) for i in range(48)],
    "time_base": Fraction(1, 90000),
    "last_duration": 18000,
}
"""Two hours late, and no two distances alike."""


def in_one_go(clip: Path, output: Path, settings: EncodeSettings) -> list[str]:
    with open_source(clip) as source:
        with VideoWriter(output, source.info, settings, copy_from=clip) as writer:
            for frame in source:
                writer.write(frame)
        return list(writer.notes)


def encode_chunks(clip: Path, output: Path, settings: EncodeSettings) -> list[Path]:
    """A file for each group of pictures of the clip, in order."""
    paths = []
    for chunk in cut_into_chunks(clip, 0):
        end = None if chunk.end is None else float(chunk.end)
        paths.append(output.with_name(f"chunk-{chunk.number}"))
        with (
            open_source(clip, start=float(chunk.begin), end=end) as source,
            ChunkWriter(paths[-1], output, source.info, settings) as writer,
        ):
            for frame in source:
                writer.write(frame)
    return paths


def join_to(output: Path, clip: Path, chunks: Sequence[Path], settings: EncodeSettings) -> Any:
    with open_source(clip) as source:
        info = source.info
    return join(chunks, output, info, settings, copy_from=clip)


def in_parts(clip: Path, output: Path, settings: EncodeSettings) -> tuple[int, list[str]]:
    """How many chunks there were, and what the joiner had to say."""
    chunks = encode_chunks(clip, output, settings)
    return len(chunks), list(join_to(output, clip, chunks, settings))


def stored(path: Path) -> list[Any]:
    """Times of the pictures as they are stored."""
    with av.open(str(path)) as film:
        return [(p.dts, p.pts, p.duration) for p in film.demux(video=0) if p.size]


def decoded(path: Path) -> list[Any]:
    """Pictures as stored; the decoder gives up at the first error."""
    with av.open(str(path)) as film:
        film.streams.video[0].codec_context.options = {"err_detect": "explode"}
        return [frame.to_ndarray() for frame in film.decode(video=0)]


FILMS: list[Any] = [
    pytest.param("in.mp4", {}, ".mp4", B_FRAMES, id="mp4"),
    pytest.param("in.mp4", LATE_VFR, ".mp4", B_FRAMES, id="late-vfr"),
    pytest.param("in.mkv", {}, ".mov", B_FRAMES, id="mov"),
    pytest.param("in.mp4", LATE_VFR, ".mkv", B_FRAMES, id="mkv"),
    pytest.param("in.mp4", {"time_base": Fraction(1001, 30000), "times": range(5, 53)},
                 ".mp4", B_FRAMES, id="ntsc-late"),
    pytest.param("in.mkv", {"pixel_format": "yuv420p10le"}, ".mp4", B_FRAMES, id="ten-bit"),
    pytest.param("in.mp4", {"rotation": 90.0, "aspect": Fraction(4, 3)}, ".mp4", B_FRAMES,
                 id="rotated"),
    pytest.param("in.mp4", {"width": 97, "height": 63, "pixel_format": "yuv444p"}, ".mkv",
                 B_FRAMES, id="odd"),
    pytest.param("in.ts", {}, ".webm", EncodeSettings(preset="ultrafast"), id="webm"),
    pytest.param("in.mp4", {}, ".mp4", EncodeSettings(codec="libx265", preset="superfast"),
                 id="hevc"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "what", "suffix", "settings"), FILMS)
def test_sixteen_chunks_have_the_times_of_one(
    make_clip: MakeClip,
    tmp_path: Path,
    name: str,
    what: dict[str, Any],
    suffix: str,
    settings: EncodeSettings,
) -> None:
    clip = make_clip(name, **{"times": range(48), "options": GROUPS, **what})
    whole, joined = tmp_path / f"whole{suffix}", tmp_path / f"joined{suffix}"
    notes = in_one_go(clip, whole, settings)
    assert in_parts(clip, joined, settings) == (16, notes)
    assert tag_of(joined) == "enhanced with LowLux"
    assert clock(joined) == clock(whole)
    assert len(decoded(joined)) == 48
    if suffix == ".mp4":
        assert clock(joined) == clock(clip)
    with open_source(whole) as a, open_source(joined) as b:
        kinds = [(i.width, i.height, i.pixel_format, i.colour, i.sample_aspect_ratio)
                 for i in (a.info, b.info)]  # fmt: skip
    assert kinds[0] == kinds[1]
    decoding = [dts for dts, *_ in stored(joined) if dts is not None]
    assert all(a < b for a, b in itertools.pairwise(decoding))


@pytest.mark.parametrize(
    ("suffix", "settings"),
    [
        (".mp4", LOSSLESS),
        (".mkv", LOSSLESS),
        (".mkv", EncodeSettings(codec="ffv1")),
    ],
)
def test_lossless_chunks_give_identical_pictures(
    make_clip: MakeClip, tmp_path: Path, suffix: str, settings: EncodeSettings
) -> None:
    clip = make_clip(times=range(48), options=GROUPS)
    whole, joined = tmp_path / f"whole{suffix}", tmp_path / f"joined{suffix}"
    in_one_go(clip, whole, settings)
    assert in_parts(clip, joined, settings)[0] == 16
    for a, b in zip(decoded(whole), decoded(joined), strict=True):
        assert np.array_equal(a, b)


def test_everything_else_is_carried_over_once(make_clip: MakeClip, tmp_path: Path) -> None:
    clip = make_clip(
        times=range(24), options=GROUPS, audio=("eng", "deu"), subtitles="mov_text",
        chapters=True, metadata={"title": "Night walk"},
    )  # fmt: skip
    output = tmp_path / "out.mp4"
    count, notes = in_parts(clip, output, B_FRAMES)
    assert (count, notes) == (8, [])
    for kind in ("audio", "subtitle"):
        assert packets(output, kind) == packets(clip, kind) != []
    with av.open(str(output)) as container:
        assert len(container.chapters()) == 2
    assert metadata(output)["title"] == "Night walk"
    assert metadata(output)["lowlux"] == "enhanced with LowLux"
    assert (tag_of(clip), tag_of(tmp_path / "gone.mp4")) == ("", "")
    assert not list(tmp_path.glob("*.part"))


def test_a_chunk_without_frames_is_passed_over(make_clip: MakeClip, tmp_path: Path) -> None:
    clip, output, empty = make_clip(options=GROUPS), tmp_path / "out.mp4", tmp_path / "empty"
    chunks = encode_chunks(clip, output, B_FRAMES)
    with open_source(clip) as source:
        ChunkWriter(empty, output, source.info, B_FRAMES).close()
    assert empty.is_file()
    join_to(output, clip, [empty, *chunks[:2], empty, *chunks[2:], empty], B_FRAMES)
    assert clock(output) == clock(clip)
    with pytest.raises(WriterError, match="would be empty"):
        join_to(tmp_path / "none.mp4", clip, [empty], B_FRAMES)


def test_a_frame_that_fell_away_lengthens_the_one_before(
    make_clip: MakeClip, tmp_path: Path
) -> None:
    clip, output = make_clip(options=GROUPS), tmp_path / "out.mp4"
    chunks = encode_chunks(clip, output, B_FRAMES)
    join_to(output, clip, [chunks[0], *chunks[2:]], B_FRAMES)
    kept = clock(clip)[:3] + clock(clip)[6:]
    assert [time for time, _ in clock(output)] == [time for time, _ in kept]
    assert clock(output)[2][1] == Fraction(4, 25)


def test_chunks_of_another_encoder_are_refused(make_clip: MakeClip, tmp_path: Path) -> None:
    clip, output = make_clip(options=GROUPS), tmp_path / "out.mp4"
    chunks = encode_chunks(clip, output, B_FRAMES)
    (tmp_path / "other").mkdir()
    for settings, why in (
        (EncodeSettings(preset="veryfast", crf=30), "set up otherwise"),
        (EncodeSettings(codec="libx265", preset="ultrafast"), "of another kind"),
    ):
        others = encode_chunks(clip, tmp_path / "other" / "out.mp4", settings)
        with pytest.raises(WriterError, match=rf"chunk-1 does not belong .*{why}"):
            join_to(output, clip, [chunks[0], others[1], *chunks[2:]], B_FRAMES)
    assert not output.exists()


def test_chunks_out_of_order_or_damaged_are_refused(make_clip: MakeClip, tmp_path: Path) -> None:
    clip, output = make_clip(options=GROUPS), tmp_path / "out.mp4"
    chunks = encode_chunks(clip, output, B_FRAMES)
    with pytest.raises(WriterError, match=r"chunk-1 does not belong .*begins before"):
        join_to(output, clip, [chunks[0], chunks[2], chunks[1]], B_FRAMES)
    os.truncate(chunks[1], chunks[1].stat().st_size // 2)
    with pytest.raises(WriterError, match="chunk-1, a part of the film, is missing or damaged"):
        join_to(output, clip, chunks, B_FRAMES)
    chunks[1].unlink()
    with pytest.raises(WriterError, match="chunk-1, a part of the film, is missing or damaged"):
        join_to(output, clip, chunks, B_FRAMES)
    assert not output.exists()
    assert not list(tmp_path.glob("*.part"))


def test_a_chunk_appears_only_when_complete(plain_clip: Path, tmp_path: Path) -> None:
    chunk, film = tmp_path / "chunk", tmp_path / "out.mp4"
    chunk.write_bytes(b"old")
    with open_source(plain_clip) as source:
        frames = list(source)
        writer = ChunkWriter(chunk, film, source.info, B_FRAMES)
        writer.write(frames[0])
        assert chunk.read_bytes() == b"old"
        writer.abort()
        with ChunkWriter(chunk, film, source.info, B_FRAMES) as writer:
            writer.write(frames[0])
    assert len(stored(chunk)) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"chunk", plain_clip.name}


def test_what_cannot_be_encoded_in_parts_is_refused(plain_clip: Path, tmp_path: Path) -> None:
    with open_source(plain_clip) as source:
        info = source.info
    with pytest.raises(SettingsError, match="cannot be encoded in parts"):
        ChunkWriter(tmp_path / "chunk", tmp_path / "out.mkv", info, EncodeSettings(codec="snow"))


def test_decoding_times_rise_and_never_pass_presentation() -> None:
    times = Timetable()
    times.add([0, 30, 10, 20], 5)
    times.add([], 0)
    times.add([40, 45, 90, 70], 9)
    pictures = [0, 30, 10, 20, 40, 45, 90, 70]
    decoding = [times.decoded_at(place) for place in range(8)]
    assert decoding == [-10, 0, 10, 20, 30, 40, 45, 70]
    assert all(a <= b for a, b in zip(decoding, pictures, strict=True))
    assert [times.length(time) for time in pictures] == [10, 10, 10, 10, 5, 25, 9, 20]
    with pytest.raises(ValueError, match="do not rise"):
        times.add([80], 1)
