"""What people see whose browser sends cookies that are too large to be read, and how they get out of it.

Below the application such a request is refused before anybody sees it (RFC 6585 section 5), so the server leaves the
cookies out and marks it. Only the portal's own cookies are taken away, each by its name: those that other programs of
the host or its domain set are theirs.
"""

from collections.abc import Iterable

from flask import Flask, Response, g, request

from app.errors import sentence
from app.languages import gettext as _
from app.server.cookies import LEFT_OUT
from app.settings import Settings
from app.web import error_pages

MESSAGE = sentence(
    "Your browser sent more cookies than can be read here. The cookies of this service have been removed, so you may "
    "have to log in again. If this page comes back, remove the cookies of this address in your browser's settings."
)

FILES = {"static", "bootstrap.static"}
"""What the page looks like comes from these, with the same cookies, which decide nothing there."""


def configure(app: Flask, settings: Settings, names: Iterable[str]) -> None:
    """Answer marked requests before anything else looks at them; ``names`` are those of the portal's own cookies."""
    own = tuple(names)
    same_site = settings.session.same_site if settings.is_https else "Lax"

    def clear(response: Response) -> Response:
        if _is_refused() and not error_pages.wants_json():
            for name in own:
                response.delete_cookie(name, path="/", secure=settings.is_https, httponly=True, samesite=same_site)
        return response

    app.before_request(_refuse)
    app.after_request(clear)


def _is_refused() -> bool:
    return LEFT_OUT in request.environ and request.endpoint not in FILES


def _refuse() -> Response | None:
    if not _is_refused():
        return None
    g.names_nobody = True
    # The same address again: whatever the person was doing goes on there.
    actions = [error_pages.Action(_("Try again"), ""), error_pages.Action(_("Go to the start page"), "/")]
    return error_pages.answer(431, "invalid_request", MESSAGE, actions=actions)
