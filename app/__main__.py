"""The `lowlux` program."""

from __future__ import annotations

from app.cli import run


def main() -> None:
    """Runs the command line and exits with its code."""
    raise SystemExit(run())


if __name__ == "__main__":
    main()
