"""Servers that the tests of streams share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from threading import Thread

import pytest

from tests.media.rtsp import PYTHONS, Server, has_server
from tests.media.web_server import WebServer


@pytest.fixture(scope="module")
def servers() -> Iterator[Callable[..., Server]]:
    """Starts a server, with `--user`, `--password` and `--digest` if wanted."""
    python = next(filter(has_server, PYTHONS), None)
    if python is None:
        pytest.skip("GStreamer's RTSP server is not installed for any Python here")
    with ExitStack() as stack:

        def start(*login: str) -> Server:
            server = Server(python, *login)
            stack.callback(server.kill)
            return server

        yield start


@pytest.fixture(scope="module")
def server(servers: Callable[..., Server]) -> Server:
    """One that nobody harms."""
    return servers()


@pytest.fixture
def victim(servers: Callable[..., Server]) -> Iterator[Server]:
    """One to be killed."""
    victim = servers()
    yield victim
    victim.kill()


@pytest.fixture
def web() -> Iterator[WebServer]:
    with WebServer() as web:
        thread = Thread(target=web.serve_forever, args=(0.02,))
        thread.start()
        yield web
        web.over.set()
        web.shutdown()
        thread.join()
