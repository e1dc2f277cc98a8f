"""What others' weights judge: NIQE (Mittal et al., 2013) and LPIPS (Zhang et al., CVPR 2018).

Both come from pyiqa, which is not installed with LowLux and fetches its weights by itself.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import torch

from core.training.datasets import to_tensor

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

SHOWN = {"niqe": 1, "lpips": 2}
"""As pyiqa calls them, and whether the reference is looked at as well; less is better."""


class Perceptual:
    """Those of the figures whose library and weights are at hand.

    Attributes:
        left_out: for each figure that is not, why.
    """

    def __init__(self) -> None:
        self._metrics: dict[str, Any] = {}
        self.left_out: dict[str, str] = {}
        for name in SHOWN:
            try:
                self._metrics[name] = importlib.import_module("pyiqa").create_metric(name)
            except ImportError:
                self.left_out[name] = "pyiqa is not installed"
            except Exception as error:  # whatever goes wrong with a download
                self.left_out[name] = f"its weights cannot be had ({error})"

    @torch.inference_mode()
    def __call__(self, picture: Picture, reference: Picture) -> dict[str, float]:
        """The figures of one picture."""
        tensors = [to_tensor(pixels)[None] for pixels in (picture, reference)]
        return {
            name: float(metric(*tensors[: SHOWN[name]])) for name, metric in self._metrics.items()
        }
