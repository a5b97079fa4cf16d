"""Userinfo for good tokens, answered in front of Flask.

Applications ask it at each of their own requests, and of what Flask does around a view a plain request needs nothing:
no form, cookie, origin or page. Whatever is not the plainest request, and every refusal, goes to the view, which says
the same of a good token; a test compares the two.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask

from app import logs
from app.config import Settings
from app.database import reads_only
from app.errors import PortalError
from app.oauth.userinfo import claims_of
from app.security import headers_of_every_response
from app.wiring import services

PATHS = frozenset({"/api/oauth/userinfo", "/oauth/userinfo"})
WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]


class DirectUserinfo:
    """The WSGI layer."""

    def __init__(self, app: Flask, application: WsgiApp, settings: Settings) -> None:
        self._app = app
        self._application = application
        self._trusts_ids = settings.server.trusted_proxies > 0
        self._headers = [
            ("Content-Type", "application/json"),
            ("Cache-Control", "no-store"),
            *headers_of_every_response(settings),
        ]

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a good token, or let the application answer."""
        if environ["PATH_INFO"] not in PATHS or not _is_plain(environ):
            return self._application(environ, start_response)
        try:
            with self._app.app_context():
                reads_only.set(True)
                claims = claims_of(services.bearer.access(environ["HTTP_AUTHORIZATION"][7:].strip()))
        except PortalError:
            return self._application(environ, start_response)
        body = f"{json.dumps(claims, sort_keys=True, separators=(',', ':'))}\n".encode()
        request_id = logs.request_id(environ.get("HTTP_X_REQUEST_ID", ""), is_trusted=self._trusts_ids)
        length = ("Content-Length", str(len(body)))
        start_response("200 OK", [*self._headers, length, (logs.HEADER, request_id)])
        return [body]


def _is_plain(environ: dict[str, Any]) -> bool:
    return (
        environ["REQUEST_METHOD"] == "GET"
        and not environ["QUERY_STRING"]
        and environ.get("HTTP_AUTHORIZATION", "")[:7] == "Bearer "
        and "HTTP_HOST" in environ
        and "HTTP_ORIGIN" not in environ
    )


def configure(app: Flask, settings: Settings) -> None:
    """Put the layer in front of ``app``."""
    app.wsgi_app = DirectUserinfo(app, app.wsgi_app, settings)  # type: ignore[method-assign]
