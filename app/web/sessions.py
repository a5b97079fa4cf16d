"""The single sign-on sessions as Flask sees them: cookie rules, the session of the current request, and the others.

A browser can be logged in as several people. One of them is whoever is there now, by the session cookie; the values of
the others' sessions wait in cookies of their own, those that outlive the browser apart from those that do not.

An administrator who acts as somebody keeps the session cookie, and holds the acting session in a cookie beside it. It
counts as long as it is good and that very session is; then, without anything being put back, the administrator is there
again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from flask import Flask, Request, Response, g, request
from flask import session as form_session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin

from app.errors import ActingForbids
from app.services.people.email_names import fold
from app.services.sessions.owners import is_marked_for, mark_of, marked
from app.services.sessions.policy import ActiveSession
from app.web.cookies import cookie_name, write_cookie
from app.web.origins import reads_no_cookie
from app.web.security import caller
from app.wiring import services

UNDECIDED = object()
MOST_ACCOUNTS = 5
"""How many people one browser can be logged in as; a further one ends the session not used for longest."""
SEPARATOR = "."
LONGEST = 100
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

    def __contains__(self, key: object) -> bool:
        """Whether it is there. The secret of forms of somebody else than who is here by now is not."""
        return super().__contains__(key) and not (key == FORM_SECRET and _is_of_another(super().__getitem__(key)))


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
    # Nobody who acts as somebody can prove to be that person.
    return session is not None and not session.acting and services.clock() - session.authenticated_at <= life


def has_other_accounts() -> bool:
    """Whether others may be logged in here; they are not looked up."""
    return not is_acting() and any(name in request.cookies for name in _names_of_others())


def begin_session(user_id: str, *, remember: bool, identity_id: str | None = None) -> str:
    """Log a person in beside those who are: a new cookie value, a new form secret. Answers the session's public id.

    ``identity_id`` is by which identity at a provider the person came in, if by one. Who was logged in here already
    keeps the session.
    """
    _require_own()
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
    _require_own()
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
    changes for the browser. While somebody is acted as there is nobody else.
    """
    current = current_session()
    if is_acting() or not (user_id or email) or (current and _is_meant(current, user_id, email)):
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
    _require_own()
    active = current_session()
    if active and (token := services.sessions.rotate(active)):
        _go_on_with(token, _cookie_seconds(active), active.user_id)


def end_session(reason: str) -> None:
    """Log everybody out of this browser: their sessions end with all that hangs on them, and the cookies go.

    Who acts as somebody is logged out as well, with whom they act as.
    """
    own = _own()
    for each in [*([own] if own else []), *_others()]:
        services.sessions.end(each.session.id, reason, caller())
    leave_acting()
    g.other_accounts = []
    g.decides_others = True
    _go_on_with(None, None)


def end_one(session_id: str, reason: str) -> None:
    """Log one of those who are logged in here out, and nobody else."""
    _require_own()
    accounts, current = _accounts(), _current()
    ended = next((each for each in accounts if each.session.id == session_id), None)
    if ended is None:
        return
    services.sessions.end(ended.session.id, reason, caller())
    _keep([each for each in accounts if each not in (ended, current)])
    if ended is current:
        _go_on_with(None, None)


def is_acting() -> bool:
    """Whether who is here is an administrator who acts as somebody."""
    session = current_session()
    return session is not None and session.acting is not None


def holds_acting() -> bool:
    """Whether the browser sent the cookie of an acting session, good or not."""
    return _name_of_acting() in request.cookies


def act(token: str) -> None:
    """From now on an administrator acts as the person of the acting session of this value."""
    _require_own()
    _hold_acting(token)


def leave_acting() -> None:
    """From now on nobody is acted as here: whoever did is there as themself."""
    if g.get("acting_token") or holds_acting():
        _hold_acting("")


def kept_drafts(form_session: SessionMixin) -> dict[str, tuple[str, str]]:
    """What the form session holds of :mod:`app.web.drafts`: an id, and whose it is, for each page."""
    return {page: (draft_id, mark) for page, (draft_id, mark) in form_session.get(DRAFTS, {}).items()}


def _who_is_here() -> str | None:
    session = None if "names_nobody" in g else current_session()
    return session.user_id if session else None


def _is_of_another(secret: str) -> bool:
    """Whether forms bear the mark of somebody, and somebody else is here: acting as one ends by itself."""
    mark, user_id = mark_of(secret), _who_is_here()
    return bool(mark and user_id) and not is_marked_for(mark, user_id)


def _require_own() -> None:
    """Raise :class:`ActingForbids` where somebody is acted as, in whose name nobody logs in or out."""
    if is_acting():
        raise ActingForbids


def _current() -> Account | None:
    if "current_account" not in g:
        own = _own()
        g.current_account = (_acted_as(own) if own else None) or own
    return cast(Account | None, g.current_account)


def _acted_as(own: Account) -> Account | None:
    """The acting session that hangs on this one; of one that is over nothing is left."""
    token = g.get("acting_token", request.cookies.get(_name_of_acting(), ""))
    if not token:
        return None
    found = _resolved(token, is_acting=True)
    if found and (acting := found.session.acting):
        if (acting.session_id, acting.administrator_id) == (own.session.id, own.session.user_id):
            _touch(found)
            return found
    elif len(token) <= LONGEST:
        services.acting.close(token)
    _hold_acting("")
    return None


def _hold_acting(token: str) -> None:
    _renew_forms(None)
    g.acting_token = token
    _ask_anew("current_account")


def _name_of_acting() -> str:
    return cookie_name(services.settings, "acting")


def _touch(account: Account) -> None:
    if services.sessions.needs_touch(account.session):
        with services.db.reaching_as_protocol():
            services.sessions.touch(account.session)


def _own() -> Account | None:
    """The session of the session cookie, whoever its person acts as."""
    if "own_account" not in g:
        token = g.get("session_token")
        if token is None:
            token = request.cookies.get(cookie_name(services.settings), "")
        if found := _resolved(token):
            _touch(found)
        g.own_account = found
    return cast(Account | None, g.own_account)


def _others() -> list[Account]:
    """Who else is logged in here; asked only where it matters, for each is looked up."""
    if "other_accounts" not in g:
        current = _own()
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
    if current is None or current.session.acting:
        return [current] if current else list(_others())
    return [current, *_others()]


def _other_tokens() -> list[str]:
    kept = (request.cookies.get(name, "") for name in _names_of_others())
    return [token for value in kept for token in value.split(SEPARATOR, MOST_ACCOUNTS)[: MOST_ACCOUNTS - 1]]


def _names_of_others() -> tuple[str, str]:
    """The cookie of those who are logged in until the browser closes, and of those who are remembered."""
    return cookie_name(services.settings, "accounts"), cookie_name(services.settings, "accounts_kept")


def _resolved(token: str, *, is_acting: bool = False) -> Account | None:
    """The good session of this value: where one of a person is meant none in which somebody acts, and the reverse."""
    if not 20 <= len(token) <= LONGEST:
        return None
    with services.db.reaching_as_protocol():
        session = services.sessions.resolve(token)
        return Account(token, session) if session and bool(session.acting) == is_acting else None


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
    _renew_forms(user_id)
    g.session_token = token or ""
    g.session_cookie = (token, seconds) if token else None
    _ask_anew("current_account", "own_account")


def _ask_anew(*kept: str) -> None:
    """Have it found out again who is there, by Flask-Login as well."""
    for name in (*kept, "_login_user"):
        g.pop(name, None)


def _renew_forms(user_id: str | None) -> None:
    """Forms of whoever was here are good no more."""
    drafts = kept_drafts(form_session)
    form_session.clear()
    # What this very person typed before the session ended is still theirs.
    if own := {page: draft for page, draft in drafts.items() if user_id and is_marked_for(draft[1], user_id)}:
        form_session[DRAFTS] = own


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
        write_cookie(response, cookie_name(services.settings), token, seconds)
    if "acting_token" in g:
        # Without an age: the end is said by the row, and a browser's clock may be wrong.
        write_cookie(response, _name_of_acting(), g.acting_token, None)
    if g.get("decides_others"):
        for name, is_kept in zip(_names_of_others(), (False, True), strict=True):
            held = [each for each in g.other_accounts if each.session.is_remembered == is_kept]
            if held or name in request.cookies:
                ages = [_cookie_seconds(each.session) or 0 for each in held]
                write_cookie(response, name, SEPARATOR.join(each.token for each in held), max(ages, default=0) or None)
    return response
