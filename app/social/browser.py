"""The browser that is on its way to a provider and back, known by a cookie of its own.

Not by the session: whoever comes in has none yet, and another tab may log somebody in meanwhile.
"""

from flask import g, request
from werkzeug import Response

from app.services.foundation.environment import random_token
from app.web.cookies import PROVIDER_BROWSER, cookie_name
from app.wiring import services

LIFE_SECONDS = 86400


def this_browser() -> str:
    """What names the browser of this request; empty where it has not been on its way before."""
    if "provider_browser" in g:
        return str(g.provider_browser)
    value = request.cookies.get(cookie_name(services.settings, PROVIDER_BROWSER), "")
    return value if 40 <= len(value) <= 64 else ""


def named_browser() -> str:
    """As :func:`this_browser`, with a new name where it has none; :func:`keep_name` tells it."""
    g.provider_browser = this_browser() or random_token(256)
    return str(g.provider_browser)


def keep_name(response: Response) -> Response:
    """Have the browser keep its name for a day. It comes back from another site's page, so the cookie is Lax."""
    response.set_cookie(
        cookie_name(services.settings, PROVIDER_BROWSER),
        named_browser(),
        max_age=LIFE_SECONDS,
        secure=services.settings.is_https,
        httponly=True,
        samesite="Lax",
        path="/",
    )
    return response
