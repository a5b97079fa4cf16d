"""The single sign-on session as Flask sees it: cookie rules, and the session of the current request."""

from typing import Any

from flask import Flask, Request, Response, g, request
from flask import session as form_session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin

from app.config import Settings
from app.security import caller
from app.services.sessions import ActiveSession
from app.wiring import services

UNDECIDED = object()


class FormSessions(SecureCookieSessionInterface):
    """Flask's signed cookie, which holds the secret of forms alone; programs send none, so for them nothing is done."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """The values of the cookie, if there is one."""
        if "HTTP_COOKIE" not in request.environ or self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Write the cookie, unless the request has failed: then nothing happened, and its form can be sent again."""
        if response.status_code < 500:
            super().save_session(app, session, response)


def configure(app: Flask) -> None:
    """Write the cookie a request decided on."""
    app.after_request(_write_cookie)


def cookie_name(settings: Settings) -> str:
    """The cookie's name; ``__Host-`` on https binds it to this very host."""
    return "__Host-portal_session" if settings.is_https else "portal_session"


def current_session() -> ActiveSession | None:
    """The session the request's cookie names, if it is good; its use goes on record now and then."""
    if "active_session" not in g:
        token = request.cookies.get(cookie_name(services.settings), "")
        found = services.sessions.resolve(token) if 20 <= len(token) <= 100 else None
        if found and services.sessions.needs_touch(found):
            services.sessions.touch(found)
        g.active_session = found
        g.person_timezone = found.subject.timezone if found else None
    return g.active_session


def begin_session(user_id: str, *, remember: bool) -> str:
    """Log a person in: a new cookie value, a new form secret. Answers the session's public id."""
    session_id, token = services.sessions.start(user_id, caller(), remember=remember, replaces=current_session())
    form_session.clear()
    g.session_cookie = (token, remember)
    g.pop("active_session", None)
    return session_id


def rotate_session() -> None:
    """Give the current session a new cookie value and forms a new secret, after a change of what the person may do."""
    active = current_session()
    if active and (token := services.sessions.rotate(active)):
        form_session.clear()
        g.session_cookie = (token, active.is_remembered)


def end_session(reason: str) -> None:
    """Log the browser out: the session ends with all that hangs on it, and the cookie goes."""
    if active := current_session():
        services.sessions.end(active.id, reason, caller())
    form_session.clear()
    g.session_cookie = None
    g.active_session = None


def _write_cookie(response: Response) -> Response:
    decided = g.get("session_cookie", UNDECIDED)
    # A login or logout that has failed has not happened: the browser keeps what it has.
    if decided is UNDECIDED or response.status_code >= 500:
        return response
    settings = services.settings
    name = cookie_name(settings)
    rules: dict[str, Any] = {
        "secure": settings.is_https,
        "httponly": True,
        "path": "/",
        "samesite": settings.session.same_site,
    }
    if decided is None:
        response.delete_cookie(name, **rules)
    else:
        token, remember = decided
        age = settings.session.remember_days * 86400 if remember else None
        response.set_cookie(name, token, max_age=age, **rules)
    return response
