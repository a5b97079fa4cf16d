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
    """The account has no password that could be asked for, and the session's last login is too long ago."""

    status, code = 403, "reauthentication_required"
    message = "Log in again in this session, and repeat the request within a few minutes."


def prove_presence(person: Person, password: str) -> None:
    """Make sure that it is still this very person.

    Raises :class:`InvalidInput` (``current_password``) for a wrong password or none where there is one,
    :class:`ReauthenticationRequired` where there is none, and ``TooManyAttempts``.
    """
    if not password:
        require_recent_login(person)
        return
    try:
        with services.attempts.guess("login", person.subject.email, caller(), device_token()):
            services.accounts.confirm(person.id, password, caller())
    except WrongCredentials as refusal:
        # 401 would say that the access token is not good.
        raise InvalidInput(refusal.message, FIELD) from refusal


def require_recent_login(person: Person) -> None:
    """What stands for the password of an account without one; with one the password itself is required."""
    if services.accounts.has_password(person.id):
        raise InvalidFields({FIELD: MISSING})
    life = timedelta(seconds=services.settings.accounts.confirmation_seconds)
    at = services.sessions.authenticated_at(person.id, person.session_id)
    if at is None or services.clock() - at > life:
        raise ReauthenticationRequired
