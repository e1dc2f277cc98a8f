"""The `lowlux` program."""

from __future__ import annotations

from app.cli import run
from core.run.heap import settle_heap


def main() -> None:
    """Runs the command line and exits with its code."""
    settle_heap()
    raise SystemExit(run())


if __name__ == "__main__":
    main()
