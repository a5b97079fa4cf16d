"""What a browser keeps of its person's choices, such as language and theme: a year, for this portal's pages alone."""

from werkzeug import Response

from app.wiring import services

YEAR = 31536000


def keep_choice(response: Response, name: str, value: str) -> None:
    """Have the browser send the cookie ``name`` with ``value`` from now on."""
    response.set_cookie(
        name, value, max_age=YEAR, samesite="Lax", secure=services.settings.is_https, httponly=True, path="/"
    )
