"""Cutting: every frame in exactly one chunk, every chunk readable on its own."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from core.errors import SourceOpenError
from core.media.keyframes import Stored, _cuts, cut_into_chunks
from core.media.source import open_source

MakeClip = Callable[..., Path]
GROUPS = {"preset": "medium", "bf": "3", "g": "8", "sc_threshold": "0"}

CLIPS: list[Any] = [
    pytest.param("in.mp4", {}, id="b-frames"),
    pytest.param("in.mp4", {"options": {**GROUPS, "x264-params": "open-gop=1"}}, id="open-groups"),
    pytest.param("in.ts", {}, id="transport-stream"),
    pytest.param("in.mkv", {"times": range(2000, 3600, 40), "time_base": Fraction(1, 1000)},
                 id="late"),
    pytest.param("in.mp4", {"times": [i * i * 97 for i in range(40)],
                            "time_base": Fraction(1, 90000)}, id="vfr"),
    pytest.param("in.mp4", {"interlaced": True, "options": {"g": "8"}}, id="interlaced"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "what"), CLIPS)
def test_chunks_give_every_frame_once_and_the_same(
    make_clip: MakeClip, name: str, what: dict[str, Any]
) -> None:
    clip = make_clip(name, **{"times": range(40), "options": GROUPS, **what})
    chunks = cut_into_chunks(clip, 0)
    assert len(chunks) == 5
    with open_source(clip) as source:
        whole = list(source)
    parts = []
    for chunk in chunks:
        end = None if chunk.end is None else float(chunk.end)
        with open_source(clip, start=float(chunk.begin), end=end) as source:
            frames = list(source)
        first = frames[0].pts * frames[0].time_base
        assert first == whole[0].pts * whole[0].time_base + chunk.begin
        parts += frames
    assert [frame.pts for frame in parts] == [frame.pts for frame in whole]
    for part, frame in zip(parts, whole, strict=True):
        assert np.array_equal(part.pixels, frame.pixels)


def test_chunks_are_as_long_as_asked_for_and_follow_each_other(make_clip: MakeClip) -> None:
    clip = make_clip(times=range(80), options=GROUPS)
    chunks = cut_into_chunks(clip, 0.7)
    assert [chunk.number for chunk in chunks] == [0, 1, 2, 3]
    assert [chunk.begin for chunk in chunks] == [Fraction(24 * i, 25) for i in range(4)]
    assert [chunk.end for chunk in chunks] == [*(c.begin for c in chunks[1:]), None]
    assert [(c.begin, c.end) for c in cut_into_chunks(clip, 60)] == [(Fraction(0), None)]


def test_a_film_of_one_frame_is_one_chunk(make_clip: MakeClip) -> None:
    chunks = cut_into_chunks(make_clip(times=[7]), 0)
    assert [(chunk.begin, chunk.end) for chunk in chunks] == [(Fraction(0), None)]


def test_frames_without_times_are_one_chunk(make_clip: MakeClip, tmp_path: Path) -> None:
    clip, bare = make_clip(times=range(20), options=GROUPS), tmp_path / "bare.h264"
    with av.open(str(clip)) as source, av.open(str(bare), "w") as container:
        copy = container.add_stream_from_template(source.streams.video[0], opaque=True)
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = copy
                container.mux(packet)
    assert len(cut_into_chunks(bare, 0)) == 1


def test_times_that_jump_back_are_not_cut() -> None:
    rising = [Stored(pts, pts, pts % 4 == 0) for pts in range(12)]
    assert _cuts(rising) == [4, 8]
    assert _cuts([*rising, *rising]) == []
    assert _cuts([*rising, Stored(None, None, True)]) == []


def test_a_key_frame_stored_too_early_is_not_a_cut() -> None:
    pictures = [Stored(0, 0, True), Stored(9, 1, False), Stored(8, 2, True), Stored(12, 3, True)]
    assert _cuts(pictures) == [12]


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceOpenError, match="does not exist"):
        cut_into_chunks(tmp_path / "none.mp4", 0)
