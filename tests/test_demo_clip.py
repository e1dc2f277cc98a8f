from __future__ import annotations

from itertools import islice, pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from core.training.darkness import to_linear
from scripts import make_demo_clip
from scripts.demo_picture import GAP_PX, beside, frame_at
from scripts.make_demo_clip import FILMED_AT, HEIGHT, SCENES, WIDTH, film, write

pytest.importorskip("skimage", reason="the photographs come with scikit-image")


@pytest.fixture
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three frames of each scene are enough to look at."""
    short = tuple(
        make_demo_clip.Scene(s.photograph, s.begin, s.end, s.night, frames=3) for s in SCENES
    )
    monkeypatch.setattr(make_demo_clip, "SCENES", short)


@pytest.mark.usefixtures("_short")
def test_the_same_seed_films_the_same() -> None:
    pairs = list(zip(film(1), film(1), strict=True))
    assert all(np.array_equal(one, other) for one, other in pairs)
    assert not np.array_equal(pairs[0][0], next(film(2)))


@pytest.mark.usefixtures("_short")
def test_there_is_one_cut_and_it_is_dark() -> None:
    frames = list(film(1))
    assert {frame.shape for frame in frames} == {(HEIGHT, WIDTH, 3)}
    assert all(0.0005 < to_linear(frame).mean() < 0.02 for frame in frames)
    blocks = [frame.reshape(9, 40, 16, 40, 3).mean((1, 3)) for frame in frames]
    views = [abs(a / a.mean() - b / b.mean()).mean() for a, b in pairwise(blocks)]
    assert max(views) == views[2]


def test_the_camera_moves_slowly_and_the_noise_is_fresh() -> None:
    first, second = islice(film(1), 2)
    assert np.abs(first.astype(int) - second).mean() > 0.2
    smooth = [frame.reshape(36, 10, 64, 10, 3).mean((1, 3)) for frame in (first, second)]
    assert np.abs(smooth[0] - smooth[1]).mean() < 0.3


@pytest.mark.usefixtures("_short")
def test_the_file_is_whole_and_repeatable(tmp_path: Path) -> None:
    for name in ("one.mp4", "two.mp4"):
        write(tmp_path / "new" / name)
    one, two = ((tmp_path / "new" / name).read_bytes() for name in ("one.mp4", "two.mp4"))
    assert one == two
    with av.open(str(tmp_path / "new" / "one.mp4")) as clip:
        assert clip.metadata["creation_time"] == FILMED_AT
        assert sum(1 for _ in clip.decode(video=0)) == 6
        assert clip.streams.video[0].average_rate == 24
        assert [stream.codec_context.name for stream in clip.streams.audio] == ["aac"]


@pytest.mark.usefixtures("_short")
def test_before_and_after_are_the_same_moment(tmp_path: Path) -> None:
    write(tmp_path / "clip.mp4")
    frame = frame_at(tmp_path / "clip.mp4", 0.4)
    pair = beside(frame, frame)
    assert pair.shape == (HEIGHT, 2 * WIDTH + GAP_PX, 3)
    assert np.array_equal(pair[:, :WIDTH], pair[:, WIDTH + GAP_PX :])
    filmed = list(film(1))[2].astype(int)
    assert np.abs(frame - filmed).mean() < 4
