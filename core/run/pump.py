"""Moves frames from a source through the network into a file, each on a thread of its own."""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING

from core.run.frame_queue import FrameQueue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

    from core.frame import Frame

    Enhance = Callable[[Iterable[Frame]], AbstractContextManager[Iterator[Frame]]]
    """Frames in, results in the same order out; leaving it waits for what was begun."""

AHEAD = 3
"""Frames that may wait between two threads."""


def pump(
    frames: Iterable[Frame],
    enhance: Enhance,
    write: Callable[[Frame], None],
    tick: Callable[[], None],
) -> None:
    """Moves every frame through; raises what any of the threads failed with.

    Args:
        frames: read on a thread of their own.
        enhance: called, and iterated, on the caller's thread.
        write: takes the results on a third thread.
        tick: called on the caller's thread when a result was handed on.
    """
    decoded, finished = FrameQueue["Frame"](AHEAD), FrameQueue["Frame"](AHEAD)
    threads = [
        Thread(target=_read, args=(frames, decoded), name="lowlux-reader"),
        Thread(target=_write, args=(finished, write), name="lowlux-encoder"),
    ]
    for thread in threads:
        thread.start()
    try:
        with enhance(decoded) as results:
            for result in results:
                if not finished.put(result):
                    break
                tick()
        finished.close()
    except BaseException:
        finished.discard()
        raise
    finally:
        decoded.discard()
        for thread in threads:
            thread.join()
    if finished.error is not None:
        raise finished.error


def _read(frames: Iterable[Frame], decoded: FrameQueue[Frame]) -> None:
    try:
        for frame in frames:
            if not decoded.put(frame):
                return
        decoded.close()
    except BaseException as error:
        decoded.close(error)


def _write(finished: FrameQueue[Frame], write: Callable[[Frame], None]) -> None:
    try:
        for frame in finished:
            write(frame)
    except BaseException as error:
        finished.close(error)
