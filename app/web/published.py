"""Documents that are the same for everybody, answered from memory in front of the application.

Metadata and keys are fetched by every client and backend, and say the same for seconds at a time. What the application
answered is kept for :data:`FRESH_SECONDS`, or until this process changes a key; only the request id is made anew.
Conditional requests get their 304 (:rfc:`9110#section-13.1.2`). Whatever is not a plain GET of one of the paths goes to
the application.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from flask import Flask
from werkzeug.http import parse_etags, unquote_etag

from app.server import logs
from app.settings import Settings

FRESH_SECONDS = 2.0
WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class _Document:
    """A kept answer."""

    headers: list[tuple[str, str]]
    body: bytes
    etag: str
    fresh_until: float


class Published:
    """The WSGI layer; ``paths`` are those of the documents, ``mark`` changes when what is kept is stale."""

    def __init__(
        self, application: WsgiApp, paths: Iterable[str], mark: Callable[[], object], *, trusts_ids: bool
    ) -> None:
        self._application = application
        self._trusts_ids = trusts_ids
        self._paths = frozenset(paths)
        self._mark = mark
        self._kept: dict[str, tuple[object, _Document]] = {}

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer from memory, or let the application answer and keep that."""
        path = environ["PATH_INFO"]
        if path not in self._paths or environ["REQUEST_METHOD"] != "GET" or environ["QUERY_STRING"]:
            return self._application(environ, start_response)
        mark, document = self._kept.get(path, (None, None))
        if document is None or mark != self._mark() or document.fresh_until < time.monotonic():
            mark, document = self._mark(), self._ask(environ)
            if document is None:
                return self._application(environ, start_response)
            self._kept[path] = mark, document
        request_id = logs.request_id(environ.get("HTTP_X_REQUEST_ID", ""), is_trusted=self._trusts_ids)
        headers = [*document.headers, (logs.HEADER, request_id)]
        if (held := environ.get("HTTP_IF_NONE_MATCH")) and parse_etags(held).contains_weak(document.etag):
            start_response("304 NOT MODIFIED", headers)
            return []
        start_response("200 OK", [*headers, ("Content-Length", str(len(document.body)))])
        return [document.body]

    def _ask(self, environ: dict[str, Any]) -> _Document | None:
        """The application's answer to an unconditional request; None unless it is the document."""
        plain = {name: value for name, value in environ.items() if name not in {"HTTP_IF_NONE_MATCH", "HTTP_ORIGIN"}}
        answered: list[tuple[str, list[tuple[str, str]]]] = []

        def note(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
            answered.append((status, headers))

        answer = self._application(plain, note)
        try:
            body = b"".join(answer)
        finally:
            if close := getattr(answer, "close", None):
                close()
        status, headers = answered[-1]
        if not status.startswith("200 "):
            return None
        kept = [(name, value) for name, value in headers if name not in {logs.HEADER, "Content-Length"}]
        return _Document(
            kept, body, unquote_etag(dict(kept).get("ETag", ""))[0] or "", time.monotonic() + FRESH_SECONDS
        )


def configure(app: Flask, settings: Settings, mark: Callable[[], object]) -> list[str]:
    """Put the layer in front of ``app``, for its ``/.well-known/`` routes; answers their paths."""
    paths = [rule.rule for rule in app.url_map.iter_rules() if "/.well-known/" in rule.rule and not rule.arguments]
    app.wsgi_app = Published(app.wsgi_app, paths, mark, trusts_ids=settings.server.trusted_proxies > 0)  # type: ignore[method-assign]
    return paths
