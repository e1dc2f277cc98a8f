"""The `lowlux` program."""

from __future__ import annotations

import signal

INTERRUPTED = 130


def main() -> None:
    """Runs the command line and exits with its code."""
    try:
        # Here, so that an interrupt is heard while all that is imported.
        from app.cli import run
        from core.run.heap import settle_heap

        settle_heap()
        code = run()
    except KeyboardInterrupt:
        code = INTERRUPTED
    # Whoever presses again while it ends would have another code told.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise SystemExit(code)


if __name__ == "__main__":
    main()
