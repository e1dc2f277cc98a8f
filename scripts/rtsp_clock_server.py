"""A camera for trials: an RTSP server whose pictures tell when they were sent.

    python3 rtsp_clock_server.py FOLDER --port 8554

FOLDER holds one coded picture (H.264, Annex B) per file. They are sent over and over at 30 a second
on rtsp://127.0.0.1:PORT/video: at `t` seconds of the clock that frames arrive by it is the one with
the number `floor(30 t) mod count`, so whoever can read the number knows how old the picture is.
Coding them beforehand leaves the processor to the program on trial, as a camera would.

Says `ready` when it answers, ends when its standard input does. Run by whichever Python knows
GStreamer's RTSP server, so it imports nothing of ours.
"""

from __future__ import annotations

import argparse
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

RATE = 30
KEY_EVERY = 15
"""A picture that can be decoded alone comes so often; whoever connects waits for one."""
PIPELINE = (
    "( appsrc name=pictures is-live=true do-timestamp=true format=time "
    f"caps=video/x-h264,stream-format=byte-stream,alignment=au,framerate={RATE}/1 ! "
    "h264parse ! rtph264pay name=pay0 pt=96 config-interval=-1 )"
)


def _now_s() -> float:
    """As `core.clock` has it, in seconds."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if sys.platform == "linux" else time.monotonic()


class Camera:
    """Sends to the media under way, if there is one; lives on GLib's loop."""

    def __init__(self, gst: Any, glib: Any, pictures: list[bytes]) -> None:
        self._gst, self._glib, self._pictures = gst, glib, pictures
        self._sent = 0
        self._to: Any = None
        self._has_begun = False
        self._wait()

    def configure(self, _factory: Any, media: Any) -> None:
        """Called by the server for the first who asks; the others join in."""
        self._to, self._has_begun = media.get_element().get_child_by_name("pictures"), False

    def _wait(self) -> None:
        """Until the next picture is due; absolute times, so delays do not add up."""
        due_s = (int(_now_s() * RATE) + 1) / RATE
        self._glib.timeout_add(max(0, round((due_s - _now_s()) * 1000)), self._send)

    def _send(self) -> bool:
        now = round(_now_s() * RATE)
        # What is a little late is sent all the same: those behind it build on it.
        is_late = now - self._sent < KEY_EVERY
        self._has_begun = self._has_begun and is_late
        for number in range(self._sent + 1 if is_late else now, now + 1):
            self._push(number % len(self._pictures))
        self._sent = now
        self._wait()
        return False

    def _push(self, number: int) -> None:
        self._has_begun = self._has_begun or number % KEY_EVERY == 0
        if self._to is not None and self._has_begun:
            self._to.emit("push-buffer", self._gst.Buffer.new_wrapped(self._pictures[number]))


def serve(folder: Path, port: int) -> None:
    """Answers until the standard input ends."""
    gst, rtsp, glib = _library()
    camera = Camera(gst, glib, [path.read_bytes() for path in sorted(folder.iterdir())])
    factory = rtsp.RTSPMediaFactory.new()
    factory.set_launch(PIPELINE)
    factory.set_shared(True)
    factory.connect("media-configure", camera.configure)
    server = rtsp.RTSPServer.new()
    server.set_address("127.0.0.1")
    server.set_service(str(port))
    server.get_mount_points().add_factory("/video", factory)
    loop = glib.MainLoop()
    glib.io_add_watch(0, glib.IO_HUP, lambda *_: loop.quit())
    if not server.attach(None):
        raise SystemExit(f"Port {port} is taken; choose another.")
    print("ready", flush=True)
    loop.run()


def _library() -> tuple[Any, Any, Any]:
    gi = import_module("gi")
    gi.require_version("Gst", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    gst, rtsp, glib = (
        import_module(f"gi.repository.{name}") for name in ("Gst", "GstRtspServer", "GLib")
    )
    gst.init(None)
    return gst, rtsp, glib


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, required=True)
    wish = parser.parse_args()
    serve(wish.folder, wish.port)
