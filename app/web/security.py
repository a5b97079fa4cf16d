"""What every response carries and every request passes: headers, CSP, size and address limits."""

import re
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar, cast
from urllib.parse import urlencode, urlsplit

from flask import Flask, Response, abort, current_app, g, has_request_context, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from app.database import NOBODY
from app.errors import TooManyAttempts
from app.services.foundation.environment import Caller
from app.services.record.tally import Fact
from app.settings import Settings
from app.web import origins
from app.web.protocol.paths import within_protocol
from app.wiring import services

UNLIMITED = re.compile(
    r"/static/|/photos/|/health\Z|/ready\Z|/(api/oauth/)?\.well-known/|/bootstrap/|/password-strength\Z"
    r"|/api/v1/quota(/|\Z)|/api/v1/billing/webhook\Z"
)
"""What has no limit, or one of its own: backends ask about everybody from one address, as payment providers do."""
UNLIMITED_WHEN_AUTHENTICATED = frozenset({"token", "userinfo", "introspect", "revoke", "token/validate"})
"""Of the protocol."""

SECRET = frozenset({"token", "code"})
"""Parameters of addresses by which mails and providers send people here."""

View = TypeVar("View", bound=Callable[..., object])
_ANSWERS_LIMITS = "answers_limits"


def answers_limits(view: View) -> View:
    """Mark a view that says itself, in a way of its own, that there were too many requests: :func:`over_limit`."""
    setattr(view, _ANSWERS_LIMITS, True)
    return view


def over_limit() -> TooManyAttempts | None:
    """What speaks against the request, in a view that answers limits itself."""
    return cast("TooManyAttempts | None", g.get("over_limit"))


def configure(app: Flask, settings: Settings) -> None:
    """Install the request guards and response headers."""
    of_every_response = headers_of_every_response(settings)

    def finish(response: Response) -> Response:
        settle(response.status_code)
        response.headers.extend(of_every_response)
        if g.get("withholds_address"):
            response.headers["Referrer-Policy"] = "no-referrer"
        return _add_headers(response)

    app.before_request(_begin)
    app.after_request(finish)


def headers_of_every_response(settings: Settings) -> list[tuple[str, str]]:
    """The headers no response goes without."""
    # same-origin rather than no-referrer: with the latter browsers send «Origin: null» with our own forms.
    headers = [("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "same-origin")]
    # Whether hosts beside and below are bound as well is not for one of them to say.
    if settings.is_https and settings.server.hsts:
        headers.append(("Strict-Transport-Security", settings.server.hsts))
    return headers


def caller() -> Caller:
    """Where the current request came from."""
    if "caller" not in g:
        address, agent = request.remote_addr or "", request.headers.get("User-Agent", "")
        g.caller = Caller(address, agent, request_id=g.get("request_id", ""))
    return cast(Caller, g.caller)


def call_by(administrator_id: str, user_id: str) -> None:
    """Have what is done in this request go on record as done by an administrator who acts as that person.

    Where the administrator is does not stand there: it would be kept, shown and exported as the person's.
    """
    g.caller = replace(caller().unlocated(), actor=administrator_id, user_id=user_id)


def sender() -> str:
    """Who counts as one for limits by address: an IPv4 address, or a network of IPv6."""
    address = request.remote_addr or "" if has_request_context() else caller().ip_address
    return services.rate_limits.sender(address)


def csp_nonce() -> str:
    """The nonce of this response's own scripts."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return str(g.csp_nonce)


def allow_framing(origin: str) -> None:
    """Let one validated origin frame this response (silent login), and no other."""
    g.framing_origin = origin


def allow_frames_of_own() -> None:
    """Let this page hold frames of the portal itself."""
    g.may_hold_frames = True


def isolate(policy: str) -> None:
    """Set the cross-origin opener policy of this response; pages of a popup keep ``unsafe-none``."""
    g.opener_policy = policy


def quarantine() -> None:
    """Show this response, a document in a frame of our own page, without script, origin and anything loaded."""
    g.is_quarantined = True
    allow_framing("'self'")


def withhold_address() -> None:
    """Tell nobody the address of this page, which holds a secret; its own forms then arrive with «Origin: null»."""
    g.withholds_address = True


def safe_path(target: str | None) -> str:
    """``target`` if it is a path of the portal itself, else ``/``."""
    if not target or not re.match(r"/(?![/\\])[!-\[\]-~]*\Z", target):
        return "/"
    parts = urlsplit(target)
    return target if not parts.scheme and not parts.netloc else "/"


def stand_at(address: str) -> None:
    """What is shown has an address of its own: the one asked for holds a secret, or must not be asked again."""
    g.page_address = address


def page_at_hand() -> str:
    """The address of what is shown, without what is secret in it: of a form that was sent, where it stood.

    That is its own address or one above it. What it answers can be asked for again.
    """
    if "page_address" in g:
        return str(g.page_address)
    path = request.path
    if request.method in {"GET", "HEAD"} or _is_page(path):
        if not SECRET & set(request.args):
            return request.full_path.rstrip("?")
        query = [(name, value) for name, value in request.args.items(multi=True) if name not in SECRET]
        return f"{path}?{urlencode(query)}" if query else path
    while path and not _is_page(path):
        path = path.rpartition("/")[0]
    return path or "/"


def _is_page(path: str) -> bool:
    try:
        return bool(current_app.create_url_adapter(request).match(path, method="GET"))  # type: ignore[union-attr]
    except (HTTPException, RequestRedirect):
        return False


def _begin() -> None:
    # What a view needs to reach is said by its blueprint or by itself.
    services.db.enter(NOBODY)
    path = request.path
    # RFC 9112 section 3.2
    if "HTTP_HOST" not in request.environ and request.environ.get("SERVER_PROTOCOL") == "HTTP/1.1":
        abort(400)
    # PostgreSQL's text has no NUL, and no honest form or link does.
    query = request.environ.get("QUERY_STRING", "")
    if ("%00" in query or "\x00" in query) and not origins.is_protocol_path():
        abort(400)
    origins.require_known()
    if origins.is_preflight():
        return
    if within_protocol(path) not in UNLIMITED_WHEN_AUTHENTICATED and not UNLIMITED.match(path):
        _count_request()


def count_request() -> None:
    """Count a request of its address; raises :class:`TooManyAttempts`."""
    services.rate_limits.hit("request", services.settings.limits.default, sender(), must_count=False)


def _count_request() -> None:
    try:
        count_request()
    except TooManyAttempts as refusal:
        if not hasattr(current_app.view_functions.get(request.endpoint or ""), _ANSWERS_LIMITS):
            raise
        services.tally.count(Fact.DENIAL, "page", refusal.code)
        g.over_limit = refusal


def settle(status: int) -> None:
    """One commit per request, before its answer leaves; an error takes everything back."""
    if status < 400:
        services.db.commit()
    else:
        services.db.rollback()


def _add_headers(response: Response) -> Response:
    headers, path = response.headers, request.path
    # Nothing of a redirect is shown or run.
    if response.mimetype == "text/html" and not 300 <= response.status_code < 400:
        _add_page_headers(response)
    is_file = path.startswith(("/static/", "/bootstrap/"))
    # A refusal is said anew each time, also where what is asked for may be kept.
    if response.status_code >= 400 or ("Cache-Control" not in headers and not is_file):
        headers["Cache-Control"] = "no-store"
    origins.add_headers(response)
    return response


def _add_page_headers(response: Response) -> None:
    framing = g.get("framing_origin")
    own, ancestors = "'self'", framing or "'none'"
    sources = [
        "default-src 'none'",
        f"script-src {own} 'nonce-{csp_nonce()}'",
        f"style-src {own}",
        f"img-src {own} data:",
        f"font-src {own}",
        f"connect-src {own}",
        "base-uri 'none'",
        "object-src 'none'",
        f"frame-ancestors {ancestors}",
    ]
    if g.get("may_hold_frames"):
        sources.append(f"frame-src {own}")
    if g.get("is_quarantined"):
        rules = "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
        sources = ["default-src 'none'", rules, "sandbox allow-popups allow-popups-to-escape-sandbox"]
    # No form-action: Chromium applies it to the redirect after the form as well, which leads to the client.
    response.headers["Content-Security-Policy"] = "; ".join(sources)
    if not framing:
        response.headers["X-Frame-Options"] = "DENY"
    response.headers["Cross-Origin-Opener-Policy"] = g.get("opener_policy", "unsafe-none")
    response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
