"""OpenVINO gives the picture that PyTorch gives, for every shape, and takes no stale export."""

from __future__ import annotations

import gc
import importlib
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.enhance.backends import on_openvino
from core.enhance.backends.on_openvino import OpenVinoBackend, convert, export_path, find_export
from core.enhance.finish import Look
from core.errors import BackendError, BackendUnavailableError, CheckpointError
from tests.enhance.test_on_torch import backend, backend_with_prior, network_with_prior, night, psnr
from tests.fakes import tiny_network

if not on_openvino.is_installed():
    pytest.skip("OpenVINO is not installed", allow_module_level=True)
openvino: Any = pytest.importorskip("openvino")

DIGEST = "0" * 64


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights file with a stamped export beside it."""
    path = tmp_path_factory.mktemp("models") / "model.safetensors"
    model = convert(tiny_network(), has_prior=False)
    model.set_rt_info(DIGEST, on_openvino.STAMP)
    openvino.save_model(model, export_path(path), compress_to_fp16=False)
    return path


@pytest.fixture(scope="module")
def ours(exported: Path) -> OpenVinoBackend:
    """One for all: the first frame of a shape takes its time. The export is what it runs."""
    another = tiny_network(seed=2)
    return OpenVinoBackend(backend(), another, "float32", 1, find_export(exported, DIGEST))


@pytest.fixture(scope="module")
def ours_with_prior() -> OpenVinoBackend:
    """Converted when the first frame comes."""
    return OpenVinoBackend(backend_with_prior(), network_with_prior(), "float32", 1)


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """A weights file whose export was cut off."""
    export_path(tmp_path / "model.safetensors").write_text("<net")
    return tmp_path / "model.safetensors"


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("size", [(33, 47), (64, 96), (90, 34)])
def test_it_shows_what_torch_shows(
    ours: OpenVinoBackend, size: tuple[int, int], depth: type[Any]
) -> None:
    dark = night(*size, depth)
    before = dark.copy()
    bright, expected = (one.enhance(dark, None, Look()) for one in (ours, backend()))
    assert (bright.shape, bright.dtype) == (dark.shape, dark.dtype)
    assert psnr(bright, expected) > 60
    assert psnr(bright, dark) < 40
    assert np.array_equal(dark, before)


def test_the_network_sees_the_steady_frame(ours: OpenVinoBackend) -> None:
    frame, steady, look = night(), night()[::-1].copy(), Look(0.8, 0.6)
    expected = backend().enhance(frame, None, look, steady)
    assert psnr(ours.enhance(frame, None, look, steady), expected) > 60
    assert ours.queries(frame) is None


def test_a_shape_is_compiled_once(ours: OpenVinoBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    def compiles(*_: object) -> None:
        raise RuntimeError("compiled once more")

    first = ours.enhance(night(), None, Look())
    monkeypatch.setattr(openvino.Core, "compile_model", compiles)
    assert np.array_equal(ours.enhance(night(), None, Look()), first)
    with pytest.raises(BackendError, match="80x48 frame: compiled once more"):
        ours.enhance(night(48, 80), None, Look())


def test_the_shape_used_longest_ago_makes_room(
    exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compiles(*_: object) -> None:
        raise RuntimeError("compiled once more")

    monkeypatch.setattr(on_openvino, "KEPT_SHAPES", 2)
    few = OpenVinoBackend(backend(), tiny_network(), "float32", 1, export_path(exported))
    for size in ((48, 80), (64, 96), (48, 80), (40, 56)):
        few.enhance(night(*size), None, Look())
    monkeypatch.setattr(openvino.Core, "compile_model", compiles)
    for size in ((48, 80), (40, 56)):
        assert few.enhance(night(*size), None, Look()).shape == (*size, 3)
    with pytest.raises(BackendError, match="96x64 frame: compiled once more"):
        few.enhance(night(), None, Look())


def test_what_is_let_go_of_is_freed_without_a_search_for_garbage(exported: Path) -> None:
    gc.collect()
    gc.disable()
    try:
        around, another = backend(), tiny_network(seed=2)
        brief = OpenVinoBackend(around, another, "float32", 1, export_path(exported))
        brief.enhance(night(), None, Look())
        left = [weakref.ref(thing) for thing in (brief, around, another)]
        del brief, around, another
        assert [thing() for thing in left] == [None] * 3
    finally:
        gc.enable()


@pytest.mark.parametrize("size", [(64, 96), (65, 97)])
def test_a_prior_is_taken(ours_with_prior: OpenVinoBackend, size: tuple[int, int]) -> None:
    dark = night(*size)
    found, other = (ours_with_prior.queries(picture) for picture in (dark, dark[::-1].copy()))
    assert found is not None
    assert other is not None
    bright = ours_with_prior.enhance(dark, found, Look())
    assert psnr(bright, backend_with_prior().enhance(dark, found, Look())) > 60
    mixed = ours_with_prior.blend(found, other, 0.5)
    assert not np.array_equal(ours_with_prior.enhance(dark, mixed, Look()), bright)


def test_an_export_of_other_weights_is_refused(exported: Path) -> None:
    with pytest.raises(CheckpointError, match="made from other weights"):
        find_export(exported, "1" * 64)


def test_a_damaged_export_is_refused(damaged: Path) -> None:
    with pytest.raises(CheckpointError, match="cannot be read"):
        find_export(damaged, DIGEST)


def test_there_may_be_no_export(tmp_path: Path) -> None:
    assert find_export(tmp_path / "model.safetensors", DIGEST) is None


def test_a_failure_to_open_is_a_backend_error(damaged: Path) -> None:
    broken = OpenVinoBackend(backend(), tiny_network(), "float32", 1, export_path(damaged))
    with pytest.raises(BackendError, match="96x64"):
        broken.enhance(night(), None, Look())


def test_it_says_when_openvino_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_openvino, "is_installed", lambda: False)
    with pytest.raises(BackendUnavailableError, match="not installed"):
        OpenVinoBackend(backend(), tiny_network(), "float32", 1)


def test_a_conversion_is_nobody_elses_business() -> None:
    convert(tiny_network(), has_prior=False)
    converter = importlib.import_module("openvino.tools.ovc.convert_impl")
    assert converter.tm.__name__ == "openvino.tools.ovc.telemetry_stub"
