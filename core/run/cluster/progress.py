"""How far the workers of a cluster are, as they tell it through the scheduler."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING
from uuid import uuid4

from core.run.crew import Advanced

if TYPE_CHECKING:
    from collections.abc import Container

    from core.run.cluster.dask import Client


class Progress:
    """Listens to the workers of one batch; called from its thread, heard on Dask's own.

    Attributes:
        topic: that the workers are to tell it under.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._ticks = deque[tuple[int, int]]()
        self.topic = f"lowlux-{uuid4().hex}"
        self.listen()

    def listen(self) -> None:
        """Begins, and begins again when the scheduler has forgotten the batch."""
        self._client.subscribe_topic(self.topic, lambda event: self._ticks.append(event[1]))

    def told(self, tickets: Container[int]) -> list[Advanced]:
        """Frames done since the last call; fewer again where a lost worker's were lost too.

        Args:
            tickets: of the work under way; of other work nothing is told.
        """
        ticks = [self._ticks.popleft() for _ in range(len(self._ticks))]
        return [Advanced(ticket, frames) for ticket, frames in ticks if ticket in tickets]
