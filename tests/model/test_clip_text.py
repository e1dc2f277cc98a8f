from __future__ import annotations

import json
import pickle
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from core.errors import CheckpointError, ModelError, SettingsError
from core.model.clip_text import PROMPTS, TextPrior, read_prompts
from core.training.semantics import multimodal_loss

TINY = "lowlux-tiny"
CONFIG = {
    "embed_dim": 16,
    "vision_cfg": {
        "image_size": 32,
        "layers": 1,
        "width": 32,
        "head_width": 16,
        "patch_size": 8,
    },
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}
needs_open_clip = pytest.mark.skipif(
    find_spec("open_clip") is None, reason="open_clip is not installed: it is in the extra 'train'"
)


@pytest.fixture(scope="module")
def open_clip(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The library, which now knows a tiny CLIP."""
    with pytest.raises(CheckpointError):
        TextPrior.open("nowhere.pt")  # imports it as training does, whatever torchvision is there
    open_clip: Any = sys.modules["open_clip"]
    config = tmp_path_factory.mktemp("configs") / f"{TINY}.json"
    config.write_text(json.dumps(CONFIG))
    open_clip.add_model_config(config)
    return open_clip


@pytest.fixture(scope="module")
def state(open_clip: Any) -> dict[str, Tensor]:
    torch.manual_seed(1)
    state: dict[str, Tensor] = open_clip.create_model(TINY).state_dict()
    return state


@pytest.fixture(scope="module")
def weights(state: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_file(state, path)
    return path


@pytest.fixture(scope="module")
def prior(weights: Path) -> TextPrior:
    return TextPrior.open(str(weights), model=TINY)


@pytest.fixture
def image() -> Tensor:
    torch.manual_seed(2)
    return torch.rand(3, 3, 40, 56)


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_the_prompts_are_the_papers() -> None:
    prompts = read_prompts(PROMPTS)
    assert (prompts.dark, prompts.bright) == (("low-light image",), ("high-light image",))


@pytest.mark.parametrize(
    "text",
    ["dark = ['night']", "dark = []\nbright = ['day']", "dark = 'night'\nbright = 'day'", "dark ="],
)
def test_prompts_that_lack_a_side_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match="two lists of texts"):
        read_prompts(write(tmp_path / "prompts.toml", text))


def test_missing_prompts_are_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.toml"):
        read_prompts(tmp_path / "nowhere.toml")


def test_without_open_clip_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "open_clip", None)
    with pytest.raises(ModelError, match="extra 'train'"):
        TextPrior.open("openai")


@needs_open_clip
def test_missing_weights_are_named(open_clip: Any) -> None:
    with pytest.raises(CheckpointError, match=r"no weights 'nowhere\.pt' for ViT-B-16.*openai"):
        TextPrior.open("nowhere.pt")
    with pytest.raises(CheckpointError, match=r"for ViT-Z: .*another model"):
        TextPrior.open("nowhere.pt", model="ViT-Z")


@needs_open_clip
def test_weights_of_another_network_are_refused(
    open_clip: Any, state: dict[str, Tensor], tmp_path: Path
) -> None:
    short = {name: tensor for name, tensor in state.items() if not name.startswith("visual.ln")}
    save_file(short, tmp_path / "short.safetensors")
    with pytest.raises(CheckpointError, match=r"short\.safetensors.*Missing key"):
        TextPrior.open(str(tmp_path / "short.safetensors"), model=TINY)
    write(tmp_path / "text.safetensors", "not weights at all")
    with pytest.raises(CheckpointError, match="could not be loaded"):
        TextPrior.open(str(tmp_path / "text.safetensors"), model=TINY)


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self._path,))


@needs_open_clip
def test_pickled_code_is_not_run(open_clip: Any, tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    torch.save({"state_dict": Trap(sprung)}, tmp_path / "trap.pt")
    (tmp_path / "bare.pt").write_bytes(pickle.dumps(Trap(sprung), 2))
    for name in ("trap.pt", "bare.pt"):
        with pytest.raises(CheckpointError, match="could not be loaded"):
            TextPrior.open(str(tmp_path / name), model=TINY)
    assert not sprung.exists()


@needs_open_clip
def test_both_kinds_of_file_are_read(
    prior: TextPrior, state: dict[str, Tensor], image: Tensor, tmp_path: Path
) -> None:
    torch.save(state, tmp_path / "tiny.pt")
    again = TextPrior.open(str(tmp_path / "tiny.pt"), model=TINY)
    for found, expected in zip(again(image), prior(image), strict=True):
        torch.testing.assert_close(found, expected)


@needs_open_clip
def test_the_cosines_are_clips_own(
    open_clip: Any, weights: Path, prior: TextPrior, image: Tensor
) -> None:
    clip = open_clip.create_model(TINY, str(weights)).eval()
    texts = ["low-light image", "high-light image"]
    with torch.no_grad():
        text_2D = clip.encode_text(open_clip.get_tokenizer(TINY)(texts), normalize=True)
        seen_BD = clip.encode_image(prior.prepare(image), normalize=True)
        dark, bright = prior(image)
    torch.testing.assert_close(torch.stack([dark, bright], 1), seen_BD @ text_2D.T)
    assert (dark - bright).abs().min() > 1e-4


@needs_open_clip
def test_a_side_of_several_texts_is_their_mean(weights: Path, tmp_path: Path) -> None:
    def dark(texts: str) -> Tensor:
        prompts = write(tmp_path / "prompts.toml", f"dark = {texts}\nbright = ['day']")
        return TextPrior.open(str(weights), prompts, TINY).dark_D

    mean = dark("['night']") + dark("['low-light image']")
    torch.testing.assert_close(dark("['night', 'low-light image']"), mean / mean.norm())


@needs_open_clip
@pytest.mark.parametrize("size", [(130, 97), (61, 110), (20, 20)])
def test_a_picture_is_prepared_as_clip_does(
    open_clip: Any, prior: TextPrior, size: tuple[int, int]
) -> None:
    from PIL import Image

    random = np.random.default_rng(1)
    coarse = random.integers(0, 256, (9, 12, 3), dtype=np.uint8)
    picture = Image.fromarray(coarse).resize(size, Image.Resampling.BILINEAR)
    transform = open_clip.image_transform(
        32,
        is_train=False,
        mean=(0.48145466, 0.4578275, 0.40821073),
        std=(0.26862954, 0.26130258, 0.27577711),
    )
    pixels = torch.from_numpy(np.asarray(picture).copy()).permute(2, 0, 1)[None] / 255
    # Pillow rounds and clips to levels of 255 after each direction.
    torch.testing.assert_close(prior.prepare(pixels)[0], transform(picture), rtol=0, atol=0.04)


@needs_open_clip
def test_the_gradient_reaches_every_pixel_and_no_weight(prior: TextPrior, image: Tensor) -> None:
    image = image[:, :, :40, :40].requires_grad_()
    multimodal_loss(prior, image).backward()  # type: ignore[no-untyped-call]
    assert image.grad is not None
    assert image.grad.abs().amin((0, 1)).min() > 0
    assert not any(weight.requires_grad for weight in prior.parameters())
    assert not prior.training


@needs_open_clip
def test_the_loss_falls_and_the_prior_stays(prior: TextPrior, image: Tensor) -> None:
    before = {name: tensor.clone() for name, tensor in prior.state_dict().items()}
    image.requires_grad_()
    descent = torch.optim.Adam([image], lr=0.02)
    costs = []
    for _ in range(8):
        descent.zero_grad()
        cost = multimodal_loss(prior, image)
        cost.backward()  # type: ignore[no-untyped-call]
        descent.step()
        costs.append(float(cost.detach()))
    assert costs[-1] < costs[0] - 0.02
    assert before.keys() == prior.state_dict().keys()
    assert all(torch.equal(before[name], tensor) for name, tensor in prior.state_dict().items())


@needs_open_clip
def test_half_precision_around_it_keeps_the_cosines_fine(prior: TextPrior, image: Tensor) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        dark, bright = prior(image)
    assert dark.dtype == bright.dtype == torch.float32
    torch.testing.assert_close(dark, prior(image)[0], atol=0.02, rtol=0)
