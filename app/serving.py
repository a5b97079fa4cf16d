"""gunicorn's threaded worker, made patient: a request that arrives slowly waits in the kernel, not in a thread.

The stock worker gives a connection a thread as soon as its first byte is there; as many slow senders as there are
threads then stop a worker (Slowloris). Here a thread is given when the whole head, and the body of the announced
length, can be read without waiting. What cannot be known beforehand (chunked and pipelined bodies) may be waited for,
but not longer than :data:`READ_SECONDS`.
"""

import re
import select
import socket
import time
from contextlib import suppress
from typing import Any

from gunicorn.http import wsgi
from gunicorn.workers import gthread

READ_SECONDS = 10.0
"""From the first byte of a request to its last."""
MOST_IN_A_ROW = 8
"""Requests of one connection before others have their turn."""
LINGER_SECONDS = 0.0003
"""How long a thread waits for a connection's next request."""
ENOUGH = 65536
"""Bytes after which a request gets its thread however much is still to come."""
LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,6})[ \t]*\r\n", re.IGNORECASE)


class PatientWorker(gthread.ThreadWorker):  # type: ignore[misc]
    """A worker whose threads are for requests that are there."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        wsgi.Response = OneSend  # what this worker's process makes of every answer; there is no setting for it
        self._reading: dict[Any, float] = {}

    def handle(self, conn: Any) -> Any:
        """Answer a request, or give the connection back to wait for the rest of it."""
        now = time.monotonic()
        if not has_arrived(conn):
            # Counted from the first byte, so that a byte now and then does not keep a connection for ever.
            is_too_slow = conn.begun and now - conn.begun_at > READ_SECONDS
            return False if is_too_slow else gthread._DEFER
        # A client that asks again at once keeps its thread for a while: giving a connection back to the main loop and
        # getting it from there costs as much as answering.
        for _ in range(MOST_IN_A_ROW):
            result = self._answer(conn)
            if result is not True or not self.alive or not select.select([conn.sock], [], [], LINGER_SECONDS)[0]:
                return result
            if not has_arrived(conn):
                return gthread._DEFER
        return self._answer(conn)

    def _answer(self, conn: Any) -> Any:
        self._reading[conn] = time.monotonic() + READ_SECONDS
        try:
            return super().handle(conn)
        finally:
            del self._reading[conn]

    def notify(self) -> None:
        """Tell the arbiter that this worker lives; write its log; end the reading of what takes too long to arrive."""
        super().notify()
        self.log.flush()
        now = time.monotonic()
        for conn, deadline in list(self._reading.items()):
            if deadline < now:
                # The thread reads an end of file; an answer that is under way still goes out.
                with suppress(OSError):
                    conn.sock.shutdown(socket.SHUT_RD)


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


def has_arrived(conn: Any) -> bool:
    """Whether a request can be read from a gunicorn connection without waiting, or has to be read for its error.

    Takes what the kernel has and keeps it on the connection; hands it to the parser once it is whole.
    """
    if conn.initialized and conn.parser.unreader.buf.getvalue():
        return True  # the next request was begun with the last one's bytes
    held: bytes = getattr(conn, "begun", b"")
    try:
        more = conn.sock.recv(ENOUGH, socket.MSG_DONTWAIT)
    except BlockingIOError:
        conn.begun = held
        return False
    except OSError:
        more = b""  # reading it says what is wrong
    begun = held + more
    if more and not is_whole(begun):
        if not held:
            conn.begun_at = time.monotonic()
        conn.begun = begun
        return False
    conn.begun, conn.data_ready = b"", True
    conn.init()
    conn.parser.unreader.unread(begun)
    return True


def is_whole(begun: bytes) -> bool:
    """Whether the bytes hold a request's head and the body it announces, or will never be one."""
    head, end, body = begun.partition(b"\r\n\r\n")
    if not end:
        return len(begun) >= ENOUGH or b"\n\n" in begun
    length = LENGTH.search(head + b"\r\n")
    return length is None or len(body) >= int(length[1]) or len(begun) >= ENOUGH
