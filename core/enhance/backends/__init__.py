"""Where the network runs: one contract, one module for each runtime.

A backend is called from one thread for frames and from at most one other for queries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from core.enhance.finish import Look
    from core.frame import Pixels

    Queries = tuple[object, ...]
    """What the network needs of the prior: opaque outside the backend that made it."""


class Backend(Protocol):
    """A network on a device."""

    def queries(self, pixels: Pixels) -> Queries | None:
        """The semantic prior of a frame; none for a network that uses none."""
        ...

    def blend(self, old: Queries, new: Queries, share: float) -> Queries:
        """A prior between two: `share` of the new one."""
        ...

    def enhance(
        self, pixels: Pixels, queries: Queries | None, look: Look, steady: Pixels | None = None
    ) -> Pixels:
        """A bright picture of the same shape and dtype.

        Args:
            pixels: the frame.
            queries: its prior.
            look: what the user wishes.
            steady: the frame without its noise, in any depth, if that is known; the network then
                sees this one. What is a lamp and what is black, the frame itself tells.

        Raises:
            BackendError: the device failed, for example for want of memory.
        """
        ...
