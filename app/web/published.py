"""Documents that are the same for everybody, answered from memory in front of the application.

Metadata and keys are fetched by every client and backend, and say the same for seconds at a time. What the application
answered is kept for :data:`FRESH_SECONDS`, or until this process changes a key; only the request id is made anew.
Conditional requests get their 304 (:rfc:`9110#section-13.1.2`). Whatever is not a plain GET of one of the paths goes to
the application.

The application is asked by a thread of its own, and for no longer than :data:`PATIENCE_SECONDS`: while the database
hangs or is away, what was kept goes on being the answer.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from werkzeug.http import parse_etags, unquote_etag
from werkzeug.test import create_environ

from app.errors import DEFECT, Unavailable
from app.server import logs
from app.settings import Settings
from app.web.security import headers_of_every_response

FRESH_SECONDS = 2.0
PATIENCE_SECONDS = 0.5
"""How long what was kept may wait for what is new; nobody waits for an application that has been asked earlier."""
FIRST_SECONDS = 5.0
"""The same where nothing was kept yet."""
WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]
logger = logging.getLogger("portal.web")


@dataclass(frozen=True, slots=True)
class _Document:
    """A kept answer."""

    headers: list[tuple[str, str]]
    body: bytes
    etag: str
    mark: object
    fresh_until: float


@dataclass(frozen=True, slots=True)
class _Question:
    """Something the application is being asked."""

    mark: object
    began: float = field(default_factory=time.monotonic)
    is_answered: threading.Event = field(default_factory=threading.Event)


class Published:
    """The WSGI layer; ``paths`` are those of the documents, ``mark`` changes when what is kept is stale."""

    def __init__(
        self, application: WsgiApp, paths: Iterable[str], mark: Callable[[], object], settings: Settings
    ) -> None:
        self._application = application
        self._trusts_ids = settings.server.trusted_proxies > 0
        self._origin = settings.issuer
        self._headers = headers_of_every_response(settings)
        self.paths = frozenset(paths)
        self._mark = mark
        self._kept: dict[str, _Document] = {}
        self._broken: set[str] = set()
        self._asked: dict[str, _Question] = {}
        self._asking = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer from memory, or let the application answer and keep that."""
        path = environ["PATH_INFO"]
        if path not in self.paths or environ["REQUEST_METHOD"] != "GET" or environ["QUERY_STRING"]:
            return self._application(environ, start_response)
        document = self._document(path)
        request_id = logs.request_id(environ.get("HTTP_X_REQUEST_ID", ""), is_trusted=self._trusts_ids)
        if document is None:
            return self._refuse(path in self._broken, start_response, request_id)
        headers = [*document.headers, (logs.HEADER, request_id)]
        if (held := environ.get("HTTP_IF_NONE_MATCH")) and parse_etags(held).contains_weak(document.etag):
            start_response("304 NOT MODIFIED", headers)
            return []
        start_response("200 OK", [*headers, ("Content-Length", str(len(document.body)))])
        return [document.body]

    def learn(self) -> None:
        """Ask for what was never asked for, to know it when the database is away."""
        for path in self.paths - self._kept.keys():
            self._wait_for(self._question(path, self._mark()), FIRST_SECONDS)

    def _document(self, path: str) -> _Document | None:
        """What is kept, after the application was asked where that is stale; None if there is nothing."""
        kept, mark = self._kept.get(path), self._mark()
        if kept and kept.mark == mark and time.monotonic() < kept.fresh_until:
            return kept
        self._wait_for(self._question(path, mark), PATIENCE_SECONDS if kept else FIRST_SECONDS)
        return self._kept.get(path)

    @staticmethod
    def _wait_for(question: _Question, seconds: float) -> None:
        question.is_answered.wait(max(question.began + seconds - time.monotonic(), 0))

    def _question(self, path: str, mark: object) -> _Question:
        """The question that is under way, or a new one."""
        with self._asking:
            question = self._asked.get(path)
            if question is None or question.mark != mark:
                question = self._asked[path] = _Question(mark)
                threading.Thread(target=self._ask, args=(path, question), name="documents", daemon=True).start()
        return question

    def _ask(self, path: str, question: _Question) -> None:
        try:
            document, is_broken = self._answer_of(path, question.mark)
            if document:
                self._kept[path] = document
        except Exception:
            is_broken = True
            logger.exception("unexpected_error")
        finally:
            (self._broken.add if is_broken else self._broken.discard)(path)
            with self._asking:
                if self._asked.get(path) is question:
                    del self._asked[path]
            question.is_answered.set()

    def _answer_of(self, path: str, mark: object) -> tuple[_Document | None, bool]:
        """The application's answer to the plainest request, if it is the document; and whether it broke over it."""
        answered: list[tuple[str, list[tuple[str, str]]]] = []

        def note(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
            answered.append((status, headers))

        answer = self._application(create_environ(path, self._origin), note)
        try:
            body = b"".join(answer)
        finally:
            if close := getattr(answer, "close", None):
                close()
        status, headers = answered[-1]
        if not status.startswith("200 "):
            return None, status.startswith("500 ")
        kept = [(name, value) for name, value in headers if name not in {logs.HEADER, "Content-Length"}]
        etag = unquote_etag(dict(kept).get("ETag", ""))[0] or ""
        return _Document(kept, body, etag, mark, time.monotonic() + FRESH_SECONDS), False

    def _refuse(self, is_broken: bool, start_response: Any, request_id: str) -> Iterable[bytes]:
        """Nothing was ever read, and cannot be now."""
        code, why = ("server_error", DEFECT) if is_broken else ("temporarily_unavailable", Unavailable.message)
        answer = {"error": code, "error_description": why, "request_id": request_id}
        body = json.dumps(answer, separators=(",", ":")).encode() + b"\n"
        headers = [("Content-Type", "application/json"), ("Cache-Control", "no-store")]
        headers += [] if is_broken else [("Retry-After", "5")]
        headers += [("Access-Control-Allow-Origin", "*"), ("Content-Length", str(len(body))), *self._headers]
        status = "500 INTERNAL SERVER ERROR" if is_broken else "503 SERVICE UNAVAILABLE"
        start_response(status, [*headers, (logs.HEADER, request_id)])
        return [body]


def configure(app: Flask, settings: Settings, mark: Callable[[], object]) -> Published:
    """Put the layer in front of ``app``, for its documents under ``/.well-known/``; answers it."""
    rules = [rule for rule in app.url_map.iter_rules() if "/.well-known/" in rule.rule and not rule.arguments]
    # What only leads somewhere is no document.
    paths = [rule.rule for rule in rules if not rule.endpoint.startswith("portal.")]
    layer = Published(app.wsgi_app, paths, mark, settings)
    app.wsgi_app = layer  # type: ignore[method-assign]
    return layer
