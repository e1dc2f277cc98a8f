"""A wide network that begins as what a narrow one has learnt.

Each channel stands in the wide network once or several times, and what reads it divides by that
number, so both make the same of a picture (Net2Net: Chen et al., ICLR 2016). A little noise lets
the copies of one channel part ways. Copies stand side by side, so channels may be joined and split
as before; where some channels have more copies than others, as from 64 to 112, means over channels
shift a little, and training mends it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from core.errors import SettingsError

if TYPE_CHECKING:
    from torch import Tensor, nn

NOISE = 0.02
"""Of the copies' weights, as a share of their own spread."""


def begin_as(network: nn.Module, narrow: nn.Module, noise: float = NOISE) -> None:
    """Gives a network the weights of one of the same kind that is as wide or narrower.

    Args:
        network: takes the weights over.
        narrow: has learnt; stays as it is. Its judge is left out.
        noise: see `NOISE`.

    Raises:
        SettingsError: the other is wider somewhere, or of another depth.
    """
    wide = network.state_dict()
    known = {n: w for n, w in narrow.state_dict().items() if not n.startswith("judge.")}
    if wide.keys() != known.keys():
        raise SettingsError("A network begins only from one of the same depths and priors.")
    grown = {name: _widened(name, known[name], wide[name].shape, noise) for name in wide}
    network.load_state_dict(grown)


def _widened(name: str, known: Tensor, shape: torch.Size, noise: float) -> Tensor:
    grown = known.float()
    for axis, size in enumerate(shape):
        if size != known.shape[axis]:
            if size < known.shape[axis] or axis > 1:
                raise SettingsError(f"{name}: {size} channels cannot begin from more of them.")
            grown = _copied(grown, axis, size)
    if known.ndim > 1 and grown.shape != known.shape:
        grown = grown + noise * grown.std() * torch.randn(grown.shape)
    return grown


def _copied(weights: Tensor, axis: int, size: int) -> Tensor:
    """Channels copied along one axis: 0 those that are made, 1 those that are read."""
    origin = torch.arange(size) * weights.shape[axis] // size
    copies = weights.index_select(axis, origin)
    if axis == 0:
        return copies
    times = torch.bincount(origin)[origin]
    return copies / times.reshape(-1, *[1] * (weights.ndim - 2))
