from __future__ import annotations

import numpy as np
import pytest

from core.model.reduced import reduce, sharpen
from tests.fakes import scene


@pytest.mark.parametrize(("shape", "wanted"), [((720, 1280), (216, 384)), ((90, 60), (90, 60))])
def test_a_picture_is_reduced_to_its_mean(shape: tuple[int, int], wanted: tuple[int, int]) -> None:
    picture = scene(1, *shape)
    found = reduce(picture, 384)
    assert found.shape[:2] == wanted
    assert found.dtype == np.uint16
    assert found.mean() == pytest.approx(257 * picture.mean(), rel=0.01)


def test_dark_codes_keep_their_fractions() -> None:
    picture = np.zeros((200, 400, 3), np.uint8)
    picture[::2] = 1
    assert np.unique(reduce(picture, 100)).tolist() == [
        129
    ]  # a half, to the next integer of the two steps


def test_sharpening_adds_contrast_and_no_light() -> None:
    picture = np.random.default_rng(1).integers(9000, 19000, (54, 96, 3), dtype=np.uint16)
    assert sharpen(picture).std() > 1.2 * picture.std()
    assert sharpen(picture).mean() == pytest.approx(picture.mean(), rel=0.01)
