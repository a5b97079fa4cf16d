"""Servers outside the portal, whom it asks something: each answers in its own way, be it none at all."""

import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

Say = Callable[[socket.socket], object]


def request_of(sock: socket.socket) -> bytes:
    """A whole request: its head and its body may arrive apart."""
    received = b""
    while not ended(received):
        if not (part := sock.recv(65536)):
            break
        received += part
    return received


def ended(request: bytes) -> bool:
    head, separator, body = request.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return bool(separator) and len(body) >= int(length[1] if length else 0)


class Outsider:
    """A server on loopback that answers every connection by a function of its socket; with a context it speaks TLS."""

    def __init__(self, answer: Say, tls: ssl.SSLContext | None = None) -> None:
        self.answer = answer
        self.received: list[bytes] = []
        self.has_ended = False
        """Whether it has ever said all that it had to say."""
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self.port}/logout?a=b"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(sock,), daemon=True).start()

    def _talk(self, sock: socket.socket) -> None:
        # Those we talk to hang up whenever they like.
        with suppress(OSError), self._tls.wrap_socket(sock, server_side=True) if self._tls else sock as line:
            self.received.append(request_of(line))
            self.answer(line)
            self.has_ended = True

    def close(self) -> None:
        """Let nobody come any more."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


class Serve(Protocol):
    """Starts one."""

    def __call__(self, answer: Say, tls: ssl.SSLContext | None = None) -> Outsider: ...


@contextmanager
def outsiders() -> Iterator[Serve]:
    """What starts one after the other; they end with the block."""
    made: list[Outsider] = []

    def start(answer: Say, tls: ssl.SSLContext | None = None) -> Outsider:
        made.append(Outsider(answer, tls))
        return made[-1]

    try:
        yield start
    finally:
        for each in made:
            each.close()
