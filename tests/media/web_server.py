"""A server of films on this machine that knows how to stop halfway."""

from __future__ import annotations

import base64
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event
from typing import Literal, cast

LOGIN = "me:hid@den"


class WebServer(ThreadingHTTPServer):
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
        server = cast("WebServer", self.server)
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
