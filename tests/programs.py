"""Programs in processes of their own, which end with the test."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]

Program = subprocess.Popen[str]
Start = Callable[[list[str]], Program]


def one_thread() -> dict[str, str]:
    """An environment for tiny pictures: threads would only wait for each other."""
    return {**os.environ, "OMP_NUM_THREADS": "1"}


@contextmanager
def programs() -> Iterator[Start]:
    """``start(command)``; what still runs in the end is stopped."""
    started: list[Program] = []

    def start(command: list[str]) -> Program:
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True, env=one_thread()
        )
        started.append(process)
        return process

    try:
        yield start
    finally:
        for process in started:
            if process.poll() is None:
                process.kill()
            process.communicate()


def told(process: Program, is_it: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Reads what a program tells, in JSON, up to the first event of a kind."""
    assert process.stdout is not None
    for line in process.stdout:
        event: dict[str, Any] = json.loads(line)
        if is_it(event):
            return event
    raise AssertionError(process.communicate()[1])
