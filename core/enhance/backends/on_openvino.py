"""The network on OpenVINO, the fastest there is on a processor without a GPU beside it.

Only the network's own arithmetic runs here; what comes before and after it is PyTorch's, at the
sizes of the fast path a tenth of the whole. B batch, H W pixels.
"""

from __future__ import annotations

import importlib.util
import sys
import warnings
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from core.errors import BackendError, BackendUnavailableError, CheckpointError

if TYPE_CHECKING:
    from pathlib import Path

    import openvino

    from core.enhance.backends import Queries
    from core.enhance.backends.on_torch import Known, TorchBackend
    from core.enhance.finish import Look
    from core.frame import Pixels
    from core.model.deepspg import DeepSPG

    Shapes = tuple[tuple[int, ...], ...]

PRECISIONS = {"float32": "f32", "bfloat16": "bf16"}
"""Ours to OpenVINO's; what an 8-bit export leaves in floating point follows them as well."""
KEPT_SHAPES = 4
"""A network is compiled for the shape it is given; so many of these are kept."""
STAMP = ["lowlux", "weights_sha256"]
"""Where an export says which weights it was made from."""


# OpenVINO's converter would tell its makers of every use, over the network and unasked; without the
# package that does so, it takes one that does nothing.
sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]


def is_installed() -> bool:
    """Whether OpenVINO can be imported; it is not before it is needed."""
    return importlib.util.find_spec("openvino") is not None


class OpenVinoBackend:
    """DeepSPG on the processor, compiled for each shape of frame.

    The first frame of a shape takes a second or so longer.

    Args:
        around: does everything but run the network, the prior included.
        network: is converted at the first frame, unless there is an export.
        precision: of `PRECISIONS`.
        threads: processor threads for one frame.
        export: of `find_export`; the network in 8 bits.

    Raises:
        BackendUnavailableError: OpenVINO is not installed.
    """

    def __init__(
        self,
        around: TorchBackend,
        network: DeepSPG,
        precision: str,
        threads: int,
        export: Path | None = None,
    ) -> None:
        if not is_installed():
            raise BackendUnavailableError("OpenVINO is not installed: install it, or use PyTorch.")
        self._around, self._network, self._export = around, network, export
        self._precision, self._threads = precision, threads
        self._model: openvino.Model | None = None
        # A cache that held a method of this object would keep it alive.
        self._compiled: dict[Shapes, openvino.InferRequest] = {}

    def queries(self, pixels: Pixels) -> Queries | None:
        """The prior of a frame, on PyTorch."""
        return self._around.queries(pixels)

    def blend(self, old: Queries, new: Queries, share: float) -> Queries:
        """Straight line from the old prior to the new."""
        return self._around.blend(old, new, share)

    def enhance(
        self, pixels: Pixels, queries: Queries | None, look: Look, steady: Pixels | None = None
    ) -> Pixels:
        """Bright pixels of the same shape and dtype."""
        return self._around.enhance_with(self._forward, pixels, queries, look, steady)

    def _forward(self, seen_B3HW: Tensor, queries: Known | None) -> Tensor:
        tensors = (seen_B3HW, *(queries or ()))
        try:
            request = self._request(tuple(tuple(tensor.shape) for tensor in tensors))
            found = request.infer([tensor.contiguous().numpy() for tensor in tensors])
        except RuntimeError as error:
            height, width = seen_B3HW.shape[2:]
            reason = " ".join(str(error).split())[:200]
            raise BackendError(f"OpenVINO failed on a {width}x{height} frame: {reason}") from error
        return torch.from_numpy(found[0])

    def _request(self, shapes: Shapes) -> openvino.InferRequest:
        """What runs the network on these shapes; the one used longest ago makes room for it."""
        known = self._compiled.pop(shapes, None)
        self._compiled[shapes] = self._compile(shapes) if known is None else known
        if len(self._compiled) > KEPT_SHAPES:
            del self._compiled[next(iter(self._compiled))]
        return self._compiled[shapes]

    def _compile(self, shapes: Shapes) -> openvino.InferRequest:
        if self._model is None:
            self._model = self._open(inputs=len(shapes))
        return compile_for(self._model, shapes, self._precision, self._threads)

    def _open(self, inputs: int) -> openvino.Model:
        if self._export is None:
            return convert(self._network, has_prior=inputs > 1)
        import openvino

        return openvino.Core().read_model(self._export)


def compile_for(
    model: openvino.Model, shapes: Shapes, precision: str, threads: int
) -> openvino.InferRequest:
    """What runs a model on inputs of just these shapes.

    Args:
        model: of `convert`, or in 8 bits.
        shapes: of each input.
        precision: of `PRECISIONS`.
        threads: processor threads for one run.
    """
    import openvino

    settings = {
        "INFERENCE_PRECISION_HINT": PRECISIONS[precision],
        "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "LATENCY",
        # Decoding and painting share the cores: a thread must be free to move aside.
        "ENABLE_CPU_PINNING": False,
        "CPU_DENORMALS_OPTIMIZATION": True,
    }
    fixed = model.clone()
    fixed.reshape(dict(zip(fixed.inputs, map(list, shapes), strict=True)))
    return openvino.Core().compile_model(fixed, "CPU", settings).create_infer_request()


def convert(network: DeepSPG, *, has_prior: bool) -> openvino.Model:
    """The network for pictures (1, 3, H, W) of any height and width, and queries if it has any."""
    import openvino

    sizes = [(3, 64, 96)]
    if has_prior:
        sizes += [
            (width, 64 // scale, 96 // scale)
            for width, scale in zip(network.config.widths[1:], (4, 8, 16), strict=True)
        ]
    examples = tuple(torch.zeros(1, *size) for size in sizes)
    with warnings.catch_warnings():
        # Checks of shapes in Python hold for every shape: the tests compare several.
        warnings.simplefilter("ignore")
        return openvino.convert_model(
            PictureOnly(network),
            example_input=examples,
            input=[openvino.PartialShape([1, size[0], -1, -1]) for size in sizes],
        )


class PictureOnly(nn.Module):
    """What a frame needs of the network: tensors in, one tensor out."""

    def __init__(self, network: DeepSPG) -> None:
        super().__init__()
        self.network = network

    def forward(self, image_B3HW: Tensor, *queries: Tensor) -> Tensor:
        """The bright picture."""
        known: Any = queries or None
        return self.network(image_B3HW, known).images[0]  # type: ignore[no-any-return]


def find_export(weights: Path, sha256: str) -> Path | None:
    """The 8-bit network beside a weights file; none where there is none.

    Args:
        weights: the safetensors file.
        sha256: of its bytes.

    Raises:
        CheckpointError: the export cannot be read, or was made from other weights.
    """
    path = export_path(weights)
    if not path.is_file():
        return None
    import openvino

    try:
        model = openvino.Core().read_model(path)
        made_from = model.get_rt_info(STAMP).astype(str) if model.has_rt_info(STAMP) else ""
    except RuntimeError as error:
        raise CheckpointError(f"{path} cannot be read: make it anew with {_MAKER}.") from error
    if made_from != sha256:
        raise CheckpointError(f"{path} was made from other weights: make it anew with {_MAKER}.")
    return path


def export_path(weights: Path) -> Path:
    """Where the 8-bit network of a weights file lies; its numbers are in the `.bin` beside it."""
    return weights.with_suffix(".int8.xml")


_MAKER = "scripts/export_openvino.py"
