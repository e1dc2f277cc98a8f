"""An event loop for Dask on a thread that is ours to end."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from importlib import import_module
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def dask_loop() -> Iterator[Any]:
    """An `IOLoop` of Tornado's, as Dask's client takes it; what is left on it at the end is ended.

    The client's own would stay behind, thread and all, once it has given its scheduler up.
    """
    started = SimpleQueue[tuple[Any, asyncio.Event]]()

    async def live() -> None:
        stop = asyncio.Event()
        started.put((import_module("tornado.ioloop").IOLoop.current(), stop))
        await stop.wait()

    thread = Thread(target=lambda: asyncio.run(live()), name="lowlux-dask")
    thread.start()
    loop, stop = started.get()
    try:
        yield loop
    finally:
        loop.add_callback(stop.set)
        thread.join()
