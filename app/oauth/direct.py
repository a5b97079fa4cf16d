"""Programs' requests, answered in front of Flask.

Applications and backends ask these endpoints thousands of times a second, and of what Flask does around a view their
requests need nothing: no session, form, origin, page or address to match. The rules are those of the views: the same
functions decide and answer. Whatever is not the plainest request goes to Flask, and so does every exception.
"""

import io
import json
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, cast

from flask import Flask, Response, g
from werkzeug.datastructures import EnvironHeaders

from app.database import PROTOCOL, enter, only_reads
from app.errors import PortalError
from app.oauth.parameters import FORM
from app.oauth.server import PortalAuthorizationServer
from app.oauth.userinfo import claims_of
from app.server import logs
from app.server.cookies import LEFT_OUT
from app.services.foundation.environment import Caller
from app.settings import Settings
from app.web import origins
from app.web.protocol.paths import PREFIXES
from app.web.security import headers_of_every_response, settle
from app.wiring import services

WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]
USERINFO = frozenset(f"{prefix}/userinfo" for prefix in PREFIXES)
ENDPOINTS = {
    f"{prefix}/{path}": name
    for prefix in PREFIXES
    for path, name in {"token": "token", "revoke": "revocation", "introspect": "introspection"}.items()
}
FOR_BROWSERS = frozenset({"token", "revocation"})
"""What scripts may call as well, so that whatever keeps an answer must ask whose it is."""
LONGEST_BODY = 65536


class PlainRequest:
    """What the back channel reads of a request; takes the place of Flask's."""

    mimetype = FORM

    def __init__(self, environ: dict[str, Any], body: bytes) -> None:
        self.method: str = environ["REQUEST_METHOD"]
        self.headers = EnvironHeaders(environ)
        self.content_length = len(body)
        self._body = body

    def get_data(self, cache: bool = True) -> bytes:
        """The body."""
        return self._body


class Direct:
    """The WSGI layer."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._app = app
        self._application: WsgiApp = app.wsgi_app
        self._trusts_ids = settings.server.trusted_proxies > 0
        self._headers = headers_of_every_response(settings)
        self._headers_of_userinfo = [
            ("Content-Type", "application/json"),
            ("Cache-Control", "no-store"),
            origins.VARIES,
            *self._headers,
        ]

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer, or let the application answer."""
        path = environ["PATH_INFO"]
        # Scripts in browsers state their origin, which the application answers by its rules.
        if "HTTP_HOST" in environ and "HTTP_ORIGIN" not in environ and LEFT_OUT not in environ:
            if path in USERINFO and _asks_with_header(environ):
                return self._userinfo(environ, start_response)
            if (endpoint := ENDPOINTS.get(path)) and _is_plain_form(environ):
                return self._back_channel(endpoint, environ, start_response)
        return self._application(environ, start_response)

    def _userinfo(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """The claims of a good token; every refusal is the view's."""
        try:
            with self._app.app_context():
                only_reads()
                enter(PROTOCOL)
                claims = claims_of(services.bearer.access(environ["HTTP_AUTHORIZATION"][7:].strip()))
        except PortalError:
            return self._application(environ, start_response)
        except Exception as error:  # noqa: BLE001 as for the back channel
            return self._failed(environ, error)(environ, start_response)
        body = f"{json.dumps(claims, sort_keys=True, separators=(',', ':'))}\n".encode()
        length = ("Content-Length", str(len(body)))
        start_response("200 OK", [*self._headers_of_userinfo, length, (logs.HEADER, self._request_id(environ))])
        return [body]

    def _back_channel(self, endpoint: str, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """What the endpoint says."""
        announced = int(environ["CONTENT_LENGTH"])
        body = environ["wsgi.input"].read(announced)
        if len(body) != announced:
            environ["wsgi.input"] = io.BytesIO(body)  # the sender left in the middle, which Flask knows to say
            return self._application(environ, start_response)
        try:
            with self._app.app_context():
                enter(PROTOCOL)
                g.request_id = self._request_id(environ)
                address, agent = environ.get("REMOTE_ADDR", ""), environ.get("HTTP_USER_AGENT", "")
                g.caller = Caller(address, agent, request_id=g.request_id)
                server = cast(PortalAuthorizationServer, self._app.extensions["authorization_server"])
                answer = server.respond(endpoint, PlainRequest(environ, body))
                settle(answer.status)
                request_id = g.request_id
        except Exception as error:  # noqa: BLE001 Flask's handlers answer it, as they do for the view
            environ["wsgi.input"] = io.BytesIO(body)
            return self._failed(environ, error)(environ, start_response)
        varies = [origins.VARIES] if endpoint in FOR_BROWSERS else []
        length = ("Content-Length", str(len(answer.body)))
        headers = [*answer.headers, *varies, *self._headers, length, (logs.HEADER, request_id)]
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", headers)
        return [answer.body]

    def _failed(self, environ: dict[str, Any], error: Exception) -> Response:
        with self._app.request_context(environ):
            self._app.preprocess_request()
            return self._app.finalize_request(self._app.handle_user_exception(error), from_error_handler=True)

    def _request_id(self, environ: dict[str, Any]) -> str:
        return logs.request_id(environ.get("HTTP_X_REQUEST_ID", ""), is_trusted=self._trusts_ids)


def _asks_with_header(environ: dict[str, Any]) -> bool:
    return (
        environ["REQUEST_METHOD"] == "GET"
        and not environ["QUERY_STRING"]
        and environ.get("HTTP_AUTHORIZATION", "")[:7] == "Bearer "
    )


def _is_plain_form(environ: dict[str, Any]) -> bool:
    length = environ.get("CONTENT_LENGTH", "")
    return (
        environ["REQUEST_METHOD"] == "POST"
        and environ.get("CONTENT_TYPE") == FORM
        and length.isascii()
        and length.isdigit()
        and int(length) <= LONGEST_BODY
        and "HTTP_TRANSFER_ENCODING" not in environ
    )


def configure(app: Flask, settings: Settings) -> None:
    """Put the layer in front of ``app``."""
    app.wsgi_app = Direct(app, settings)  # type: ignore[method-assign]
