from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from core.model.torchvision_guard import import_timm

ROOT = Path(__file__).parents[2]
MISMATCHED = """
import importlib.abc, sys

class OperatorsOnce(importlib.abc.MetaPathFinder):
    '''Fails the first import of torchvision as builds that do not match do.'''
    failed = False

    def find_spec(self, name, path, target=None):
        if name == "torchvision" and not self.failed:
            OperatorsOnce.failed = True
            raise RuntimeError({message!r})

sys.meta_path.insert(0, OperatorsOnce())
from core.model.torchvision_guard import import_timm
timm = import_timm()
assert OperatorsOnce.failed
print(timm.create_model("hrnet_w18_small", features_only=True).feature_info.channels())
"""


def run(message: str) -> subprocess.CompletedProcess[str]:
    """What importing timm does in a fresh process whose torchvision dies with that message."""
    code = MISMATCHED.format(message=message)
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)


def test_timm_is_there() -> None:
    assert import_timm().is_model("hrnet_w48")
    assert import_timm() is import_timm()


def test_any_other_failure_is_not_hidden() -> None:
    done = run("out of memory")
    assert done.returncode != 0
    assert "RuntimeError: out of memory" in done.stderr


def test_builds_that_do_not_match_are_got_over() -> None:
    if torch.version.cuda is not None:
        pytest.skip("a matching pair already has the operators that the guard declares")
    done = run("operator torchvision::nms does not exist")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("[64,")
