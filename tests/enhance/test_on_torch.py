"""What every backend promises, and how far precisions and devices may differ."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from core.enhance.backends.on_torch import TorchBackend
from core.enhance.finish import Look
from core.errors import BackendError
from core.model.deepspg import DeepSPG, DeepSPGConfig
from tests.fakes import scene, tiny_network

NEEDS_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU here")
NEEDS_BF16 = pytest.mark.skipif(
    not torch.cpu._is_avx512_bf16_supported(), reason="this processor has no fast bfloat16"
)
Picture = NDArray[Any]


class PooledPrior(nn.Module):
    """Local averages in place of semantics: features at 1/4, 1/8 and 1/16."""

    def forward(self, image_B3HW: Tensor) -> SimpleNamespace:
        sides = (4, 8, 16)
        return SimpleNamespace(
            features=[avg_pool2d(image_B3HW, s, ceil_mode=True).repeat(1, 4, 1, 1) for s in sides]
        )


def backend(device: str = "cpu", precision: str = "float32") -> TorchBackend:
    return TorchBackend(tiny_network(), None, device, precision)


def network_with_prior() -> DeepSPG:
    torch.manual_seed(2)
    channels = (12, 12, 12)
    config = DeepSPGConfig(widths=(8, 8, 8, 8), depths=(1, 1, 1, 1), prior_channels=channels)
    network = DeepSPG(config).eval().requires_grad_(False)
    nn.init.normal_(network.head_1.weight, std=0.02)
    return network


def backend_with_prior(device: str = "cpu", precision: str = "float32") -> TorchBackend:
    return TorchBackend(network_with_prior(), cast("Any", PooledPrior), device, precision)


def night(height: int = 64, width: int = 96, depth: type[Any] = np.uint8) -> Picture:
    """A dim picture with the noise of a small sensor."""
    noise = np.random.default_rng(5).normal(0, 3, (height, width, 3))
    picture = np.clip(scene(4, height, width) / 4 + noise, 0, 255)
    return (picture * (1 if depth is np.uint8 else 257)).astype(depth)


def psnr(one: Picture, other: Picture) -> float:
    most = np.iinfo(one.dtype).max
    error = np.mean((one.astype(np.float64) - other.astype(np.float64)) ** 2)
    return float(10 * np.log10(most**2 / max(float(error), 1e-12)))


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    """Small pictures gain nothing from more, and a busy machine makes them wait."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("size", [(32, 32), (33, 47), (64, 96), (65, 97), (90, 34)])
def test_shape_and_depth_stay(size: tuple[int, int], depth: type[Any]) -> None:
    dark = night(*size, depth)
    before = dark.copy()
    bright = backend().enhance(dark, None, Look())
    assert (bright.shape, bright.dtype) == (dark.shape, dark.dtype)
    assert np.array_equal(dark, before)
    assert not np.array_equal(bright, dark)


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_equal_frames_give_equal_bytes(depth: type[Any]) -> None:
    ours, dark = backend(), night(depth=depth)
    once, again = (ours.enhance(dark, None, Look()).tobytes() for _ in range(2))
    assert once == again == backend().enhance(dark, None, Look()).tobytes()


def test_a_change_of_size_is_taken_up() -> None:
    ours = backend()
    for size in ((64, 96), (40, 56), (64, 96)):
        assert ours.enhance(night(*size), None, Look()).shape == (*size, 3)


def test_memory_order_does_not_matter() -> None:
    turned = np.rot90(night(96, 64))
    straight = backend().enhance(np.ascontiguousarray(turned), None, Look())
    assert np.array_equal(backend().enhance(turned, None, Look()), straight)


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_strength_zero_returns_the_original(depth: type[Any]) -> None:
    dark = night(depth=depth)
    same = backend().enhance(dark, None, Look(0.0, 1.0)).astype(int)
    # Dither may take a value that float arithmetic moved off its code to the next one.
    assert np.abs(same - dark).max() <= 1
    assert np.mean(same != dark) < 0.02


def test_eight_bits_are_dithered_and_sixteen_are_not() -> None:
    flat = np.full((64, 64, 3), 60, np.uint8)
    bright = backend().enhance(flat, None, Look(0.37, 0.0))[24:40, 24:40]
    wide = backend().enhance(flat.astype(np.uint16) * 257, None, Look(0.37, 0.0))[24:40, 24:40]
    assert np.ptp(bright, axis=(0, 1)).max() == 1
    assert np.ptp(wide, axis=(0, 1)).max() < 257 // 8
    assert np.allclose(bright.mean((0, 1)), wide.mean((0, 1)) / 257, atol=0.15)


def test_both_depths_show_the_same_picture() -> None:
    eight = backend().enhance(night(), None, Look())
    wide = backend().enhance(night().astype(np.uint16) * 257, None, Look())
    assert np.abs(eight.astype(float) - wide / 257).max() <= 1.01


def test_a_network_without_a_prior_has_no_queries() -> None:
    assert backend().queries(night()) is None


@pytest.mark.parametrize("size", [(64, 96), (65, 97), (48, 640)])
def test_a_prior_serves_every_size(size: tuple[int, int]) -> None:
    ours, dark = backend_with_prior(), night(*size)
    found = ours.queries(dark)
    assert found is not None
    assert ours.enhance(dark, found, Look()).shape == dark.shape


def test_a_blend_of_priors_lies_between_them() -> None:
    ours = backend_with_prior()
    old, new = ours.queries(night()), ours.queries(night()[::-1].copy())
    assert old is not None
    assert new is not None
    ends = [cast("tuple[Tensor, ...]", queries) for queries in (old, new)]
    for share, expected in ((0.0, ends[0]), (1.0, ends[1])):
        for part, end in zip(ours.blend(old, new, share), expected, strict=True):
            torch.testing.assert_close(part, end)
    middle = cast("tuple[Tensor, ...]", ours.blend(old, new, 0.5))
    for part, first, second in zip(middle, *ends, strict=True):
        torch.testing.assert_close(part, (first + second) / 2)


def test_want_of_memory_is_a_backend_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError

    network = tiny_network()
    monkeypatch.setattr(network, "forward", full)
    with pytest.raises(BackendError, match="no memory for a 96x64 frame"):
        TorchBackend(network, None, "cpu", "float32").enhance(night(), None, Look())


def test_want_of_memory_for_the_prior_is_one_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(PooledPrior, "forward", full)
    with pytest.raises(BackendError, match="no memory"):
        backend_with_prior().queries(night())


def test_a_library_that_fails_is_a_backend_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("cuDNN error:\n CUDNN_STATUS_EXECUTION_FAILED")

    network = tiny_network()
    monkeypatch.setattr(network, "forward", fails)
    ours = TorchBackend(network, None, "cpu", "float32")
    with pytest.raises(BackendError, match="cpu failed on a 96x64 frame: cuDNN error: CUDNN_"):
        ours.enhance(night(), None, Look())
    monkeypatch.setattr(PooledPrior, "forward", fails)
    with pytest.raises(BackendError, match="cuDNN"):
        backend_with_prior().queries(night())


def test_priors_that_cannot_be_blended_are_a_backend_error() -> None:
    ours = backend_with_prior()
    one, other = ours.queries(night()), ours.queries(night(48, 80))
    assert one is not None
    assert other is not None
    with pytest.raises(BackendError, match="cpu failed on the prior: The size of tensor"):
        ours.blend(one, other, 0.5)


@NEEDS_BF16
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_bfloat16_is_close_to_float32(depth: type[Any]) -> None:
    dark = night(depth=depth)
    pictures = []
    for precision in ("float32", "bfloat16"):
        ours = backend_with_prior(precision=precision)
        pictures.append(ours.enhance(dark, ours.queries(dark), Look()))
    assert psnr(*pictures) >= 40


@NEEDS_GPU
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_the_gpu_is_close_to_the_processor(depth: type[Any]) -> None:
    dark = night(270, 482, depth)
    pictures = []
    for device, precision in (("cpu", "float32"), ("cuda", "float16")):
        ours = backend_with_prior(device, precision)
        pictures.append(ours.enhance(dark, ours.queries(dark), Look()))
    assert psnr(*pictures) >= 45


@NEEDS_GPU
def test_the_gpu_repeats_itself() -> None:
    ours = backend_with_prior("cuda", "float16")
    queries = ours.queries(night())
    once, again = (ours.enhance(night(), queries, Look()).tobytes() for _ in range(2))
    assert once == again
