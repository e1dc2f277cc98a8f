"""A server that offers sound and then refuses to send it, before a real one."""

from __future__ import annotations

import re
import socket
from contextlib import suppress
from threading import Thread


class DeafServer:
    """Passes everything on to another server on this machine but the wish for its second stream.

    Args:
        port: of the other one.
    """

    def __init__(self, port: int) -> None:
        self._behind = port
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._door.getsockname()[1])
        self.refused = 0
        """How often sound was wished for."""
        self._lines: list[socket.socket] = []
        self._threads: list[Thread] = []
        self._begin(self._welcome)

    def close(self) -> None:
        """Hangs up, and waits for that."""
        for line in (self._door, *self._lines):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()
        for thread in self._threads:
            thread.join()

    def _begin(self, work: object, *lines: socket.socket) -> None:
        thread = Thread(target=work, args=lines)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _welcome(self) -> None:
        with suppress(OSError):
            while True:
                guest, _ = self._door.accept()
                host = socket.create_connection(("127.0.0.1", self._behind))
                self._lines += [guest, host]
                self._begin(self._ask, guest, host)
                self._begin(self._answer, host, guest)

    def _ask(self, guest: socket.socket, host: socket.socket) -> None:
        with suppress(OSError):
            while said := guest.recv(65536):
                wish = re.match(rb"SETUP \S*stream=1 .*?CSeq: (\d+)", said, re.DOTALL)
                if wish is None:
                    host.sendall(said)
                else:
                    self.refused += 1
                    guest.sendall(b"RTSP/1.0 403 Forbidden\r\nCSeq: " + wish[1] + b"\r\n\r\n")
        with suppress(OSError):
            host.shutdown(socket.SHUT_RDWR)

    def _answer(self, host: socket.socket, guest: socket.socket) -> None:
        with suppress(OSError):
            while said := host.recv(65536):
                guest.sendall(said)
        with suppress(OSError):
            guest.shutdown(socket.SHUT_RDWR)
