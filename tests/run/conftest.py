from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
import torch

from core.run import frame_flow
from core.run.reconnect import Reconnecting
from tests.fakes import PATIENCE_S, no_thread_left
from tests.media.conftest import servers, victim
from tests.run.live_parts import Opener, Window

__all__ = ["no_thread_left", "servers", "victim"]


@pytest.fixture
def window() -> Window:
    return Window()


@pytest.fixture
def opener() -> Opener:
    return Opener()


@pytest.fixture(autouse=True)
def a_busy_machine_is_no_broken_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripted sources wait for what the run does, on a busy machine longer than cameras may."""
    patient = partial(Reconnecting, read_patience_s=PATIENCE_S, open_patience_s=PATIENCE_S)
    monkeypatch.setattr(frame_flow, "Reconnecting", patient)


@pytest.fixture(autouse=True)
def torch_as_it_was() -> Iterator[None]:
    """What runs in this process sets its threads up as a worker does."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)
    torch.set_flush_denormal(False)
