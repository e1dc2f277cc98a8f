"""A server for trials, in a process of its own, and the pictures it sends."""

from __future__ import annotations

import select
import signal
import socket
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av

from core.closing import Closing
from core.errors import CoreError
from core.media.test_pattern import PatternSettings, TestPattern
from scripts.rtsp_clock_server import KEY_EVERY, RATE

SIZE = (1280, 720)
FILM_S = 4
"""Pictures are sent over and over; none may come later than this."""
PATIENCE_S = 60.0
"""A server that takes longer to start has failed."""
PYTHONS = (sys.executable, "/usr/bin/python3")
HAS_SERVER = "import gi; gi.require_version('GstRtspServer', '1.0')"


def write_pictures(folder: Path, seconds: float = FILM_S, size: tuple[int, int] = SIZE) -> None:
    """A dark test pattern as the server wants it: one coded picture per file, bar codes from 0."""
    pattern = TestPattern(PatternSettings(size=size, seconds=seconds), wait=lambda _: None)
    coder = av.CodecContext.create("libx264", "w")
    assert isinstance(coder, av.VideoCodecContext)
    coder.width, coder.height = size
    coder.pix_fmt, coder.framerate, coder.time_base = "yuv420p", Fraction(RATE), Fraction(1, RATE)
    coder.options = {
        "preset": "ultrafast", "tune": "zerolatency", "crf": "18", "threads": "1",
        "g": str(KEY_EVERY), "sc_threshold": "0",
    }  # fmt: skip
    while (frame := pattern.read()) is not None:
        picture = av.VideoFrame.from_ndarray(frame.pixels, format="rgb24")
        picture.pts, picture.time_base = frame.pts, frame.time_base
        coded = b"".join(bytes(packet) for packet in coder.encode(picture))
        (folder / f"{frame.pts:06}").write_bytes(coded)


def age_ms(number: int, now_ns: int, count: int = FILM_S * RATE) -> float:
    """How long ago the picture with this number was sent, in milliseconds."""
    return (now_ns * RATE / 1e9 - number) % count * 1000 / RATE


class Server(Closing):
    """The server in a process of its own, always at the same port."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._python = folder, _python()
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            self._port = int(taken.getsockname()[1])
        self._process: subprocess.Popen[str] | None = None
        self.address = f"rtsp://127.0.0.1:{self._port}/video"

    def start(self) -> None:
        """Returns when its port answers."""
        script = str(Path(__file__).with_name("rtsp_clock_server.py"))
        self._process = process = subprocess.Popen(
            [self._python, script, str(self._folder), "--port", str(self._port)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        said, *_ = select.select([process.stdout], [], [], PATIENCE_S)
        if not said or process.stdout.readline() != "ready\n":
            raise CoreError("The RTSP server did not start; its own words stand above.")

    def send(self, number: signal.Signals) -> None:
        """A signal, to this process alone."""
        assert self._process is not None
        self._process.send_signal(number)

    def close(self) -> None:
        """Kills it, frozen or not."""
        process, self._process = self._process, None
        if process is not None:
            with process:
                process.kill()


def _python() -> str:
    """Whichever Python knows GStreamer's RTSP server."""
    for python in PYTHONS:
        try:
            subprocess.run([python, "-c", HAS_SERVER], capture_output=True, check=True, timeout=60)
        except (OSError, subprocess.SubprocessError):
            continue
        return python
    raise CoreError("There is no RTSP server; install gir1.2-gst-rtsp-server-1.0 and PyGObject.")
