"""One answer: gunicorn's parser reads a request, the application answers, gunicorn's response gives it its form.

No socket is read or written here: a request is parsed from bytes that are there, an answer is bytes to be sent.
"""

import logging
import time
from datetime import timedelta
from typing import Any

from gunicorn.http import errors, wsgi
from gunicorn.http.parser import RequestParser

from app.server.connections.arrival import Stage
from app.server.connections.connections import Answer
from app.server.connections.rooms import Connection
from app.server.cookies import LEFT_OUT, without_cookies
from app.server.hosts import is_host
from app.server.refusals import Refusals

TOO_LARGE = (errors.LimitRequestHeaders, errors.NoMoreData)
"""What the parser raises for heads that are too large, or were not waited for to their end."""
PIECE = 4096
"""Bytes the parser gets at a time: it copies what is left of them for every chunk of a body."""
LISTENER = "portal.listener"
"""Where in a request's environment the address stands by which it came, as the socket has it."""
logger = logging.getLogger("portal.server")


class Outlet:
    """Takes what gunicorn sends; head and body then leave together: one system call, one packet, one reader woken."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.sendall = self.parts.append


class Answering:
    """Answers a worker's requests; its threads share it."""

    def __init__(self, cfg: Any, log: Any, application: Any, refusals: Refusals) -> None:
        self._cfg = cfg
        self._log = log
        self._application = application
        self._refusals = refusals

    def refusal(self, conn: Connection) -> bytes | None:
        """The answer to a request that is refused whatever its body will be."""
        parsed = self._parsed(conn)
        return parsed if isinstance(parsed, bytes) else None

    def answer(self, conn: Connection, *, ends: bool) -> Answer:
        """The answer to the request of a connection; with ``ends`` it says that the connection ends."""
        request = self._parsed(conn)
        if isinstance(request, bytes):
            return Answer(request, ends=True)
        end = conn.arrival.end
        if end is None and conn.arrival.is_chunked and conn.arrival.stage() is Stage.TOO_LONG:
            # Of a length that is stated the application says so itself, before it reads.
            return Answer(self._refusals.answer(413, "too_long", conn.client), ends=True)
        outlet = Outlet()
        try:
            # Where nobody can tell the end of a request, what follows is not the next one.
            ends = self._call(request, outlet, conn, ends=ends or end is None)
        except Exception:
            logger.exception("unexpected_error")
            return Answer(self._refusals.answer(500, "unexpected_error", conn.client), ends=True)
        return Answer(b"".join(outlet.parts), ends, b"" if ends else bytes(conn.arrival.bytes[end:]))

    def _parsed(self, conn: Connection) -> Any:
        """The request, with a body that is read from what has come of it; or the refusal, in bytes."""
        begun = bytes(conn.arrival.bytes[: conn.arrival.end])
        pieces = iter([begun[at : at + PIECE] for at in range(0, len(begun), PIECE)])
        try:
            request = next(RequestParser(self._cfg, pieces, conn.client))
        except Exception as error:  # noqa: BLE001 the parser raises many, and none but for a fault of the request
            refused = self._page_without_cookies(begun, conn) if isinstance(error, TOO_LARGE) else None
            return refused or self._refusals.of(error, conn.client)
        return request if has_good_host(request) else self._refusals.answer(400, "bad_host", conn.client)

    def _page_without_cookies(self, begun: bytes, conn: Connection) -> bytes | None:
        """What the application says to somebody whose cookies are too large; None where it is not for that."""
        if (head := without_cookies(begun)) is None:
            return None
        outlet = Outlet()
        try:
            request = next(RequestParser(self._cfg, iter([head]), conn.client))
            if not has_good_host(request):
                return None
            self._call(request, outlet, conn, ends=True, marks={LEFT_OUT: True})
        except Exception:  # noqa: BLE001 whatever it is, what was wrong first is the answer
            return None
        return b"".join(outlet.parts)

    def _call(
        self, request: Any, outlet: Outlet, conn: Connection, *, ends: bool, marks: dict[str, Any] | None = None
    ) -> bool:
        """Let the application answer into the outlet; whether the connection ends."""
        began = time.perf_counter()
        request._expected_100_continue = False  # the worker has said so, and the body is there
        response, environ = wsgi.create(request, outlet, conn.client, conn.server, self._cfg)
        environ["wsgi.multithread"] = True
        environ[LISTENER] = conn.server
        environ.update(marks or {})
        if ends:
            response.force_close()
        parts = self._application(environ, response.start_response)
        try:
            if isinstance(parts, environ["wsgi.file_wrapper"]):
                response.write_file(parts)
            else:
                for part in parts:
                    response.write(part)
            response.close()
        finally:
            self._log.access(response, request, environ, timedelta(seconds=time.perf_counter() - began))
            if hasattr(parts, "close"):
                parts.close()
        return bool(response.should_close())


def has_good_host(request: Any) -> bool:
    """Whether a request names one host, and one there can be; old ones need not (:rfc:`9112#section-3.2`)."""
    hosts = [value for name, value in request.headers if name == "HOST"]
    return all(map(is_host, hosts)) and (len(hosts) == 1 or (not hosts and request.version < (1, 1)))
