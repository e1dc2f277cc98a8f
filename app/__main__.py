"""The `lowlux` program."""

from __future__ import annotations

from app.cli import run
from core.run.arenas import share_arenas


def main() -> None:
    """Runs the command line and exits with its code."""
    share_arenas()
    raise SystemExit(run())


if __name__ == "__main__":
    main()
