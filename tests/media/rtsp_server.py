"""A real RTSP server for tests, run by whichever Python knows GStreamer's.

    python3 rtsp_server.py --port 8554 [--user NAME --password WORD [--digest]]

Serves `/video` (H.264, a moving ball), `/audio`, and the ball with a tone as `/aac`, `/opus` and
`/pcma` on 127.0.0.1. Says `ready` when it answers, ends
when its standard input does, and changes the size of its pictures on SIGUSR1.
"""

from __future__ import annotations

import argparse
import signal
from importlib import import_module
from typing import Any

SIZES = ("width=320,height=240", "width=192,height=128")
VIDEO = (
    f"( videotestsrc is-live=true pattern=ball ! videoscale ! "
    f"capsfilter name=size caps=video/x-raw,framerate=30/1,{SIZES[0]} ! "
    "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15 threads=1 ! "
    "rtph264pay name=pay0 pt=96 config-interval=-1 )"
)
AUDIO = "( audiotestsrc is-live=true wave=silence ! alawenc ! rtppcmapay name=pay0 pt=8 )"
TALKS = {
    "aac": "avenc_aac ! aacparse ! rtpmp4gpay name=pay1 pt=97",
    "opus": "opusenc ! rtpopuspay name=pay1 pt=97",
    "pcma": "alawenc ! rtppcmapay name=pay1 pt=8",
}
"""A picture with a tone, by how the tone is coded."""
TONE = "audiotestsrc is-live=true wave=ticks ! audioconvert ! audioresample"


def _library() -> tuple[Any, Any, Any]:
    gi = import_module("gi")
    gi.require_version("Gst", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    gst, rtsp, glib = (
        import_module(f"gi.repository.{name}") for name in ("Gst", "GstRtspServer", "GLib")
    )
    gst.init(None)
    return gst, rtsp, glib


def serve(port: int, user: str | None, password: str | None, *, digest: bool) -> None:
    """Answers until the standard input ends."""
    gst, rtsp, glib = _library()
    server = rtsp.RTSPServer.new()
    server.set_address("127.0.0.1")
    server.set_service(str(port))
    talks = {
        f"/{name}": f"{VIDEO.removesuffix(' )')} {TONE} ! {coding} )"
        for name, coding in TALKS.items()
    }
    for path, pipeline in {"/video": VIDEO, "/audio": AUDIO, **talks}.items():
        factory = rtsp.RTSPMediaFactory.new()
        factory.set_launch(pipeline)
        factory.set_shared(True)
        factory.connect("media-configure", _listen, gst, glib)
        _let_in(rtsp, factory)
        server.get_mount_points().add_factory(path, factory)
    if user is not None:
        server.set_auth(_guard(rtsp, user, password, digest=digest))
    loop = glib.MainLoop()
    glib.io_add_watch(0, glib.IO_HUP, lambda *_: loop.quit())
    if not server.attach(None):
        raise SystemExit(f"port {port} is taken")
    print("ready", flush=True)  # noqa: T201
    loop.run()


def _let_in(rtsp: Any, factory: Any) -> None:
    permissions = rtsp.RTSPPermissions.new()
    for right in ("media.factory.access", "media.factory.construct"):
        permissions.add_permission_for_role("viewer", right, True)
    factory.set_permissions(permissions)


def _guard(rtsp: Any, user: str, password: str | None, *, digest: bool) -> Any:
    auth, token = rtsp.RTSPAuth.new(), rtsp.RTSPToken.new()
    token.set_string("media.factory.role", "viewer")
    if digest:  # what most cameras ask for: the password itself never travels
        methods = import_module("gi.repository.GstRtsp").RTSPAuthMethod
        auth.set_supported_methods(methods.DIGEST)
        auth.add_digest(user, password, token)
    else:
        auth.add_basic(rtsp.RTSPAuth.make_basic(user, password), token)
    return auth


def _listen(_factory: Any, media: Any, gst: Any, glib: Any) -> None:
    size = media.get_element().get_child_by_name("size")

    def change() -> bool:
        size.set_property("caps", gst.Caps.from_string(f"video/x-raw,framerate=30/1,{SIZES[1]}"))
        return False

    if size is not None:
        glib.unix_signal_add(glib.PRIORITY_DEFAULT, signal.SIGUSR1, change)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--user")
    parser.add_argument("--password")
    parser.add_argument("--digest", action="store_true")
    wish = parser.parse_args()
    serve(wish.port, wish.user, wish.password, digest=wish.digest)
