"""gunicorn's threaded worker, made patient: a request that arrives slowly waits on its connection, not in a thread.

The stock worker gives a connection a thread as soon as its first byte is there; as many slow senders as there are
threads then stop a worker (Slowloris). Here what has come of a request is kept with its connection, and it gets a
thread when the whole head and the whole body are there. Only a request of more than :data:`ENOUGH` bytes is waited for
in a thread. Either way it has :data:`READ_SECONDS`, and one that was cut off is not answered as if it were whole.
"""

import fcntl
import re
import select
import selectors
import socket
import struct
import termios
import time
from contextlib import suppress
from functools import partial
from typing import Any

from gunicorn.http import wsgi
from gunicorn.workers import gthread

READ_SECONDS = 10.0
"""From the first byte of a request to its last, and for a client to take something of an answer."""
CLOSE_SECONDS = 2.0
"""What a client has to close its side of a connection that ends, lest a reset takes the answer from it."""
LOOK_SECONDS = 1.0
"""Between two looks for what takes longer."""
MOST_IN_A_ROW = 8
"""Requests of one connection before others have their turn."""
LINGER_MILLISECONDS = 1
"""How long a thread waits for a connection's next request."""
ENOUGH = 65536
"""Bytes after which a request gets its thread however much is still to come."""
LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]+)[ \t]*\r\n", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding:[^\r\n]*\bchunked[ \t]*\r\n", re.IGNORECASE)
CHUNK_SIZE = re.compile(rb"([0-9a-f]+)(?=[ \t;\r])", re.IGNORECASE)


class PatientWorker(gthread.ThreadWorker):  # type: ignore[misc]
    """A worker whose threads are for requests that are there."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        wsgi.Response = OneSend  # what this worker's process makes of every answer; there is no setting for it
        self._arriving: dict[Any, float] = {}
        self._leaving: dict[Any, float] = {}
        self._next_look = 0.0

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Note that it is to end; before the main loop begins there is nothing to wake."""
        if self.booted:
            super().handle_exit(sig, frame)
        self.alive = False

    def handle(self, conn: Any) -> Any:
        """Answer a request, or give the connection back to wait for the rest of it."""
        if not has_arrived(conn):
            return self._wait(conn)
        # A client that asks again at once keeps its thread for a while: giving a connection back to the main loop and
        # getting it from there costs as much as answering.
        for _ in range(MOST_IN_A_ROW):
            result = self._answer(conn)
            if result is not True or not self.alive or not is_readable(conn.sock, LINGER_MILLISECONDS):
                return result
            if not has_arrived(conn):
                return self._wait(conn)
        return self._answer(conn)

    def _wait(self, conn: Any) -> Any:
        if conn.begun:
            self._arriving.setdefault(conn, time.monotonic() + READ_SECONDS)
        return gthread._DEFER

    def _answer(self, conn: Any) -> Any:
        self._arriving.setdefault(conn, time.monotonic() + READ_SECONDS)
        try:
            return super().handle(conn)
        finally:
            del self._arriving[conn]

    def finish_request(self, conn: Any, fs: Any) -> None:
        """Take a connection back from its thread; gunicorn would stand still here until a client has closed its own."""
        if fs.cancelled() or fs.exception() or fs.result() is not False:
            super().finish_request(conn, fs)
            return
        self._leaving[conn] = time.monotonic() + CLOSE_SECONDS
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._see_off, conn))
        except (OSError, ValueError):
            self._close(conn)

    def _see_off(self, conn: Any, sock: socket.socket) -> None:
        with suppress(BlockingIOError):
            try:
                is_closed = not sock.recv(ENOUGH)
            except ConnectionError:
                is_closed = True
            if is_closed:
                self._close(conn)

    def _close(self, conn: Any) -> None:
        del self._leaving[conn]
        with suppress(KeyError, ValueError):
            self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()

    def notify(self) -> None:
        """Write the log; once a second tell the arbiter that this worker lives, and end what takes too long.

        The main loop comes here after whatever happened, and after a second in which nothing did.
        """
        self.log.flush()
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + LOOK_SECONDS
        super().notify()
        for conn in [conn for conn, deadline in self._leaving.items() if deadline < now]:
            self._close(conn)
        for conn, deadline in list(self._arriving.items()):
            with suppress(OSError):
                if deadline < now and not conn.has_all:
                    # Whoever reads next, this loop or a thread, finds the end; an answer under way still goes out.
                    conn.sock.shutdown(socket.SHUT_RD)
                if is_stuck(conn, now):
                    conn.sock.shutdown(socket.SHUT_RDWR)


class OneSend(wsgi.Response):  # type: ignore[misc]
    """gunicorn's response, whose head goes out with its body: one system call, one packet, one reader woken."""

    headers_sent: bool

    def write(self, arg: bytes) -> None:
        """Send a body that is there as a whole together with the head; everything else as gunicorn does."""
        is_whole_body = self.response_length == len(arg) and not self._omits_body
        if not is_whole_body or not arg or self.headers_sent:
            super().write(arg)
            return
        lines = [*self.default_headers(), *(f"{name}: {value}\r\n" for name, value in self.headers), "\r\n"]
        self.headers_sent = True
        self.sent = len(arg)
        self.sock.sendall("".join(lines).encode("latin-1") + arg)


def is_readable(sock: socket.socket, milliseconds: int) -> bool:
    """Whether there is something to read, or the end, within this time."""
    poll = select.poll()  # select.select knows no descriptor above 1023, which a worker with many connections has
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(milliseconds))


def is_stuck(conn: Any, now: float) -> bool:
    """Whether a client has taken nothing of what it was sent for :data:`READ_SECONDS`; OSError if that is not known."""
    (untaken,) = struct.unpack("i", fcntl.ioctl(conn.sock, termios.TIOCOUTQ, bytes(4)))
    if not untaken or untaken != getattr(conn, "untaken", 0):
        conn.untaken, conn.untaken_since = untaken, now
    return bool(untaken) and now - conn.untaken_since > READ_SECONDS


def has_arrived(conn: Any) -> bool:
    """Whether a request can be read from a gunicorn connection without waiting, or has to be read for its error.

    Takes what the kernel has and keeps it on the connection; hands it to the parser once it is whole.
    """
    begun: bytes = getattr(conn, "begun", b"")
    if conn.initialized:
        begun += conn.parser.unreader.take_buffered()  # the next request may have begun with the last one's bytes
    more: bytes | None
    try:
        more = conn.sock.recv(ENOUGH, socket.MSG_DONTWAIT)
    except BlockingIOError:
        more = None
    except OSError:
        more = b""  # reading it says what is wrong
    begun += more or b""
    if not is_whole(begun):
        if more != b"":
            conn.begun, conn.has_all = begun, False
            return False
        begun = b""  # cut off: there is nothing to read but the end
    conn.begun, conn.data_ready, conn.has_all = b"", True, is_all(begun)
    conn.init()
    conn.parser.unreader.unread(begun)
    return True


def is_whole(begun: bytes) -> bool:
    """Whether the bytes hold a request's head and body, or will never be one."""
    head, end, body = begun.partition(b"\r\n\r\n")
    if len(begun) >= ENOUGH or not end:
        return len(begun) >= ENOUGH or b"\n\n" in begun
    fields = head + b"\r\n"
    if CHUNKED.search(fields):
        return has_last_chunk(body)
    length = LENGTH.search(fields)
    # Nine digits are far more than is waited for; Python refuses to convert some thousand.
    return length is None or len(body) >= int(length[1].lstrip(b"0")[:9] or b"0")


def is_all(begun: bytes) -> bool:
    """Whether a request that is whole surely needs no more bytes: its answer may take long, and others may follow."""
    return len(begun) < ENOUGH and b"\r\n\r\n" in begun and not CHUNKED.search(begun)


def has_last_chunk(body: bytes) -> bool:
    """Whether a chunked body is all there, or will never be one (:rfc:`9112#section-7.1`)."""
    at = 0
    while (end := body.find(b"\r\n", at)) >= 0:
        digits = CHUNK_SIZE.match(body, at)
        if not digits:
            return True
        size = int(digits[1], 16)
        if size == 0:
            return b"\r\n\r\n" in body[end:]
        at = end + 2 + size
        if not b"\r\n".startswith(body[at : at + 2]):
            return True
        at += 2
    return False
