"""Whose service token a request bears, and how far it reaches (:rfc:`6750`)."""

from collections.abc import Iterable
from dataclasses import dataclass

from flask import request

from app.errors import Cause, PortalError
from app.services.clients.scopes import FULL_ADMINISTRATION, SERVICE_PREFIX, implied
from app.services.foundation.environment import Caller
from app.services.tokens.tokens import InvalidToken
from app.web.protocol import explanations
from app.web.security import caller
from app.wiring import services

REALM = "MAX Platform"
REFUSED = "Could not validate service credentials"
MISSING = "Missing required scopes: "


class NotAService(PortalError):
    """No token, or one that does not count."""

    status, code, message = 401, "invalid_token", REFUSED

    def __init__(self, *, is_presented: bool) -> None:
        super().__init__()
        self.body = {"detail": REFUSED}
        challenge = f'Bearer realm="{REALM}"'
        if is_presented:
            uri = explanations.of_bearer(self.code, REFUSED, _presented())
            challenge += f', error="{self.code}", error_description="{REFUSED}", error_uri="{uri}"'
        self.headers = {"WWW-Authenticate": challenge}


class OutOfReach(PortalError):
    """The token is good, but lacks the scopes that this needs."""

    status, code = 403, "insufficient_scope"

    def __init__(self, scopes: Iterable[str], granted: Iterable[str] = (), *, is_of_person: bool = False) -> None:
        names = " ".join(scopes)
        super().__init__(MISSING + names)
        check = "token_of_person" if is_of_person else "token_scope"
        cause = Cause(check, {"granted": " ".join(sorted(granted)), "expected": names})
        uri = explanations.of_bearer(self.code, self.message, _presented(), cause)
        self.body = {"detail": MISSING + ", ".join(names.split(" "))}
        challenge = f'Bearer realm="{REALM}", error="insufficient_scope", scope="{names}", error_uri="{uri}"'
        self.headers = {"WWW-Authenticate": challenge}


@dataclass(frozen=True, slots=True)
class Service:
    """The client that asks, and the scopes of its token with what they imply."""

    client_id: str
    scopes: frozenset[str]

    @property
    def caller(self) -> Caller:
        """Who goes on record for what it does."""
        here = caller()
        return Caller(here.ip_address, here.user_agent, self.client_id, here.request_id)

    def require(self, scopes: Iterable[str]) -> None:
        """Raise :class:`OutOfReach` unless the token has all of these."""
        if missing := [scope for scope in scopes if scope not in self.scopes]:
            raise OutOfReach(missing, self.scopes)

    def require_power_over(self, client_id: str, present: Iterable[str], added: Iterable[str] = ()) -> None:
        """Raise :class:`OutOfReach` for a client that may, or is to, have more than this token has.

        Whoever sets the scopes or the secret of a client can act as it: no service gets further by another one. Over
        its own client it has all power but that of adding to it.
        """
        meant = {*added, *(present if client_id != self.client_id else ())}
        self.require(sorted(scope for scope in meant if scope.startswith(SERVICE_PREFIX)))

    def require_full(self) -> None:
        """Raise :class:`OutOfReach` unless the token reaches everywhere: administrators are not everybody's."""
        self.require((FULL_ADMINISTRATION,))

    def require_full_if(self, is_about_administrators: bool) -> None:
        """The same, where a change turns out to be about administrators."""
        if is_about_administrators:
            self.require_full()


def service(scopes: Iterable[str]) -> Service:
    """The service whose token the request bears; raises :class:`NotAService` and :class:`OutOfReach`.

    A token of a person is good for what its scopes say, and has none of those of services.
    """
    if not (token := _presented()):
        raise NotAService(is_presented=False)
    try:
        state = services.bearer.access(token)
    except InvalidToken:
        raise NotAService(is_presented=True) from None
    if state.subject is not None:
        raise OutOfReach(scopes, state.scopes, is_of_person=True)
    found = Service(str(state.claims["client_id"]), frozenset(implied(state.scopes)))
    found.require(scopes)
    return found


def _presented() -> str:
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else ""
