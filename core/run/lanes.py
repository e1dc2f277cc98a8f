"""Enhances a few frames beside each other and keeps them in order."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

from core.enhance.enhancer import set_up_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Executor, Future

    from core.enhance.plan import Plan
    from core.frame import Frame

    Begin = Callable[[Frame], Callable[[], Frame]]
    """Takes frames in turn; what it returns for each may run on any thread."""


@contextmanager
def enhanced(frames: Iterable[Frame], begin: Begin, plan: Plan) -> Iterator[Iterator[Frame]]:
    """Results in the order of the frames, computed on as many lanes as planned.

    Raises what `begin` or its work raised, from the iterator. On leaving, what was not begun is
    dropped and what was is waited for.
    """
    lanes = ThreadPoolExecutor(plan.lanes, "lowlux-lane", set_up_thread, (plan.threads,))
    try:
        yield _in_order(frames, begin, lanes, plan.lanes)
    finally:
        lanes.shutdown(cancel_futures=True)


def _in_order(
    frames: Iterable[Frame], begin: Begin, executor: Executor, lanes: int
) -> Iterator[Frame]:
    under_way: deque[Future[Frame]] = deque()
    for frame in frames:
        under_way.append(executor.submit(begin(frame)))
        # One more for each lane but the first, so that none waits for this thread; a single lane
        # ends a frame before the next is begun, which a device that fails relies on.
        if len(under_way) > 2 * (lanes - 1):
            yield under_way.popleft().result()
    while under_way:
        yield under_way.popleft().result()
