"""The single sign-on sessions as Flask sees them: cookie rules, the session of the current request, and the others.

A browser can be logged in as several people. One of them is whoever is there now, by the session cookie; the values of
the others' sessions wait in cookies of their own, those that outlive the browser apart from those that do not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from flask import Flask, Request, Response, g, request
from flask import session as form_session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin

from app.services.people.email_names import fold
from app.services.sessions.owners import is_marked_for, marked
from app.services.sessions.sessions import ActiveSession
from app.settings import Settings
from app.web.origins import reads_no_cookie
from app.web.security import caller
from app.wiring import services

UNDECIDED = object()
MOST_ACCOUNTS = 5
"""How many people one browser can be logged in as; a further one ends the session not used for longest."""
SEPARATOR = "."
FORM_SECRET, DRAFTS = "csrf_token", "drafts"


@dataclass(frozen=True, slots=True)
class Account:
    """A good session this browser holds, with the value that names it."""

    token: str
    session: ActiveSession


class FormSession(SecureCookieSession):
    """Flask's signed cookie, which holds the secret of forms, and what one step of logging in leaves for the next."""

    def get(self, key: str, default: Any = None) -> Any:
        """A value of the cookie. Flask-Login looks here for whether a login is fresh, which is asked of the row."""
        return is_fresh() if key == "_fresh" else super().get(key, default)

    def __setitem__(self, key: str, value: Any) -> None:
        """Keep a value. The secret that Flask-WTF makes for forms is marked as that of who is logged in."""
        super().__setitem__(key, marked(value, _who_is_here()) if key == FORM_SECRET else value)


class FormSessions(SecureCookieSessionInterface):
    """Reads and writes it; programs send none, so for them nothing is done."""

    session_class = FormSession

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """The values of the cookie, if there is one and it counts."""
        if "HTTP_COOKIE" not in request.environ or reads_no_cookie():
            return self.session_class()
        if self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Write the cookie, unless the request has failed: then nothing happened, and its form can be sent again."""
        if response.status_code < 500:
            super().save_session(app, session, response)
        # The last that is done to an answer: one that sets a cookie, whoever decided on it, is one browser's alone.
        if "Set-Cookie" in response.headers and not response.cache_control.no_store:
            response.headers["Cache-Control"] = "no-store"


def configure(app: Flask) -> None:
    """Write the cookies a request decided on."""
    app.after_request(_write_cookies)


def cookie_name(settings: Settings, of: str = "session") -> str:
    """The name of the cookie of the session, or ``of`` the others; ``__Host-`` on https binds it to this very host."""
    return f"__Host-portal_{of}" if settings.is_https else f"portal_{of}"


def current_session() -> ActiveSession | None:
    """The session the request's cookie names, if it is good; its use goes on record now and then."""
    account = _current()
    return account.session if account else None


def open_sessions() -> list[ActiveSession]:
    """All this browser is logged in with: the current one, then the others, the latest used first."""
    return [each.session for each in _accounts()]


def is_fresh() -> bool:
    """Whether somebody is logged in who typed the password less than ``REAUTHENTICATION_SECONDS`` ago."""
    session = current_session()
    life = timedelta(seconds=services.settings.accounts.confirmation_seconds)
    return session is not None and services.clock() - session.authenticated_at <= life


def has_other_accounts() -> bool:
    """Whether others may be logged in here; they are not looked up."""
    return any(name in request.cookies for name in _names_of_others())


def begin_session(user_id: str, *, remember: bool, identity_id: str | None = None) -> str:
    """Log a person in beside those who are: a new cookie value, a new form secret. Answers the session's public id.

    ``identity_id`` is by which identity at a provider the person came in, if by one. Who was logged in here already
    keeps the session.
    """
    accounts = _accounts()
    known = next((each for each in accounts if each.session.user_id == user_id), None)
    session_id, token = services.sessions.start(
        user_id,
        caller(),
        remember=remember,
        replaces=known.session if known else None,
        identity_id=identity_id,
    )
    _keep([each for each in accounts if each is not known])
    days = services.settings.session.remember_days if remember else 0
    _go_on_with(token, days * 86400 or None, user_id)
    return session_id


def use_session(session_id: str) -> bool:
    """Go on as another of those who are logged in here; answers whether one of that session is."""
    accounts = _accounts()
    chosen = next((each for each in accounts if each.session.id == session_id), None)
    if chosen is None:
        return False
    if chosen is not _current():
        _keep([each for each in accounts if each is not chosen])
        _go_on_with(chosen.token, _cookie_seconds(chosen.session), chosen.session.user_id)
    return True


def session_for(user_id: str | None, email: str | None, *, is_silent: bool) -> ActiveSession | None:
    """The session that answers an application which may have hinted at whom it wants, by id or else by e-mail.

    If that is one of the others who are logged in here, the browser goes on as that one; with ``is_silent`` nothing
    changes for the browser.
    """
    current = current_session()
    if not (user_id or email) or (current and _is_meant(current, user_id, email)):
        return current
    found = next((each for each in _others() if _is_meant(each.session, user_id, email)), None)
    if found is None:
        return current
    if not is_silent:
        use_session(found.session.id)
    elif services.sessions.needs_touch(found.session):
        services.sessions.touch(found.session)
    return found.session


def rotate_session() -> None:
    """Give the current session a new cookie value and forms a new secret, after a change of what the person may do."""
    active = current_session()
    if active and (token := services.sessions.rotate(active)):
        _go_on_with(token, _cookie_seconds(active), active.user_id)


def end_session(reason: str) -> None:
    """Log everybody out of this browser: their sessions end with all that hangs on them, and the cookies go."""
    for each in open_sessions():
        services.sessions.end(each.id, reason, caller())
    g.other_accounts = []
    g.decides_others = True
    _go_on_with(None, None)


def end_one(session_id: str, reason: str) -> None:
    """Log one of those who are logged in here out, and nobody else."""
    accounts, current = _accounts(), _current()
    ended = next((each for each in accounts if each.session.id == session_id), None)
    if ended is None:
        return
    services.sessions.end(ended.session.id, reason, caller())
    _keep([each for each in accounts if each not in (ended, current)])
    if ended is current:
        _go_on_with(None, None)


def kept_drafts(form_session: SessionMixin) -> dict[str, tuple[str, str]]:
    """What the form session holds of :mod:`app.web.drafts`: an id, and whose it is, for each page."""
    return {page: (draft_id, mark) for page, (draft_id, mark) in form_session.get(DRAFTS, {}).items()}


def _who_is_here() -> str | None:
    session = None if "names_nobody" in g else current_session()
    return session.user_id if session else None


def _current() -> Account | None:
    if "current_account" not in g:
        token = g.get("session_token")
        if token is None:
            token = request.cookies.get(cookie_name(services.settings), "")
        found = _resolved(token)
        if found and services.sessions.needs_touch(found.session):
            with services.db.reaching_as_protocol():
                services.sessions.touch(found.session)
        g.current_account = found
    return cast(Account | None, g.current_account)


def _others() -> list[Account]:
    """Who else is logged in here; asked only where it matters, for each is looked up."""
    if "other_accounts" not in g:
        current = _current()
        found: dict[str, Account] = {}
        for token in _other_tokens():
            account = _resolved(token)
            # Two tabs can log the same person in at one time.
            if account and not (current and current.session.user_id == account.session.user_id):
                found.setdefault(account.session.user_id, account)
        g.other_accounts = sorted(found.values(), key=lambda each: each.session.last_used_at, reverse=True)
    return cast(list[Account], g.other_accounts)


def _accounts() -> list[Account]:
    current = _current()
    return [current, *_others()] if current else list(_others())


def _other_tokens() -> list[str]:
    kept = (request.cookies.get(name, "") for name in _names_of_others())
    return [token for value in kept for token in value.split(SEPARATOR, MOST_ACCOUNTS)[: MOST_ACCOUNTS - 1]]


def _names_of_others() -> tuple[str, str]:
    """The cookie of those who are logged in until the browser closes, and of those who are remembered."""
    return cookie_name(services.settings, "accounts"), cookie_name(services.settings, "accounts_kept")


def _resolved(token: str) -> Account | None:
    if not 20 <= len(token) <= 100:
        return None
    with services.db.reaching_as_protocol():
        session = services.sessions.resolve(token)
        return Account(token, session) if session else None


def _is_meant(session: ActiveSession, user_id: str | None, email: str | None) -> bool:
    return session.user_id == user_id if user_id else session.subject.email == fold(email or "")


def _keep(others: Sequence[Account]) -> None:
    """Hold these beside the current one, as far as there is room."""
    for each in others[MOST_ACCOUNTS - 1 :]:
        services.sessions.end(each.session.id, "replaced", caller())
    g.other_accounts = list(others[: MOST_ACCOUNTS - 1])
    g.decides_others = True


def _go_on_with(token: str | None, seconds: int | None, user_id: str | None = None) -> None:
    """From now on the session cookie has this value, that of ``user_id``; forms of the one before are good no more."""
    drafts = kept_drafts(form_session)
    form_session.clear()
    # What this very person typed before the session ended is still theirs.
    if own := {page: draft for page, draft in drafts.items() if user_id and is_marked_for(draft[1], user_id)}:
        form_session[DRAFTS] = own
    g.session_token = token or ""
    g.session_cookie = (token, seconds) if token else None
    g.pop("current_account", None)
    g.pop("_login_user", None)  # Flask-Login asks anew who is there


def _cookie_seconds(session: ActiveSession) -> int | None:
    """How long the cookie of a session outlives the browser."""
    if not session.is_remembered:
        return None
    return max(1, int((session.expires_at - services.clock()).total_seconds()))


def _write_cookies(response: Response) -> Response:
    # A login or logout that has failed has not happened: the browser keeps what it has.
    if response.status_code >= 500:
        return response
    decided = g.get("session_cookie", UNDECIDED)
    if decided is not UNDECIDED:
        token, seconds = cast(tuple[str, int | None], decided or ("", None))
        _write(response, cookie_name(services.settings), token, seconds)
    if g.get("decides_others"):
        for name, is_kept in zip(_names_of_others(), (False, True), strict=True):
            held = [each for each in g.other_accounts if each.session.is_remembered == is_kept]
            if held or name in request.cookies:
                ages = [_cookie_seconds(each.session) or 0 for each in held]
                _write(response, name, SEPARATOR.join(each.token for each in held), max(ages, default=0) or None)
    return response


def _write(response: Response, name: str, value: str, seconds: int | None) -> None:
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
