from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from core.errors import SettingsError
from core.training.darkness import Darkness, to_linear
from core.training.datasets import (
    Mixture,
    Pair,
    PairCrops,
    crop_alike,
    read,
    read_rows,
    synthesise,
)
from core.training.labelled import CAMVID_CLASSES, VOC_CLASSES, Labelled, LabelledCrops, camvid

Picture = NDArray[np.uint8]
SIZES = ((32, 0), (16, 32))
"""Of crops, and to which their pictures of 64 pixels are reduced: both show the same."""
DATA = Path(__file__).parents[3] / "shared" / "data"


def generator(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def picture(seed: int, channels: int = 3) -> Picture:
    shape = (48, 64, channels) if channels > 1 else (48, 64)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def mixtures() -> list[Mixture]:
    real = Mixture([Pair(picture(1), picture(1)), Pair(picture(2), picture(2))], 1.0)
    made = Mixture([Pair(None, picture(3))], 1.0)
    return [real, made]


def pair_crops(seed: int = 1) -> PairCrops:
    return PairCrops(mixtures(), 32, seed)


@pytest.mark.parametrize("twin", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_crop_depends_on_seed_and_number_alone(share: float, twin: bool) -> None:
    crops, again = (
        PairCrops(mixtures(), 32, 1, mix_up=share, filmed=share, twin=twin) for _ in range(2)
    )
    forward = [crops[number] for number in range(8)]
    backward = [again[number] for number in reversed(range(8))][::-1]
    for planes, same in zip(forward, backward, strict=True):
        assert len(planes) == 2 + twin
        assert all(torch.equal(*both) for both in zip(planes, same, strict=True))


def test_another_number_or_seed_is_another_crop() -> None:
    crops = pair_crops()
    assert not torch.equal(crops[0][1], crops[1][1])
    assert not torch.equal(crops[0][1], pair_crops(2)[0][1])


def test_real_pairs_are_cut_alike() -> None:
    crops = PairCrops([Mixture([Pair(picture(1), picture(1))], 1.0)], 32, 1)
    for number in range(16):
        dark, bright = crops[number]
        assert torch.equal(dark, bright)
        assert dark.shape == (3, 32, 32)


def test_what_is_made_dark_is_dark() -> None:
    crops = PairCrops([Mixture([Pair(None, picture(3))], 1.0)], 32, 1)
    found = [crops[number] for number in range(16)]
    assert all(dark.mean() < bright.mean() for dark, bright in found)
    assert all(plane.min() >= 0 and plane.max() <= 1 for both in found for plane in both)


def test_mixtures_are_drawn_by_weight() -> None:
    white, black = np.full((32, 32, 3), 255, np.uint8), np.zeros((32, 32, 3), np.uint8)
    mixtures = [Mixture([Pair(white, white)], 3.0), Mixture([Pair(black, black)], 1.0)]
    crops = PairCrops(mixtures, 16, 1)
    share = np.mean([float(crops[number][1].mean()) for number in range(400)])
    assert share == pytest.approx(0.75, abs=0.07)


def test_a_second_dark_crop_changes_neither_of_the_others() -> None:
    crops, twins = pair_crops(), PairCrops(mixtures(), 32, 1, twin=True)
    for number in range(12):
        (dark, bright), (first, _, same) = crops[number], twins[number]
        assert torch.equal(dark, first)
        assert torch.equal(bright, same)


def test_made_twins_are_one_night_with_independent_noise() -> None:
    bright = np.full((200, 200, 3), 200, np.uint8)
    night = Darkness.draw(generator(5))
    assert night.jpeg is None, "so that what differs is noise"
    first, second, day = synthesise(bright, [generator(5), generator(99)])
    assert np.array_equal(day, bright), "no lamps in this one"
    light, other = (to_linear(dark).astype(np.float64) for dark in (first, second))
    assert light.mean() == pytest.approx(other.mean(), rel=0.01)
    variance = light.mean() / night.electrons + (night.read_noise / night.electrons) ** 2
    assert (light - other).var() / 2 == pytest.approx(variance, rel=0.25)


def test_made_twins_have_the_same_lamps() -> None:
    nothing = np.zeros((96, 96, 3), np.uint8)
    found = [synthesise(nothing, [generator(seed), generator(99)]) for seed in range(30)]
    lit = [planes for planes in found if planes[2].any()]
    assert 6 <= len(lit) <= 18, "about two of five have lamps"
    for first, second, day in lit:
        assert np.abs(first.astype(int) - day).mean() < 4
        assert np.abs(second.astype(int) - day).mean() < 4
    assert np.abs(lit[0][0].astype(int) - lit[1][0]).mean() > 8, "and not all lamps are alike"


def test_a_real_twin_is_the_same_picture_with_a_little_fresh_noise() -> None:
    dark = np.full((64, 64, 3), 15, np.uint8)
    crops = PairCrops([Mixture([Pair(dark, picture(1)[:, :48])], 1.0)], 32, 1, twin=True)
    first, second, _ = crops[0]
    assert float((first * 255 - 15).abs().max()) < 1e-3
    noise = second * 255 - 15
    assert abs(float(noise.mean())) < 0.1
    assert 0.7 < float(noise.std()) < 1.5


def test_mix_up_blends_dark_and_bright_by_the_same_share() -> None:
    ends = [np.full((32, 32, 3), code, np.uint8) for code in (0, 255)]
    pairs = [Pair(end, end) for end in ends]
    crops = PairCrops([Mixture(pairs, 1.0)], 16, 1, mix_up=0.5)
    shares = []
    for number in range(400):
        dark, bright = crops[number]
        assert torch.equal(dark, bright)
        shares.append(float(dark.mean()))
    blended = [share for share in shares if 1e-4 < share < 1 - 1e-4]
    assert len(blended) / len(shares) == pytest.approx(0.25, abs=0.06), "half, of which half differ"
    assert np.var(blended) == pytest.approx(1 / (4 * (2 * 1.2 + 1)), rel=0.25), "Beta(1.2, 1.2)"


def test_mix_up_leaves_the_other_crops_as_they_were() -> None:
    plain, mixed = pair_crops(), PairCrops(mixtures(), 32, 1, mix_up=0.5)
    same = [torch.equal(plain[number][1], mixed[number][1]) for number in range(40)]
    assert 8 <= sum(same) <= 32


def test_shaking_changes_how_dark_the_crop_is_and_not_its_reference() -> None:
    pair = Pair(np.full((32, 32, 3), 10, np.uint8), picture(2)[:32, :32])
    plain, shaken = (PairCrops([Mixture([pair], 1.0)], 16, 1, shaken=by) for by in (0.0, 1.0))
    gains = []
    for number in range(40):
        (dark, bright), (darker, reference) = plain[number], shaken[number]
        assert torch.equal(bright, reference)
        gains.append(float(darker.mean() / dark.mean()))
    assert 0.5 <= min(gains) < 0.6
    assert 1.8 < max(gains) <= 2


def test_a_picture_smaller_than_the_crop_is_reflected() -> None:
    small = picture(4)[:20, :30]
    (crop,) = crop_alike([small], 32, generator(1), turn=False)
    assert crop.shape == (32, 32, 3)
    upright = crop if np.array_equal(crop[:20, :30], small) else crop[:, ::-1]
    assert np.array_equal(upright[:20, :30], small)
    assert np.array_equal(upright[20:, :30], small[18:6:-1])


def test_labels_are_cut_with_their_picture_and_never_turned() -> None:
    labels = picture(5, 1)
    image = np.repeat(labels[..., None], 3, 2)
    dark = np.full_like(image, 7)
    crops = LabelledCrops([Labelled(image, None, labels, 0, CAMVID_CLASSES)], 32, 1)
    seen = [crops[number] for number in range(20)]
    clear = [s for s in seen if torch.equal((s[0][0] * 255).round().long(), s[1])]
    assert 4 <= len(clear) <= 16, "about half of the crops stay bright"
    crops = LabelledCrops([Labelled(image, dark, labels, 11, VOC_CLASSES)], 32, 1)
    means = [float(crops[number][0].mean() * 255) for number in range(40)]
    assert any(mean == pytest.approx(7) for mean in means), "real dark twins are used"


def test_each_data_set_knows_its_own_classes() -> None:
    crops = LabelledCrops([Labelled(picture(1), None, picture(2, 1), 11, VOC_CLASSES)], 32, 1)
    known = crops[0][2]
    assert not known[:CAMVID_CLASSES].any()
    assert known[CAMVID_CLASSES:].all()


def test_crops_keep_top_and_bottom_unless_asked() -> None:
    tall = np.repeat(np.arange(64, dtype=np.uint8)[:, None], 64, 1)
    for seed in range(10):
        (crop,) = crop_alike([tall], 32, np.random.default_rng(seed), turn=False)
        assert (np.diff(crop.astype(int), axis=0) == 1).all()


def test_camvid_is_read_with_unknown_classes_ignored(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train_labels").mkdir()
    cv2.imwrite(str(tmp_path / "train" / "one.webp"), picture(1), [cv2.IMWRITE_WEBP_QUALITY, 101])
    labels = picture(2, 1) % 14
    cv2.imwrite(str(tmp_path / "train_labels" / "one.png"), labels)
    (found,) = camvid(tmp_path, "train")
    assert np.array_equal(found.bright, picture(1)[..., ::-1]), "OpenCV's blue comes first"
    assert np.array_equal(found.labels, np.where(labels < 11, labels, 255))


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="Cannot read the picture"):
        read(tmp_path / "none.png")
    with pytest.raises(SettingsError, match="folder that holds the training data"):
        read_rows(tmp_path / "pairs.csv")


@pytest.mark.skipif(not DATA.is_dir(), reason=f"the training data is not in {DATA}")
def test_no_scene_is_both_learnt_and_judged() -> None:
    rows = read_rows(DATA / "lol_v1" / "pairs.csv")
    scenes = {
        split: {row["scene"] for row in rows if row["split"] == split} for split in ("train", "val")
    }
    assert scenes["train"]
    assert scenes["val"]
    assert not scenes["train"] & scenes["val"]


def test_reduced_crops_show_twice_as_much_with_less_noise() -> None:
    pairs = [Pair(picture(1), picture(2))]
    plain, reduced = (PairCrops([Mixture(pairs, 1.0, side)], size, 1) for size, side in SIZES)
    (noisy, bright), (averaged, small) = plain[0], reduced[0]
    assert averaged.shape == small.shape == (3, 16, 16)
    assert averaged.mean() == pytest.approx(float(noisy.mean()), abs=0.02), "the same part"
    assert small.mean() == pytest.approx(float(bright.mean()), abs=0.005)
    assert small.std() < 0.7 * bright.std()


def test_made_nights_are_reduced_with_their_noise() -> None:
    dark, bright = PairCrops([Mixture([Pair(None, picture(3))], 1.0, 32)], 16, 1)[0]
    assert dark.shape == bright.shape == (3, 16, 16)
    assert dark.mean() < bright.mean()
