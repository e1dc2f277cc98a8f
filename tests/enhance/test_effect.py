"""What was learned on a small picture is done to a large one, edges and all."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from core.enhance.effect import FULL, Transfer, apply, sample
from core.model.reduced import reduce, to_float
from tests.fakes import scene

Plane = NDArray[np.float32]
SHAPE = (54, 96)
ALL = np.ones(SHAPE, np.float32)
SILENT = np.zeros(SHAPE, np.float32)


def small(seed: int = 1) -> Plane:
    """A dim small picture."""
    return (scene(seed, *SHAPE) / np.float32(800)).astype(np.float32)


def brightened(dark: Plane) -> Plane:
    """A curve, and more light on the left."""
    slope = np.linspace(1.2, 0.8, dark.shape[1], dtype=np.float32)[:, None]
    return np.asarray(np.sqrt(dark) * slope * 0.8, np.float32)


def step(height: int = 216, width: int = 384) -> NDArray[np.uint16]:
    """A bright half beside a dark one, with no noise at all."""
    picture = np.full((height, width, 3), 2000, np.uint16)
    picture[:, width // 2 :] = 12000
    return picture


def luma(frame: NDArray[np.uint16]) -> NDArray[np.int16]:
    """As the average over time has it."""
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    return np.asarray(np.rint(grey * (FULL / 65535)), np.int16)


def test_what_was_learned_is_done_again() -> None:
    dark = small()
    transfer = Transfer.learn(dark, brightened(dark), ALL)
    assert np.abs(transfer(dark) - brightened(dark)).mean() < 0.01


def test_it_holds_for_a_frame_that_was_never_seen() -> None:
    dark, moved = small(), np.roll(small(), 9, axis=1)
    transfer = Transfer.learn(dark, brightened(dark), ALL)
    assert np.abs(transfer(moved) - brightened(moved)).mean() < 0.02


def test_a_tone_that_was_never_seen_gets_a_sane_picture() -> None:
    grey = np.full((*SHAPE, 3), 0.1, np.float32)
    transfer = Transfer.learn(grey, 2 * grey, ALL)
    found = transfer(2 * grey)
    assert found.mean() == pytest.approx(0.4, abs=0.05)


def test_another_size_of_the_same_picture_is_understood() -> None:
    dark = small()
    transfer = Transfer.learn(dark, brightened(dark), ALL)
    finer = (scene(1, 108, 192) / np.float32(800)).astype(np.float32)
    assert np.abs(transfer(finer) - brightened(finer)).mean() < 0.01


def test_what_was_learned_of_a_size_of_other_cells_is_kept() -> None:
    """Of a small source, sizes of one shape are rounded to 13 rows of cells, and to 14."""
    whole = scene(1, 170, 304) // 3
    first, second = (to_float(reduce(whole, side)) for side in (320, 256))
    known = Transfer.learn(first, 2 * first, np.ones(first.shape[:2], np.float32))
    again = Transfer.learn(second, 2 * second, np.ones(second.shape[:2], np.float32), known, 0.5)
    assert again(second).mean() == pytest.approx(2 * second.mean(), rel=0.05)


def test_answers_are_averaged_over_time() -> None:
    dark = small()
    first = Transfer.learn(dark, dark, ALL)
    mixed = Transfer.learn(dark, 3 * dark, ALL, first, 0.75)
    assert mixed(dark).mean() == pytest.approx(1.5 * dark.mean(), rel=0.02)


def test_nothing_is_learned_where_there_is_no_picture() -> None:
    dark = small()
    bright, holds = 2 * dark, ALL.copy()
    bright[:, :48], holds[:, :48] = 0, 0
    found = [Transfer.learn(dark, bright, known)(dark)[:, 40:48].mean() for known in (holds, ALL)]
    assert found[0] == pytest.approx(2 * dark[:, 40:48].mean(), rel=0.2)
    assert found[1] < 0.2 * found[0]


def test_a_black_frame_teaches_black() -> None:
    black = np.zeros((*SHAPE, 3), np.float32)
    assert not Transfer.learn(black, black, SILENT)(black).any()


@pytest.mark.parametrize(("dtype", "most"), [(np.uint8, 255), (np.uint16, 65535)])
def test_a_gain_reaches_full_size_in_any_depth(dtype: type, most: int) -> None:
    frame = scene(1, 216, 384).astype(np.uint16) * np.uint16(60)
    dark = to_float(reduce(frame, 96))
    found = apply(luma(frame), dark, 4 * dark, SILENT, dtype)
    assert found.dtype == dtype
    wanted = 4 * frame / 65535
    assert np.abs(found / most - wanted).mean() < 0.05 * wanted.mean()


def test_an_edge_stays_where_it_is_and_has_no_halo() -> None:
    frame = step()
    dark = to_float(reduce(frame, 96))
    found = apply(luma(frame), dark, np.sqrt(dark), SILENT, np.uint8)[100, :, 1].astype(float)
    low, high = 255 * np.sqrt([2000 / 65535, 12000 / 65535])
    # Averaged alike, windows left 8 levels beside it.
    assert np.abs(found[:192] - low).max() <= 3
    assert np.abs(found[192:] - high).max() <= 3


def test_grain_is_smoothed_and_detail_above_it_kept() -> None:
    random = np.random.default_rng(1)
    noise = random.normal(0, 300, (216, 384, 1))
    flat = np.clip(3000 + noise, 0, 65535).astype(np.uint16).repeat(3, 2)
    dark = to_float(reduce(flat, 96))
    known = np.full(SHAPE, (300 / 65535) ** 2, np.float32)
    kept = apply(luma(flat), dark, 5 * dark, SILENT, np.uint8).std()
    smoothed = apply(luma(flat), dark, 5 * dark, known, np.uint8).std()
    assert smoothed < 0.5 * kept
    edge = apply(luma(step()), to_float(reduce(step(), 96)), dark * 0 + 0.5, known, np.uint8)
    assert edge.mean() == pytest.approx(127.5, abs=1)


def test_samples_have_all_of_the_noise() -> None:
    noisy = np.random.default_rng(1).integers(0, 9, (216, 384, 3), dtype=np.uint8)
    found = sample(noisy, (54, 96, 3))
    assert found.dtype == np.uint16
    assert found.std() == pytest.approx(257 * noisy.std(), rel=0.05)
