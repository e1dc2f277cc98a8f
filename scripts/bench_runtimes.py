"""Times the network on every runtime: ``python -m scripts.bench_runtimes --model deepspg-lite``.

Only ratios within one run can be trusted on a machine that does other things as well: the runtimes
take turns, and the quickest of several rounds counts. The network is timed alone: no queries of a
prior, nothing before or after it. Needs the extra `export`. The last line printed is one JSON
object, in milliseconds.
"""

from __future__ import annotations

import copy
import json
import time
import warnings
from collections.abc import Callable
from functools import partial
from io import BytesIO
from typing import Annotated, Any, cast

import numpy as np
import onnxruntime
import torch
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.nn.functional import layer_norm

from core.enhance.backends.on_openvino import PictureOnly, compile_for, convert
from core.enhance.enhancer import set_up_thread
from core.errors import CoreError
from core.model import checkpoint
from core.model.deepspg import DeepSPG
from core.model.sem import ChannelNorm
from scripts.complexity import size_name
from scripts.export_openvino import quantise

Picture = NDArray[np.float32]
Run = Callable[[], object]

SIZES = ((320, 180), (384, 216), (640, 360))
CALIBRATION = 8
"""Pictures of noise to quantise with: for the timing it does not matter what they show."""
BASE = "torch float32"
OPSET = 17


class Bench:
    """One network on all runtimes."""

    def __init__(self, network: DeepSPG) -> None:
        self._network = network
        self._plain = convert(network, has_prior=False)
        self._quantised = quantise(network, [_noise((192, 192))] * CALIBRATION)

    def runs(self, size: tuple[int, int], threads: int) -> dict[str, Run]:
        """One run of each runtime on a picture of this width and height."""
        picture = _noise(size)
        return {
            BASE: self._on_torch(picture, threads, half=False),
            "torch bfloat16": self._on_torch(picture, threads, half=True),
            "onnxruntime float32": self._on_onnxruntime(picture, threads),
            "openvino float32": self._on_openvino(self._plain, picture, "float32", threads),
            "openvino bfloat16": self._on_openvino(self._plain, picture, "bfloat16", threads),
            "openvino int8, float32": self._on_openvino(
                self._quantised, picture, "float32", threads
            ),
            "openvino int8, bfloat16": self._on_openvino(
                self._quantised, picture, "bfloat16", threads
            ),
        }

    def _on_torch(self, picture: Picture, threads: int, *, half: bool) -> Run:
        image_B3HW = torch.from_numpy(picture).contiguous(memory_format=torch.channels_last)
        network = self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

        @torch.inference_mode()
        def run() -> Tensor:
            torch.set_num_threads(threads)
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                return cast("Tensor", network(image_B3HW).images[0])

        return run

    def _on_onnxruntime(self, picture: Picture, threads: int) -> Run:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # Waiting threads that spin would slow down whoever's turn it is.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        session = onnxruntime.InferenceSession(
            _as_onnx(self._network, picture), options, providers=["CPUExecutionProvider"]
        )
        return lambda: session.run(None, {"image": picture})

    def _on_openvino(self, model: Any, picture: Picture, precision: str, threads: int) -> Run:
        request = compile_for(model, (picture.shape,), precision, threads)
        return lambda: request.infer([picture])


def _as_onnx(network: DeepSPG, picture: Picture) -> bytes:
    stored = BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            PictureOnly(_with_plain_norms(network)),
            (torch.from_numpy(picture),),
            cast("str", stored),
            input_names=["image"],
            opset_version=OPSET,
            dynamo=False,
        )
    return stored.getvalue()


def _with_plain_norms(network: DeepSPG) -> DeepSPG:
    """A copy whose layer norms have their width as a number: ONNX takes it from no tensor."""
    network = copy.deepcopy(network)
    for module in network.modules():
        if isinstance(module, ChannelNorm):
            module.forward = partial(_norm, len(module.bias), module)  # type: ignore[method-assign]
    return network


def _norm(channels: int, norm: ChannelNorm, features_BCHW: Tensor) -> Tensor:
    last = features_BCHW.permute(0, 2, 3, 1)
    return layer_norm(last, (channels,), norm.weight, norm.bias).permute(0, 3, 1, 2)


def quickest(runs: dict[str, Run], rounds: int) -> dict[str, float]:
    """Milliseconds of each one's quickest run; they take turns, and the first round warms up."""
    best = dict.fromkeys(runs, float("inf"))
    for number in range(1 + rounds):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            taken = (time.perf_counter() - start) * 1000
            if number:
                best[name] = min(best[name], taken)
    return best


def _noise(size: tuple[int, int]) -> Picture:
    width, height = size
    random = np.random.default_rng(1)
    return (random.random((1, 3, height, width)) * 0.2).astype(np.float32)


def main(
    model: Annotated[list[str], typer.Option(help="A shipped model, or a file; again for more.")],
    threads: Annotated[list[int], typer.Option(min=1, help="For one run; again for more.")] = [  # noqa: B006
        1,
        2,
    ],
    rounds: Annotated[int, typer.Option(min=1, help="The quickest of so many counts.")] = 7,
) -> None:
    """Time every runtime on every size."""
    set_up_thread(1)
    said: dict[str, dict[str, dict[str, float]]] = {}
    try:
        for name in model:
            loaded = checkpoint.load(checkpoint.find(name), "deepspg")
            bench = Bench(cast("DeepSPG", loaded.network))
            said[name] = {
                f"{size_name(size)}, {count} thread(s)": quickest(bench.runs(size, count), rounds)
                for count in threads
                for size in SIZES
            }
            Console().print(_table(name, said[name]))
    except CoreError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    typer.echo(json.dumps(said))


def _table(name: str, cases: dict[str, dict[str, float]]) -> Table:
    """Times a run of `BASE` would fit into: 2.00 is twice as fast."""
    table = Table("", *cases, title=f"{name}: speed against {BASE} (milliseconds in brackets)")
    for runtime in next(iter(cases.values())):
        cells = [
            f"{best[BASE] / best[runtime]:.2f} ({best[runtime]:.1f})" for best in cases.values()
        ]
        table.add_row(runtime, *cells)
    return table


if __name__ == "__main__":
    typer.run(main)
