"""The network on PyTorch, on a CPU or an NVIDIA GPU.

B batch, H W pixels.
"""

from __future__ import annotations

import copy
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, TypeVar, cast

import cv2
import numpy as np
import torch
from torch import Tensor

from core.enhance.exposure import exposed, small_picture
from core.enhance.finish import Look, dither, finish
from core.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from core.enhance.backends import Queries
    from core.frame import Pixels
    from core.model.deepspg import DeepSPG
    from core.model.hrnet import SemanticPrior

    Known = tuple[Tensor, Tensor, Tensor]
    """At 1/4, 1/8 and 1/16."""
    """Queries as PyTorch holds them."""
    Forward = Callable[[Tensor, Known | None], Tensor]
    """The network: what it sees, (1, 3, H, W), to a bright picture of the same size."""

Network = TypeVar("Network", bound=torch.nn.Module)

PRIOR_SIDE = 640
"""The prior looks at a picture whose longer side is at most this, in pixels."""

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class TorchBackend:
    """DeepSPG and its prior on one device.

    On a GPU frames have a stream of their own and travel through pinned memory; the prior has
    another stream of low priority, so that a refresh does not hold up a frame.

    Args:
        open_prior: builds the prior; called at the first use, since it takes a second or two to
            import.

    Raises:
        BackendError: the device has no memory for the network.
    """

    def __init__(
        self,
        network: DeepSPG,
        open_prior: Callable[[], SemanticPrior] | None,
        device: str,
        precision: str,
    ) -> None:
        self._device, self._dtype = torch.device(device), PRECISIONS[precision]
        with self._guarded("the network"):
            # A copy: the original is what the CPU goes on with if this device fails.
            self._network = self._place(copy.deepcopy(network))
        self._open_prior = open_prior
        self._prior: SemanticPrior | None = None
        self._stream = self._side_stream = None
        if self._device.type == "cuda":
            self._stream = torch.cuda.Stream(self._device, priority=-1)  # type: ignore[no-untyped-call]
            self._side_stream = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]
        self._dither: Tensor | None = None

    @torch.inference_mode()
    def queries(self, pixels: Pixels) -> Queries | None:
        """The prior of a frame, as the network's SEMs want it; then that of the small picture."""
        if self._open_prior is None:
            return None
        height, width = pixels.shape[:2]
        scale = min(1.0, PRIOR_SIDE / max(height, width))
        size = round(width * scale), round(height * scale)
        seen = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), small_picture(pixels)
        with self._guarded(_named(pixels)), self._on(self._side_stream), self._half():
            if self._prior is None:
                self._prior = self._place(self._open_prior())
            known = [
                self._network.queries(self._prior(self._upload(cast("Pixels", picture))).features)
                for picture in seen
                if picture is not None
            ]
            if self._side_stream is not None:
                self._side_stream.synchronize()
        return tuple(query for queries in known for query in queries)

    @torch.inference_mode()
    def blend(self, old: Queries, new: Queries, share: float) -> Queries:
        """Straight line from the old prior to the new."""
        pairs = cast("list[tuple[Tensor, Tensor]]", list(zip(old, new, strict=True)))
        # On the stream where the frame that reads them waits for nothing else.
        with self._guarded("the prior"), self._on(self._stream):
            return tuple(torch.lerp(a, b, share) for a, b in pairs)

    def enhance(
        self, pixels: Pixels, queries: Queries | None, look: Look, steady: Pixels | None = None
    ) -> Pixels:
        """Bright pixels of the same shape and dtype."""
        return self.enhance_with(self._forward, pixels, queries, look, steady)

    @torch.inference_mode()
    def enhance_with(
        self,
        forward: Forward,
        pixels: Pixels,
        queries: Queries | None,
        look: Look,
        steady: Pixels | None,
    ) -> Pixels:
        """As `enhance`, with the network run by another: all before and after it is done here."""
        known, known_small = _parted(queries)
        with self._guarded(_named(pixels)), self._on(self._stream):
            seen_B3HW = self._upload(pixels if steady is None else steady)
            bright_B3HW = forward(seen_B3HW, known)
            small = small_picture(pixels if steady is None else steady)
            if small is not None:
                small_B3hw = self._upload(small)
                guesses = [forward(small_B3hw, known_small)]
                if self._network.judge is not None:
                    guesses.append(self._run(self._network.judge, small_B3hw, None))
                bright_B3HW = exposed(bright_B3HW, guesses)
            dark_B3HW = seen_B3HW if steady is None else self._upload(pixels)
            return self._download(finish(dark_B3HW, bright_B3HW, look), pixels)

    def _forward(self, seen_B3HW: Tensor, queries: Known | None) -> Tensor:
        return self._run(self._network, seen_B3HW, queries)

    def _run(self, network: DeepSPG, seen_B3HW: Tensor, queries: Known | None) -> Tensor:
        with self._half():
            return network(seen_B3HW, queries).images[0].float()  # type: ignore[no-any-return]

    @contextmanager
    def _guarded(self, what: str) -> Iterator[None]:
        try:
            yield
        except torch.OutOfMemoryError as error:
            raise BackendError(f"{self._device} has no memory for {what}.") from error
        except torch.AcceleratorError as error:
            raise BackendError(f"{self._device} failed on {what}; it may be lost.") from error
        except RuntimeError as error:  # what cuDNN and cuBLAS fail with
            reason = " ".join(str(error).split())[:200]
            raise BackendError(f"{self._device} failed on {what}: {reason}") from error

    def _place(self, network: Network) -> Network:
        network.to(self._device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        return network

    def _on(self, stream: torch.cuda.Stream | None) -> AbstractContextManager[object]:
        return nullcontext() if stream is None else torch.cuda.stream(stream)

    def _half(self) -> torch.autocast:
        enabled = self._dtype is not torch.float32
        return torch.autocast(self._device.type, self._dtype, enabled=enabled)

    def _upload(self, pixels: Pixels) -> Tensor:
        """uint8 or uint16 (H, W, 3) to float (1, 3, H, W), channels last, in [0, 1]."""
        flat = torch.from_numpy(np.ascontiguousarray(pixels))
        if self._stream is not None:
            flat = flat.pin_memory().to(self._device, non_blocking=True)
        most = float(np.iinfo(pixels.dtype).max)
        return (flat.float() / most).permute(2, 0, 1)[None]

    def _download(self, image_B3HW: Tensor, like: Pixels) -> Pixels:
        """Float (1, 3, H, W) in [0, 1] to pixels of the dtype of `like`, dithered to 8 bits."""
        height, width = like.shape[:2]
        if self._dither is None or self._dither.shape != (height, width):
            self._dither = dither(height, width, self._device)
        most = float(np.iinfo(like.dtype).max)
        offset = self._dither[..., None] if like.dtype == np.uint8 else 0.5
        codes = image_B3HW[0].permute(1, 2, 0).mul(most).add_(offset).clamp_(0, most)
        integers = codes.to(torch.uint8 if like.dtype == np.uint8 else torch.int32)
        return cast("Pixels", integers.cpu().numpy().astype(like.dtype, copy=False))


def _parted(queries: Queries | None) -> tuple[Known | None, Known | None]:
    """What is known of the picture, and of the small one."""
    if queries is None:
        return None, None
    return cast("Known", queries[:3]), cast("Known", queries[3:])


def _named(pixels: Pixels) -> str:
    return f"a {pixels.shape[1]}x{pixels.shape[0]} frame"
