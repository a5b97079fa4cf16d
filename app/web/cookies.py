"""What a browser keeps: of sessions, of its person's choices; and what it is told to forget when everybody logs out."""

from typing import Any

from flask import request
from werkzeug import Response

from app.settings import Settings
from app.wiring import services

YEAR = 31536000
PROVIDER_BROWSER = "provider"
"""Of the cookie by which a browser is known that comes back from a provider."""


def cookie_name(settings: Settings, of: str = "session") -> str:
    """The name of the cookie of the session, or ``of`` the others; ``__Host-`` on https binds it to this very host."""
    return f"__Host-portal_{of}" if settings.is_https else f"portal_{of}"


def write_cookie(response: Response, name: str, value: str, seconds: int | None) -> None:
    """Set a cookie that lives until the browser closes or for ``seconds``; an empty value deletes it."""
    settings = services.settings
    rules: dict[str, Any] = {
        "secure": settings.is_https,
        "httponly": True,
        "path": "/",
        "samesite": settings.session.same_site,
    }
    if value:
        response.set_cookie(name, value, max_age=seconds, **rules)
    else:
        response.delete_cookie(name, **rules)


def keep_choice(response: Response, name: str, value: str) -> None:
    """Have the browser send the cookie ``name`` with ``value`` from now on."""
    response.set_cookie(
        name, value, max_age=YEAR, samesite="Lax", secure=services.settings.is_https, httponly=True, path="/"
    )


def clear_site(response: Response) -> None:
    """Have the browser forget its copies of pages and what scripts kept; session cookies go by their names.

    Not all cookies: that of the known browser, the language and the theme are good for the next login, and browsers
    take those of every sibling host along. An operator may want that (``CLEAR_SITE_DATA``).
    """
    if wanted := services.settings.session.clear_site_data:
        response.headers["Clear-Site-Data"] = wanted


def clear_all(response: Response) -> None:
    """As :func:`clear_site`, with the cookies of the portal's own API, which ended with the session, and of what was
    begun with a provider.
    """
    clear_site(response)
    is_secure = services.settings.is_https
    for name in (cookie_name(services.settings, of) for of in ("refresh", PROVIDER_BROWSER)):
        if name in request.cookies:
            response.delete_cookie(name, secure=is_secure, httponly=True, path="/", samesite="Lax")
