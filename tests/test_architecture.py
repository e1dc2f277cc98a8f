"""Arrows point one way; this reads every import in core/ and app/ and finds those that do not."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted(path for top in ("core", "app") for path in (ROOT / top).rglob("*.py"))

# base <- media, model <- enhance <- run <- app; training sees only model and the base.
SEES = {
    "base": set(),
    "media": {"base"},
    "model": {"base"},
    "training": {"base", "model"},
    "enhance": {"base", "media", "model"},
    "run": {"base", "media", "model", "enhance"},
    "app": {"base", "media", "model", "enhance", "run"},
}
# Which layers may import what comes from outside; what is not named here is free.
ONLY_IN = {
    "torch": {"model", "training", "enhance", "run", "app"},
    "av": {"media", "training"},
    "kornia": {"model", "training"},
    "timm": set(),  # core.model.torchvision_guard asks for it by name, when it is needed
    "torchvision": set(),
    "open_clip": set(),
    "typer": {"app"},
    "rich": {"app"},
    "argparse": {"app"},
    "threading": {"run"},
    "_thread": {"run"},
    "multiprocessing": {"run"},
    "dask": {"run"},
    "distributed": {"run"},
}
THREAD_MAKERS = {"ThreadPoolExecutor", "ProcessPoolExecutor", "start_new_thread", "to_thread"}
SLOW_TO_IMPORT = ("torchvision", "timm", "open_clip")
LONGEST = 400


def dotted(path: Path) -> str:
    """core/model/sem.py -> core.model.sem."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def layer(name: str) -> str | None:
    """Where one of our modules stands in the diagram; none for others' modules."""
    top, _, rest = name.partition(".")
    if top == "core":
        below = rest.partition(".")[0]
        return below if below in SEES else "base"
    return "app" if top == "app" else None


def imports(tree: ast.AST, package: str) -> Iterator[str]:
    """Every name that is imported anywhere, type checking and function bodies included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: -node.level + 1 or None] if node.level else []
            start = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{start}.{alias.name}" for alias in node.names)


def faults(source: str, module: str, *, is_package: bool = False) -> list[str]:
    """What a module does that its place in the diagram does not allow."""
    tree, here = ast.parse(source), layer(module)
    assert here is not None
    package = module if is_package else module.rpartition(".")[0]
    found = [fault for name in imports(tree, package) if (fault := _wrong(name, here))]
    if here != "run":
        used = {n.attr if isinstance(n, ast.Attribute) else n.id for n in _names(tree)}
        found += [f"makes threads with {name}" for name in sorted(used & THREAD_MAKERS)]
    return found


def _wrong(name: str, here: str) -> str | None:
    there = layer(name)
    if there is not None:
        return None if there in SEES[here] | {here} else f"{here} must not see {there}: {name}"
    allowed = ONLY_IN.get(name.partition(".")[0])
    return None if allowed is None or here in allowed else f"{here} must not import {name}"


def _names(tree: ast.AST) -> Iterator[ast.Attribute | ast.Name]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            yield node


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_module_keeps_to_its_place(path: Path) -> None:
    is_package = path.name == "__init__.py"
    assert faults(path.read_text(), dotted(path), is_package=is_package) == []


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_module_can_be_read_in_one_sitting(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST


@pytest.mark.parametrize(
    ("source", "module"),
    [
        ("from core.model import deepspg", "core.media.file"),
        ("from core import media", "core.model.sem"),
        ("from ..run import live", "core.enhance.enhancer"),
        ("import core.enhance.enhancer", "core.training.trainer"),
        ("from core.media.file import Reader", "core.errors"),
        ("def later():\n    import app.cli", "core.run.live"),
        ("import torch.nn", "core.media.writer"),
        ("import timm", "core.model.hrnet"),
        ("from threading import Thread", "core.enhance.enhancer"),
        ("from concurrent import futures\nfutures.ThreadPoolExecutor(1)", "app.cli"),
        ("import asyncio\nasyncio.to_thread(print)", "core.media.file"),
    ],
)
def test_a_wrong_arrow_is_seen(source: str, module: str) -> None:
    assert len(faults(source, module)) == 1


@pytest.mark.parametrize(
    ("source", "module"),
    [
        ("from core.errors import CoreError", "core.media.file"),
        ("from . import sem", "core.model.deepspg"),
        ("from ..model import sem", "core.enhance.enhancer"),
        ("from concurrent.futures import Executor, Future", "core.enhance.prior_cache"),
        ("import threading", "core.run.live"),
        ("import core.run.live", "app.cli"),
    ],
)
def test_a_right_arrow_is_left_alone(source: str, module: str) -> None:
    assert faults(source, module) == []


@pytest.mark.skipif(not (ROOT / "app" / "cli.py").exists(), reason="no command line yet")
def test_the_command_line_starts_without_what_it_may_not_need() -> None:
    code = "import sys, app.cli; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert not set(SLOW_TO_IMPORT) & set(done.stdout.split())
