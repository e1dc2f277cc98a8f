"""Memory that is let go of is there for the next frame."""

from __future__ import annotations

import subprocess
import sys

import pytest

FRAMES = """
import resource
import numpy as np
from core.run.heap import settle_heap

if {settled}:
    settle_heap()

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        [np.ones(6_000_000, np.uint8) for _ in range(8)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults()
print(faults())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems need nothing")
def test_a_frame_takes_the_pages_of_the_one_before() -> None:
    wild, settled = (
        int(subprocess.check_output([sys.executable, "-c", FRAMES.format(settled=settled)]))
        for settled in (False, True)
    )
    assert settled < wild / 10
