"""GStreamer in one process with everything else."""

from __future__ import annotations

import subprocess
import sys

import pytest

from core.media import gst_stream

BESIDE = """
from core.media import gst_stream
assert gst_stream.is_available()
import openvino
try:
    openvino.Core().read_model("nowhere.xml")
except RuntimeError:
    print("caught")
"""


@pytest.mark.skipif(not gst_stream.is_available(), reason="GStreamer is not installed")
def test_other_libraries_can_still_catch_their_exceptions() -> None:
    pytest.importorskip("openvino")
    # In a process of its own, as the failing ends it.
    done = subprocess.run([sys.executable, "-c", BESIDE], capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("caught\n", 0), done.stderr
