"""Logging in and out, and going on: what sets and takes away cookies."""

from app.api import bearer, refresh_cookie
from app.api.models import (
    AccessToken,
    Credentials,
    LoggedOut,
    LoggedOutEverywhere,
    Logout,
    RegisteredUser,
    Registration,
)
from app.api.operations import Access, Routes
from app.api.people import described
from app.errors import ProtocolRefusal
from app.languages import current_language
from app.services.grants.first_party import LOGOUT, SCOPES, Ended, Holder
from app.services.tokens.tokens import InvalidToken, TokenAnswer
from app.web.devices import admit_device, device_token
from app.web.security import caller
from app.web.sessions import begin_session, current_session, end_session
from app.wiring import services

routes = Routes("Logging in and out")
KIND = "Bearer"
EVERYWHERE = "You are logged out on all devices."


@routes("POST", "/register", Access.CREDENTIALS, body=Registration, answer=RegisteredUser, status=201)
def register(body: Registration) -> RegisteredUser:
    """Make an account and log in.

    A mail with a link that proves the address is on its way.
    """
    services.attempts.count("register", body.email, caller(), device_token())
    language = current_language()
    user_id = services.accounts.register(body.email, body.full_name, body.password, language, caller())
    services.email_addresses.send_verification(user_id, language)
    issued = _begun(user_id, remember=False)
    subject = services.claims.subject(user_id)
    if subject is None:
        raise InvalidToken
    return RegisteredUser(**_token(issued).model_dump(), user=described(subject, SCOPES))


@routes("POST", "/login", Access.CREDENTIALS, body=Credentials, answer=AccessToken, refusals=(401,))
def login(body: Credentials) -> AccessToken:
    """Log in: an access token in the answer, the refresh token in a cookie.

    It is the same login as that of the page: applications that ask for this person next get an answer without a page.
    An unknown account and a wrong password are answered alike, and in the same time.
    """
    with services.attempts.guess("login", body.email, caller(), device_token()):
        user_id = services.accounts.authenticate(body.email, body.password, caller())
    return _token(_begun(user_id, remember=body.remember))


@routes("POST", "/refresh", Access.COOKIE, answer=AccessToken, refusals=(401,))
def refresh() -> AccessToken:
    """A new access token, and a new refresh token in the cookie.

    A refresh token is good once. When its answer was lost, or two windows ask at once, the same successor is given for
    ten seconds, twice at most; a window that comes third is refused with `invalid_grant` and may ask again with the
    cookie it has by then. Any other second use ends all tokens of this login.
    """
    if not (presented := refresh_cookie.presented()):
        raise bearer.NoToken
    current_session()  # the browser is used: its session goes on
    try:
        issued = services.first_party.renew(presented, caller())
    except ProtocolRefusal as refusal:
        # Here it is the cookie that says who asks.
        raise ProtocolRefusal(refusal.code, refusal.message, 401) from refusal
    refresh_cookie.keep(issued.refresh_token or "", issued.refresh_expires_in or 0)
    return _token(issued)


@routes("POST", "/logout", Access.ANY, body=Logout, answer=LoggedOut, refusals=(401,), clears_site=True)
def logout(body: Logout) -> LoggedOut:
    """End the session, with its tokens in all applications.

    It is the session of the access token, of the refresh token's cookie, of the browser, or of the refresh token that
    is sent. Where there is none, nothing is left to end and that is no error.
    """
    proven = _proven(body.refresh_token)
    if body.logout_all_devices:
        return LoggedOut(message=EVERYWHERE, logout_all_devices=True, timestamp=_ended_everywhere(proven).at)
    for user_id in dict.fromkeys(user_id for user_id, _ in proven):
        services.first_party.end(user_id, [session for owner, session in proven if owner == user_id], caller())
    _forget()
    return LoggedOut(message="You are logged out.", logout_all_devices=False, timestamp=services.clock())


@routes("POST", "/logout/all", Access.ANY, answer=LoggedOutEverywhere, refusals=(401,), clears_site=True)
def logout_all() -> LoggedOutEverywhere:
    """End every session and token of the person, on all devices and in all applications."""
    ended = _ended_everywhere(_proven(None))
    return LoggedOutEverywhere(
        message=EVERYWHERE, tokens_blacklisted=ended.tokens, sessions_invalidated=ended.sessions, timestamp=ended.at
    )


def _begun(user_id: str, *, remember: bool) -> TokenAnswer:
    """The session of a person who just logged in, as the page begins it, and tokens on it."""
    session_id = begin_session(user_id, remember=remember)
    admit_device(user_id)
    issued = services.first_party.begin(user_id, session_id, caller(), replaces=refresh_cookie.presented())
    refresh_cookie.keep(issued.refresh_token or "", issued.refresh_expires_in or 0)
    return issued


def _token(issued: TokenAnswer) -> AccessToken:
    return AccessToken(access_token=issued.access_token, token_type=KIND, expires_in=issued.expires_in)


def _proven(sent: str | None) -> list[tuple[str, str]]:
    """Whom the request proves to come from, and which sessions of theirs, the surest first.

    Raises what speaks against the access token when it was all there is.
    """
    found: list[tuple[str, str]] = []
    problem: InvalidToken | None = None
    if bearer.is_presented():
        try:
            person = bearer.person()
            found.append((person.id, person.session_id))
        except InvalidToken as refusal:
            problem = refusal
    if cookie := services.first_party.holder(refresh_cookie.presented()):
        found.append((cookie.user_id, cookie.session_id))
    if active := current_session():
        found.append((active.user_id, active.id))
    # What was sent along with proof of somebody else ends nothing.
    if (holder := _sent_by(sent)) and (not found or found[0][0] == holder.user_id):
        found.append((holder.user_id, holder.session_id))
    if problem and not found:
        raise problem
    return found


def _sent_by(token: str | None) -> Holder | None:
    """Whose the refresh token in the body is; only those of first-party clients count."""
    if not (holder := services.first_party.holder(token or "")):
        return None
    client = services.clients.find(holder.client_id)
    return holder if client is not None and client.is_first_party else None


def _ended_everywhere(proven: list[tuple[str, str]]) -> Ended:
    if not proven:
        raise bearer.NoToken
    ended = services.first_party.end_everything(proven[0][0], caller())
    _forget()
    return ended


def _forget() -> None:
    """Take the browser's sessions and its refresh token away."""
    end_session(LOGOUT)
    refresh_cookie.drop()
