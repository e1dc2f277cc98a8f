"""The way to run the network is chosen, changed while running, and survives the GPU."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from core.enhance import fast
from core.enhance.backends import on_openvino
from core.enhance.backends.on_openvino import export_path
from core.enhance.finish import Look
from core.enhance.live_enhancer import GovernedEnhancer, open_live_enhancer
from core.enhance.live_network import Network, open_network
from core.enhance.live_plan import choose_runtime, pick_model
from core.enhance.plan import Machine, resolve
from core.errors import BackendError, BackendUnavailableError, CheckpointError
from core.frame import Frame
from core.media.live import LiveInfo
from core.model import checkpoint
from core.settings import EnhanceSettings, LiveSettings
from tests.fakes import AtOnce, FakeBackend, scene, write_tiny_model

if TYPE_CHECKING:
    from core.enhance.backends import Queries
    from core.frame import Pixels

SMALL = Machine("x86_64", 2, fast_bfloat16=False, gpus=())
WITH_GPU = Machine("x86_64", 2, fast_bfloat16=False, gpus=("Acme 9000",))
RATE = Fraction(4)
SIZE = (216, 384)


class Clock:
    """Seconds that pass only when someone works."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


CLOCK = Clock()


@pytest.fixture(autouse=True)
def _one_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The network's own time is taken by ours as well."""
    monkeypatch.setattr(fast, "time", SimpleNamespace(perf_counter=CLOCK))


class Worker(FakeBackend):
    """Takes so many seconds for a picture of `SIZE`."""

    pace_s = 0.01

    def enhance(
        self, pixels: Pixels, queries: Queries | None, look: Look, steady: Pixels | None = None
    ) -> Pixels:
        CLOCK.now_s += self.pace_s * pixels.shape[0] * pixels.shape[1] / (SIZE[0] * SIZE[1])
        return super().enhance(pixels, queries, look, steady)


class Rig:
    """An enhancer whose networks are stand-ins, one for each device."""

    def __init__(self, machine: Machine, gpu: Worker | None = None, **wishes: Any) -> None:
        self.workers = {"cpu": Worker(), "cuda": gpu or Worker()}
        self.opened: list[str] = []
        settings = LiveSettings(**wishes)
        self.enhancer = GovernedEnhancer(settings, RATE, machine, AtOnce(), self._open, CLOCK)

    def _open(self, settings: LiveSettings, machine: Machine) -> Network:
        planned = resolve(settings.enhance, machine)
        self.opened.append(planned.device)
        runtime = choose_runtime(planned, machine, openvino=True, eight_bits=False)
        model = pick_model(settings, planned.device, has_small=True)
        return Network(model, self.workers[planned.device], runtime)

    @property
    def done(self) -> tuple[str, int, int]:
        """Mode, side and cadence."""
        step = self.enhancer.plan.step
        return step.mode, step.side, step.cadence

    def show(self, seconds: float, size: tuple[int, int] = SIZE) -> Frame:
        """Frames for so long."""
        end = CLOCK.now_s + seconds
        while CLOCK.now_s < end:
            before = CLOCK.now_s
            result = self.enhancer(frame(*size))
            CLOCK.now_s = max(CLOCK.now_s, before + 1 / float(RATE))
        return result


def frame(height: int = 90, width: int = 160) -> Frame:
    return Frame(scene(3, height, width) // 3, 0, Fraction(1, 30))


def info(width: int = 160, height: int = 90) -> LiveInfo:
    return LiveInfo("test", width, height, RATE, "test")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_tiny_model(tmp_path / "tiny.safetensors")


@pytest.fixture
def without_openvino(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_openvino, "is_installed", lambda: False)


@pytest.mark.usefixtures("without_openvino")
@pytest.mark.parametrize("plan", ["auto", "fast", "full"])
def test_a_real_model_brightens_frame_after_frame(model: Path, plan: Any) -> None:
    settings = LiveSettings(enhance=EnhanceSettings(model=str(model), device="cpu"), plan=plan)
    with ThreadPoolExecutor(1) as executor:
        enhancer = open_live_enhancer(settings, info(), SMALL, executor)
        dark = frame()
        results = [enhancer(dark) for _ in range(3)]
        enhancer.close()
    assert all(result.pixels.shape == dark.pixels.shape for result in results)
    assert results[-1].pixels.mean() > dark.pixels.mean() + 1
    assert enhancer.plan.step.mode == ("full" if plan == "full" else "fast")
    assert enhancer.plan.runtime == "torch"
    assert "OpenVINO is not installed" in " ".join(enhancer.plan.reasons)
    assert list(enhancer.notes) == []


def test_a_model_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    settings = LiveSettings(enhance=EnhanceSettings(model=str(tmp_path / "no.safetensors")))
    with pytest.raises(CheckpointError, match="There is no weights file"):
        open_live_enhancer(settings, info(), SMALL, AtOnce())


def test_a_gpu_asked_for_by_name_must_be_there() -> None:
    settings = LiveSettings(enhance=EnhanceSettings(device="cuda"))
    with pytest.raises(BackendUnavailableError, match="CUDA"):
        open_live_enhancer(settings, info(), SMALL, AtOnce())


@pytest.mark.parametrize(("fresh", "plan"), [(True, "auto"), (True, "full"), (False, "auto")])
def test_the_eight_bit_network_serves_if_it_is_of_these_weights(
    model: Path, fresh: bool, plan: Any
) -> None:
    openvino: Any = pytest.importorskip("openvino")
    ops: Any = pytest.importorskip("openvino.opset13")
    picture = ops.parameter([1, 3, -1, -1], name="image")
    export = openvino.Model([ops.result(picture)], [picture], "tiny")
    digest = checkpoint.load(model, "deepspg").sha256 if fresh else "0" * 64
    export.set_rt_info(digest, on_openvino.STAMP)
    openvino.save_model(export, export_path(model))
    settings = LiveSettings(enhance=EnhanceSettings(model=str(model)), plan=plan)
    found = open_network(settings, SMALL)
    assert found.runtime.name == "openvino"
    assert found.runtime.eight_bits == (fresh and plan != "full")
    assert ["made from other weights" in note for note in found.notes] == [True] * (not fresh)


def test_a_slow_network_sees_less_from_the_start() -> None:
    rig = Rig(SMALL)
    rig.workers["cpu"].pace_s = 0.18
    rig.show(0.1)
    assert rig.done == ("fast", 384, 2)


def test_it_does_less_while_the_machine_is_busy_and_more_again_after() -> None:
    rig = Rig(SMALL)
    rig.show(1)
    assert rig.done == ("fast", 384, 1)
    rig.workers["cpu"].pace_s = 0.36
    rig.show(6)
    assert rig.done == ("fast", 384, 2)
    reasons = rig.enhancer.plan.reasons
    assert reasons[0] == "384 px, every 2nd frame: a frame took 360 ms of 250"
    rig.workers["cpu"].pace_s = 0.01
    rig.show(13)
    assert rig.done == ("fast", 384, 1)
    assert len(rig.enhancer.plan.reasons) == len(reasons)


def test_frames_are_made_smaller_where_nothing_else_is_in_time() -> None:
    rig = Rig(SMALL)
    rig.workers["cpu"].pace_s = 4.0
    large = rig.show(20, (720, 1280))
    assert rig.enhancer.plan.step.shrink == 2
    assert str(rig.enhancer.plan.step) == "256 px, every 4th frame, shown at half the size"
    assert large.pixels.shape == (720, 1280, 3)
    assert large.pixels.mean() > frame(720, 1280).pixels.mean()
    assert not rig.enhancer.notes, "no other size has come"
    rig.workers["cpu"].pace_s = 0.01
    rig.show(40, (720, 1280))
    assert rig.enhancer.plan.step.shrink == 1


def test_whole_frames_asked_for_are_seen_as_often_as_there_is_time() -> None:
    rig = Rig(SMALL, plan="full")
    rig.workers["cpu"].pace_s = 1.0
    rig.show(6)
    assert rig.done == ("full", 0, 5)
    assert rig.workers["cpu"].steady[-1] is None, "the network saw no small picture"
    rig.workers["cpu"].pace_s = 0.01
    rig.show(30)
    assert rig.done == ("full", 0, 1)


def test_a_gpu_sees_whole_frames_until_they_take_too_long() -> None:
    rig = Rig(WITH_GPU)
    rig.show(0.5)
    assert rig.done == ("full", 0, 1)
    assert rig.enhancer.plan.device == "cuda"
    rig.workers["cuda"].pace_s = 0.3
    result = rig.show(5)
    assert rig.done[0] == "fast"
    assert result.pixels.shape == (*SIZE, 3)


@pytest.mark.parametrize("plan", ["full", "fast"])
def test_a_gpu_that_is_lost_is_replaced_by_the_processor(plan: Any) -> None:
    rig = Rig(WITH_GPU, plan=plan)
    rig.show(0.2, (90, 160))
    assert rig.enhancer.plan.device == "cuda"
    lost = rig.workers["cuda"]
    lost._fails_at = len(lost.seen)
    dark = frame()
    result = rig.enhancer(dark)
    assert result.pixels.mean() > dark.pixels.mean()
    assert rig.enhancer.plan.device == "cpu"
    assert rig.opened == ["cuda", "cpu"]
    assert rig.enhancer.notes == ["The device has no memory for this frame. Went on with the CPU."]
    rig.show(1)
    assert rig.opened == ["cuda", "cpu"]


def test_a_gpu_that_fails_at_the_opening_is_replaced_as_well() -> None:
    rig = Rig(WITH_GPU, gpu=Worker(fails_at=0))
    rig.enhancer.prepare(160, 90)
    assert rig.enhancer.plan.device == "cpu"
    assert "Went on with the CPU" in rig.enhancer.notes[0]


def test_a_processor_that_fails_has_nothing_behind_it() -> None:
    rig = Rig(SMALL)
    rig.show(0.1)
    rig.workers["cpu"]._fails_at = 0
    with pytest.raises(BackendError, match="no memory"):
        rig.show(1)


def test_another_size_is_measured_for_anew() -> None:
    rig = Rig(SMALL)
    rig.show(0.2, (320, 640))
    before = rig.enhancer.plan.network_s
    result = rig.show(0.2, (640, 320))
    assert result.pixels.shape == (640, 320, 3)
    assert rig.enhancer.plan.network_s == pytest.approx(before)
    rig.show(0.2, (60, 80))
    assert rig.enhancer.plan.network_s[0] < before[0]
    assert rig.opened == ["cpu"]


@pytest.mark.parametrize("plan", ["full", "fast"])
def test_other_wishes_are_taken_up_without_another_network(plan: Any) -> None:
    rig = Rig(SMALL, plan=plan)
    rig.show(0.2, (90, 160))
    asked = len(rig.workers["cpu"].seen)
    rig.enhancer.change(EnhanceSettings(strength=0.5, prior_every=3))
    rig.enhancer(frame())
    assert rig.opened == ["cpu"]
    assert len(rig.workers["cpu"].seen) > asked


@pytest.mark.parametrize("plan", ["full", "fast"])
def test_the_age_of_the_prior_is_told(plan: Any) -> None:
    rig = Rig(SMALL, plan=plan, enhance=EnhanceSettings(prior_every=4))
    ages = []
    for _ in range(10):
        rig.enhancer(frame())
        ages.append(rig.enhancer.prior_age)
    assert ages == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1]


def test_closing_twice_is_safe() -> None:
    rig = Rig(SMALL)
    rig.show(0.1)
    rig.enhancer.close()
    rig.enhancer.close()
    assert rig.enhancer.notes == []


class Torn(GovernedEnhancer):
    """Closed by another thread as soon as its way was looked at."""

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name == "_way":
            self._way = None
        return found


def test_its_notes_may_be_read_while_another_thread_closes_it() -> None:
    rig = Rig(SMALL)
    rig.show(0.1)
    rig.enhancer.__class__ = Torn
    assert rig.enhancer.notes == []
