from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from core.errors import SettingsError
from core.training.datasets import (
    CAMVID_CLASSES,
    VOC_CLASSES,
    Labelled,
    LabelledCrops,
    Mixture,
    Pair,
    PairCrops,
    camvid,
    crop_alike,
    lol_pairs,
    read,
    read_rows,
)

Picture = NDArray[np.uint8]
DATA = Path(__file__).parents[3] / "shared" / "data"


def picture(seed: int, channels: int = 3) -> Picture:
    shape = (48, 64, channels) if channels > 1 else (48, 64)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def pair_crops(seed: int = 1) -> PairCrops:
    real = Mixture([Pair(picture(1), picture(1)), Pair(picture(2), picture(2))], 1.0)
    made = Mixture([Pair(None, picture(3))], 1.0)
    return PairCrops([real, made], 32, seed)


def test_a_crop_depends_on_seed_and_number_alone() -> None:
    crops, again = pair_crops(), pair_crops()
    forward = [crops[number] for number in range(8)]
    backward = [again[number] for number in reversed(range(8))][::-1]
    for (dark, bright), (dark_again, bright_again) in zip(forward, backward, strict=True):
        assert torch.equal(dark, dark_again)
        assert torch.equal(bright, bright_again)


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
        lol_pairs(tmp_path, "train")


@pytest.mark.skipif(not DATA.is_dir(), reason=f"the training data is not in {DATA}")
def test_no_scene_is_both_learnt_and_judged() -> None:
    rows = read_rows(DATA / "lol_v1" / "pairs.csv")
    scenes = {
        split: {row["scene"] for row in rows if row["split"] == split} for split in ("train", "val")
    }
    assert scenes["train"]
    assert scenes["val"]
    assert not scenes["train"] & scenes["val"]
