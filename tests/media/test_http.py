"""Films and streams over HTTP, from a real server on this machine."""

from __future__ import annotations

import base64
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Literal, cast

import numpy as np
import pytest

from core.errors import SourceLostError, SourceOpenError
from core.frame import Frame
from core.media.live import LiveSource
from core.media.open_live import open_live
from core.media.source import open_source

MakeClip = Callable[..., Path]
NOTICED_WITHIN_S = 3.0
LOGIN = "me:hid@den"


class Server(ThreadingHTTPServer):
    """Serves bytes by path; knows how to stop halfway, in two ways."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.films: dict[str, Film] = {}
        self.over = Event()
        """Set when the test is: whoever holds a connection lets it go."""

    def add(self, path: Path, **how: object) -> str:
        """The address of a film that is served from now on."""
        self.films[f"/{path.name}"] = Film(path.read_bytes(), **how)  # type: ignore[arg-type]
        return f"http://127.0.0.1:{self.server_port}/{path.name}"


@dataclass(frozen=True)
class Film:
    """What is served at one path."""

    content: bytes
    is_locked: bool = False
    live: Literal["breaks", "falls silent"] | None = None
    """A camera's endless stream, and how it ends halfway; none for a film of known length."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    def do_GET(self) -> None:
        server = cast("Server", self.server)
        film = server.films.get(self.path)
        word = base64.b64encode(LOGIN.encode()).decode()
        if film is None:
            self.send_error(404)
        elif film.is_locked and self.headers.get("Authorization") != f"Basic {word}":
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="films"')
            self.end_headers()
        elif film.live is None:
            self._send_part(film.content)
        else:
            self.send_response(200)
            self.end_headers()
            self._send(film.content[: len(film.content) // 2])
            if film.live == "falls silent":
                server.over.wait()

    def _send_part(self, content: bytes) -> None:
        """From where the reader asked for."""
        asked = self.headers.get("Range", "bytes=0-")
        begin, size = int(asked.removeprefix("bytes=").partition("-")[0]), len(content)
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {begin}-{size - 1}/{size}")
        self.send_header("Content-Length", str(size - begin))
        self.end_headers()
        self._send(content[begin:])

    def _send(self, content: bytes) -> None:
        with suppress(ConnectionError):  # the reader had enough
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Keep the console clean."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()


def rest(source: LiveSource) -> list[Frame]:
    return list(iter(source.read, None))


@pytest.mark.parametrize("suffix", [".ts", ".mkv", ".mp4"])
def test_a_film_comes_to_its_end_at_the_times_it_states(
    server: Server, make_clip: MakeClip, suffix: str
) -> None:
    clip = make_clip(f"clip{suffix}", times=range(50), options={"g": "10"})
    address = server.add(clip)
    with open_live(address) as source, open_source(clip) as film:
        frames, wanted = rest(source), list(film)
        assert source.read() is None
    assert (source.info.title, source.info.reader) == (address, "pyav")
    assert (source.info.width, source.info.height) == (96, 64)
    assert len(frames) == 50
    for frame, original in zip(frames, wanted, strict=True):
        np.testing.assert_array_equal(frame.pixels, original.pixels)
    steps = np.diff([frame.pts_seconds for frame in frames])
    assert steps == pytest.approx(0.04, abs=0.0011)


def test_only_the_right_login_opens_and_is_never_shown(server: Server, make_clip: MakeClip) -> None:
    address = server.add(make_clip("clip.ts", times=range(50)), is_locked=True)
    for login in ("", "me:hidden@", "you:hid%40den@"):
        with pytest.raises(SourceOpenError, match="refuses the user name or password") as caught:
            open_live(address.replace("//", f"//{login}"))
        assert "hid" not in str(caught.value)
        assert "\n" not in str(caught.value)
    with open_live(address.replace("//", "//me:hid%40den@")) as source:
        assert source.info.title == address
        assert source.read() is not None


def test_a_wrong_path_is_told(server: Server) -> None:
    with pytest.raises(SourceOpenError, match=r"/none\.ts has no stream of that name"):
        open_live(f"http://me:hidden@127.0.0.1:{server.server_port}/none.ts")


def test_what_is_no_video_is_told(server: Server, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<html>" + "no film here " * 1000)
    with pytest.raises(SourceOpenError, match=r"page\.html sends what cannot be read as video"):
        open_live(server.add(page))


@pytest.mark.parametrize(
    ("live", "says"), [("breaks", "broken the connection"), ("falls silent", "sent nothing")]
)
def test_a_stream_that_stops_is_lost_in_time(
    server: Server, make_clip: MakeClip, live: str, says: str
) -> None:
    clip = make_clip("clip.ts", times=range(400), width=320, height=240)
    address = server.add(clip, live=live)
    with open_live(address.replace("//", "//me:hidden@")) as source:
        assert source.read() is not None
        begun = time.monotonic()
        with pytest.raises(SourceLostError, match=says) as caught:
            deque((source.read() for _ in range(400)), maxlen=0)
        assert time.monotonic() - begun < NOTICED_WITHIN_S
    assert "hidden" not in str(caught.value)
