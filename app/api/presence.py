"""Proving to be there before something sensitive changes: by the password or, without one, by a login a moment ago."""

from datetime import timedelta

from app.api.bearer import Person
from app.errors import InvalidFields, InvalidInput, PortalError, WrongCredentials
from app.web.devices import device_token
from app.web.security import caller
from app.wiring import services

FIELD = "current_password"
MISSING = "This is required."


class ReauthenticationRequired(PortalError):
    """The session's last login is too long ago, and no password came in its place."""

    status, code = 403, "reauthentication_required"
    message = "Log in again in this session, and repeat the request within a few minutes."


def prove_presence(person: Person, password: str) -> None:
    """Make sure that it is still this very person, by the password if there is one.

    Raises :class:`InvalidInput` (``current_password``) for a wrong password or none where there is one,
    :class:`ReauthenticationRequired` where there is none, and ``TooManyAttempts``.
    """
    if password:
        _check(person, password)
    else:
        require_recent_login(person)


def prove_presence_lately(person: Person, password: str) -> None:
    """Make sure that it is still this very person, as the pages of the account do: a login of a moment ago will do.

    Raises as :func:`prove_presence` does.
    """
    if password:
        _check(person, password)
    elif not _has_just_logged_in(person):
        raise ReauthenticationRequired


def require_recent_login(person: Person) -> None:
    """What stands for the password of an account without one; with one the password itself is required."""
    if services.accounts.has_password(person.id):
        raise InvalidFields({FIELD: MISSING})
    if not _has_just_logged_in(person):
        raise ReauthenticationRequired


def _check(person: Person, password: str) -> None:
    try:
        with services.attempts.guess("login", person.subject.email, caller(), device_token()):
            services.accounts.confirm(person.id, password, caller())
    except WrongCredentials as refusal:
        # 401 would say that the access token is not good.
        raise InvalidInput(refusal.message, FIELD) from refusal


def _has_just_logged_in(person: Person) -> bool:
    life = timedelta(seconds=services.settings.accounts.confirmation_seconds)
    at = services.sessions.authenticated_at(person.id, person.session_id)
    return at is not None and services.clock() - at <= life
