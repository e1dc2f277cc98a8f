from __future__ import annotations

from tests.fakes import no_thread_left

__all__ = ["no_thread_left"]
