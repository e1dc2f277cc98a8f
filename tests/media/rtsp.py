"""The RTSP server of rtsp_server.py, to be started, killed and brought back."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

PYTHONS = (sys.executable, "/usr/bin/python3")
HAS_SERVER = "import gi; gi.require_version('GstRtspServer', '1.0')"


class Server:
    """The server of rtsp_server.py in a process of its own, always at the same port."""

    def __init__(self, python: str, *login: str) -> None:
        self._python, self._login = python, login
        self.port = free_port()
        self.start()

    def address(self, path: str = "video", login: str = "") -> str:
        return f"rtsp://{login}127.0.0.1:{self.port}/{path}"

    def start(self) -> None:
        script = str(Path(__file__).with_name("rtsp_server.py"))
        self._process = subprocess.Popen(
            [self._python, script, "--port", str(self.port), *self._login],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        with self._process:
            self._process.kill()


def has_server(python: str) -> bool:
    try:
        done = subprocess.run([python, "-c", HAS_SERVER], capture_output=True, check=False)
    except FileNotFoundError:
        return False
    return done.returncode == 0


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
