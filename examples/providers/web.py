"""Requests, answers, and an address on loopback that turns one into the other."""

import base64
import json
import selectors
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

LOOPBACK = "127.0.0.1"
LARGEST_FORM = 1 << 20
IDLE_SECONDS = 60.0


class Reset(Exception):
    """The connection is to end at once, without an answer."""


@dataclass(frozen=True)
class Request:
    """What arrived: ``site`` says at which of a provider's addresses."""

    site: str
    method: str
    path: str
    query: dict[str, str]
    form: dict[str, str]
    headers: Message

    def __getitem__(self, name: str) -> str:
        """A parameter, wherever it was sent; empty if it was not."""
        return self.form.get(name, self.query.get(name, ""))

    @property
    def authorization(self) -> tuple[str, str]:
        """Scheme and credentials of the header."""
        scheme, _, credentials = (self.headers["Authorization"] or "").partition(" ")
        return scheme, credentials

    @property
    def bearer(self) -> str:
        """The token of the header."""
        scheme, credentials = self.authorization
        return credentials if scheme.lower() == "bearer" else ""

    @property
    def basic(self) -> tuple[str, str]:
        """Client id and secret of the header."""
        scheme, credentials = self.authorization
        if scheme.lower() != "basic":
            return "", ""
        with suppress(ValueError):
            name, _, secret = base64.b64decode(credentials).decode().partition(":")
            return name, secret
        return "", ""


@dataclass(frozen=True)
class Answer:
    """What is sent back. A body that comes in pieces has no length: its end is that of the connection."""

    status: int = 200
    body: bytes | Iterable[bytes] = b""
    headers: dict[str, str] = field(default_factory=dict)


def as_json(value: Any, status: int = 200, **headers: str) -> Answer:
    """An answer for programs."""
    kind = {"Content-Type": "application/json;charset=UTF-8", "Cache-Control": "no-store"}
    return Answer(status, json.dumps(value, ensure_ascii=False).encode(), kind | headers)


def as_page(html: str, status: int = 200, **headers: str) -> Answer:
    """An answer for people. Pages of providers are not shown in frames."""
    kind = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", "X-Frame-Options": "DENY"}
    return Answer(status, html.encode(), kind | headers)


def redirect(location: str) -> Answer:
    """On to another address."""
    return Answer(302, b"", {"Location": location, "Cache-Control": "no-store"})


class Handler(BaseHTTPRequestHandler):
    """Reads requests from one connection."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    server: "Server"

    def do_GET(self) -> None:
        """Answer."""
        self._send(self.server.site.answer(self._request()))

    do_POST = do_GET  # noqa: N815

    def _request(self) -> Request:
        length = min(int(self.headers["Content-Length"] or 0), LARGEST_FORM)
        body = self.rfile.read(length)
        is_form = self.headers.get_content_type() == "application/x-www-form-urlencoded"
        form = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True)) if is_form else {}
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        return Request(self.server.site.name, self.command, url.path, query, form, self.headers)

    def _send(self, answer: Answer) -> None:
        pieces = [answer.body] if isinstance(answer.body, bytes) else answer.body
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if isinstance(answer.body, bytes):
            self.send_header("Content-Length", str(len(answer.body)))
        else:
            self.send_header("Connection", "close")
        self.end_headers()
        for piece in pieces:
            self.wfile.write(piece)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """What was asked is on the control page."""


class Server(ThreadingHTTPServer):
    """A thread for each connection; those that are open end with it."""

    daemon_threads = True
    request_queue_size = 512

    def __init__(self, site: "Site") -> None:
        self.site = site
        self.connections: set[socket.socket] = set()
        super().__init__((LOOPBACK, site.port), Handler)

    def server_bind(self) -> None:
        """Without asking for the name of the machine, which may take seconds where there is no network."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve one connection."""
        self.connections.add(request)
        try:
            super().finish_request(request, client_address)
        except Reset:
            # Closed without waiting for what is unsent, a connection ends by a reset instead of an orderly end.
            request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            request.close()
        finally:
            self.connections.discard(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who goes away before the answer is no news."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class Site:
    """An address that answers by a function, in threads of this process, from each ``start`` to the next ``stop``."""

    def __init__(self, name: str, answer: Callable[[Request], Answer], port: int = 0) -> None:
        self.name = name
        self.answer = answer
        self.port = port
        self._running: tuple[Server, threading.Thread, socket.socket] | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://{LOOPBACK}:{self.port}"

    def start(self) -> None:
        """Listen, unless it does. The port that the system chose the first time stays."""
        if self._running is not None:
            return
        server = Server(self)
        self.port = server.server_port
        ended, end = socket.socketpair()
        thread = threading.Thread(target=_serve, args=(server, ended), daemon=True, name=f"site-{self.port}")
        self._running = server, thread, end
        thread.start()

    def stop(self) -> None:
        """Listen no longer, and end what is open: whoever comes now is refused by the system."""
        if self._running is None:
            return
        server, thread, end = self._running
        self._running = None
        end.close()
        thread.join()
        server.server_close()
        for connection in list(server.connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def _serve(server: Server, ended: socket.socket) -> None:
    """Take connections until the other end of ``ended`` is closed; nothing is polled for, so it ends at once."""
    with ended, selectors.DefaultSelector() as selector:
        selector.register(server, selectors.EVENT_READ)
        selector.register(ended, selectors.EVENT_READ)
        while not any(key.fileobj is ended for key, _ in selector.select()):
            server.handle_request()
