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
        yield _in_order(frames, begin, lanes, _ahead(plan))
    finally:
        lanes.shutdown(cancel_futures=True)


def _ahead(plan: Plan) -> int:
    """Frames under way beyond the one that is waited for, so that no lane waits for this thread."""
    if plan.lanes == 1 and plan.device != "cpu":
        return 0  # a device that fails ends a frame before the next is begun
    return max(1, 2 * (plan.lanes - 1))


def _in_order(
    frames: Iterable[Frame], begin: Begin, executor: Executor, ahead: int
) -> Iterator[Frame]:
    under_way: deque[Future[Frame]] = deque()
    for frame in frames:
        under_way.append(executor.submit(begin(frame)))
        if len(under_way) > ahead:
            yield under_way.popleft().result()
    while under_way:
        yield under_way.popleft().result()
