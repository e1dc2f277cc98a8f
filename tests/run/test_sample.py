"""A few frames stand for a film, the same ones however it was cut."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from core.frame import Frame
from core.run.sample import MOST_DB, SIZE, Means, Sample, Sampler, drawn, likeness_db
from tests.conftest import Clip

MEANS = Means(device="cpu", name="a processor", precision="float32", threads=1, libraries=())
LENGTH = 24


def sampled(folder: Path, seed: str, begin: int, end: int) -> list[Sample]:
    """What a part of a film notes, whose frames are flat and as grey as their number."""

    def flat(index: int, width: int, height: int) -> object:
        return np.full((height, width, 3), 4 * (begin + index), np.uint8)

    clip = Clip(times=range(begin, end), picture=flat, options={"crf": "0"})  # type: ignore[arg-type]
    sampler = Sampler(seed)
    for number in range(begin, end):
        pixels = np.full((clip.height, clip.width, 3), 4 * number, np.uint8)
        sampler.see(Frame(pixels, number, Fraction(1, 25)))
    return list(sampler.samples(clip.write(folder / f"{seed}-{begin}-{end}.mp4"), MEANS))


def test_the_draw_is_the_same_however_the_film_was_cut(tmp_path: Path) -> None:
    whole = sampled(tmp_path, "a", 0, LENGTH)
    parts = [sampled(tmp_path, "a", *span) for span in ((16, 24), (0, 3), (3, 16))]
    assert len(whole) == SIZE
    assert [len(part) for part in parts] == [SIZE, 3, SIZE]
    assert drawn("a", [sample for part in parts for sample in part]) == tuple(whole)
    others = {sample.pts for sample in sampled(tmp_path, "b", 0, LENGTH)}
    assert others != {sample.pts for sample in whole}


def test_each_frame_is_compared_with_its_own_picture(tmp_path: Path) -> None:
    for sample in sampled(tmp_path, "a", 0, LENGTH):
        # Levels are rounded in YUV; the frame before or after is 36 dB away.
        assert sample.db > 45


def test_a_part_without_frames_notes_none(tmp_path: Path) -> None:
    assert list(Sampler("a").samples(tmp_path / "none", MEANS)) == []


def test_likeness_counts_in_decibels() -> None:
    grey = np.full((4, 6, 3), 100, dtype=np.uint8)
    assert likeness_db(grey, grey) == MOST_DB
    assert likeness_db(grey, grey + np.uint8(1)) == pytest.approx(48.13)
    assert likeness_db(grey, grey.astype(np.uint16) * np.uint16(257)) == MOST_DB
    assert likeness_db(grey, grey[:2]) == 0
