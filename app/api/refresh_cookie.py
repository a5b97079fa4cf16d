"""The cookie that holds the refresh token, which appears nowhere else: in no body, no address, no log."""

from typing import Any

from flask import Response, g, request

from app.settings import Settings
from app.wiring import services

UNDECIDED = object()
_DECIDED = "refresh_cookie"


def name(settings: Settings) -> str:
    """The cookie's name; ``__Host-`` on https binds it to this very host."""
    return "__Host-portal_refresh" if settings.is_https else "portal_refresh"


def presented() -> str:
    """The refresh token the browser sent, or nothing."""
    return request.cookies.get(name(services.settings), "")


def keep(token: str, seconds: int) -> None:
    """Give the browser this token with the answer, for as long as it is good."""
    setattr(g, _DECIDED, (token, seconds))


def drop() -> None:
    """Take the cookie away with the answer."""
    setattr(g, _DECIDED, None)


def write(response: Response) -> Response:
    """Do what the request decided on, unless it failed."""
    decided = g.get(_DECIDED, UNDECIDED)
    if decided is UNDECIDED or response.status_code >= 400:
        return response
    settings = services.settings
    rules: dict[str, Any] = {"secure": settings.is_https, "httponly": True, "path": "/", "samesite": "Lax"}
    if decided is None:
        response.delete_cookie(name(settings), **rules)
    else:
        token, seconds = decided
        response.set_cookie(name(settings), token, max_age=seconds, **rules)
    return response
