"""In front of everything: what measures each request, and what answers a scrape.

A scrape is answered at an address of its own (``METRICS_BIND``), or on the portal's for who shows ``METRICS_TOKEN``; in
development without either, for programs on this machine. Who asks is told by the connection alone: what a proxy or
anybody else says in a header decides nothing here. Everywhere else ``/metrics`` is an address that is not there.
"""

import hmac
import json
import time
from collections.abc import Callable, Collection, Iterable
from typing import Any

from flask import Flask, Request
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from app.server.answering import LISTENER
from app.server.metrics.exposition import Exposition
from app.server.metrics.meters import Meters
from app.settings import Settings, is_loopback

PATH = "/metrics"
UNMATCHED = "unmatched"
CLASSES = {first: f"{first}xx" for first in "12345"}
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
FORWARDED = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_REAL_IP", "HTTP_VIA")
WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Measured:
    """The WSGI layer that measures; ``routes`` are the addresses that hold nothing variable."""

    def __init__(self, application: WsgiApp, meters: Meters, routes: Iterable[str]) -> None:
        self._application = application
        self._meters = meters
        self._routes = frozenset(routes)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Let the application answer, and count."""
        began, method, path = time.perf_counter(), environ["REQUEST_METHOD"], environ["PATH_INFO"]
        status = "5"

        def started(line: str, *more: Any) -> Any:
            nonlocal status
            status = line[0]
            return start_response(line, *more)

        try:
            return self._application(environ, started)
        finally:
            route = route_of(environ, path, self._routes)
            method = method if method in METHODS else "other"
            self._meters.request(method, route, CLASSES[status], time.perf_counter() - began)


class Scrapes:
    """The WSGI layer that answers scrapes, and at the address for these nothing else."""

    def __init__(
        self, application: WsgiApp, exposition: Exposition, settings: Settings, headers: Iterable[tuple[str, str]]
    ) -> None:
        self._application = application
        self._exposition = exposition
        self._headers = [*headers, ("Cache-Control", "no-store")]
        self._port = settings.observation.metrics_port
        self._token = settings.observation.metrics_token.encode()
        self._is_production = settings.is_production

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a scrape, or let the application answer."""
        is_asked = environ["PATH_INFO"] == PATH
        if not is_asked and not self._port:
            return self._application(environ, start_response)
        is_apart = bool(self._port) and _port_of(environ) == self._port
        if not is_asked and not is_apart:
            return self._application(environ, start_response)
        if not is_asked or not (is_apart or self._is_open_to(environ)):
            # Nobody else answers it: whoever asks for metrics must not have anything wait for the database.
            return self._refuse(start_response, "404 NOT FOUND", "There is nothing here.")
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            return self._refuse(start_response, "405 METHOD NOT ALLOWED", "Use GET.", ("Allow", "GET, HEAD"))
        if self._token and not self._is_shown(environ):
            challenge = ("WWW-Authenticate", 'Bearer realm="metrics"')
            return self._refuse(start_response, "401 UNAUTHORIZED", "Send METRICS_TOKEN as a bearer token.", challenge)
        body = self._answer(start_response, "200 OK", CONTENT_TYPE_PLAIN_0_0_4, self._exposition.text())
        return [] if environ["REQUEST_METHOD"] == "HEAD" else body

    def _is_open_to(self, environ: dict[str, Any]) -> bool:
        """Whether the portal's own address has metrics for who asks, perhaps with a token."""
        return not self._port and (bool(self._token) or (not self._is_production and is_of_this_machine(environ)))

    def _is_shown(self, environ: dict[str, Any]) -> bool:
        scheme, _, shown = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        return hmac.compare_digest(shown.strip().encode("latin-1"), self._token) and scheme.lower() == "bearer"

    def _refuse(self, start_response: Any, status: str, why: str, *more: tuple[str, str]) -> Iterable[bytes]:
        error = "not_found" if status.startswith("404") else "invalid_request"
        body = json.dumps({"error": error, "error_description": why}).encode() + b"\n"
        return self._answer(start_response, status, "application/json", body, *more)

    def _answer(
        self, start_response: Any, status: str, kind: str, body: bytes, *more: tuple[str, str]
    ) -> Iterable[bytes]:
        length = ("Content-Length", str(len(body)))
        start_response(status, [("Content-Type", kind), length, *self._headers, *more])
        return [body]


def configure(app: Flask, meters: Meters, settings: Settings, headers: Iterable[tuple[str, str]]) -> None:
    """Put both in front of ``app``, before anything else that stands there; ``headers`` are those of every answer."""
    scrapes = Scrapes(app.wsgi_app, Exposition(app, meters, settings), settings, headers)
    app.wsgi_app = Measured(scrapes, meters, static_routes(app))  # type: ignore[method-assign]


def is_of_this_machine(environ: dict[str, Any]) -> bool:
    """Whether a program on this machine asks by itself: by no proxy, and by no name that others could lead here."""
    host = environ.get("HTTP_HOST", "").rpartition("@")[2]
    name = host[1 : host.find("]")] if host.startswith("[") else host.partition(":")[0]
    is_direct = is_loopback(environ.get("REMOTE_ADDR", "")) and not any(each in environ for each in FORWARDED)
    return is_direct and is_loopback(name)


def static_routes(app: Flask) -> set[str]:
    """The addresses in which nothing varies."""
    return {PATH, *(rule.rule for rule in app.url_map.iter_rules() if not rule.arguments)}


def route_of(environ: dict[str, Any], path: str, routes: Collection[str]) -> str:
    """The template of a path that was answered; in front of Flask the path itself, which is one of the ``routes``."""
    request = environ.get("werkzeug.request")
    if isinstance(request, Request):
        return request.url_rule.rule if request.url_rule else UNMATCHED
    return path if path in routes else UNMATCHED


def _port_of(environ: dict[str, Any]) -> int:
    """The port of the listener by which a request came; 0 for a socket in the file system."""
    listener = environ.get(LISTENER)
    return listener[1] if isinstance(listener, tuple) else 0
