"""Access tokens presented to the API (:rfc:`6750`): in the header alone, of a person, of the right client."""

from collections.abc import Iterable
from dataclasses import dataclass

from flask import Response, g, request

from app.errors import Cause, PortalError
from app.services.grants.bearer import AccessState
from app.services.tokens.claims import Subject
from app.web.acting.door import require_own
from app.web.protocol import explanations
from app.wiring import services

REALM = "MAX Platform"
PROFILE = frozenset({"profile", "read:profile"})


class NoToken(PortalError):
    """Nothing was presented that says who is asking."""

    status, code, message = 401, "unauthorized", "An access token is required."


class InsufficientScope(PortalError):
    """The token is good, but not for this: it stands for no person, or its client may not ask."""

    status, code, message = 403, "insufficient_scope", "This access token does not reach so far."

    def __init__(self, check: str, granted: Iterable[str]) -> None:
        super().__init__()
        g.token_cause = Cause(check, {"granted": " ".join(granted)})


@dataclass(frozen=True, slots=True)
class Person:
    """Who is asking, in which session, and what the token lets them see."""

    subject: Subject
    session_id: str
    scopes: frozenset[str]

    @property
    def id(self) -> str:
        """The person's id."""
        return self.subject.id


def is_presented() -> bool:
    """Whether the request carries a bearer token, good or not."""
    return bool(_presented())


def person(*, needs_first_party: bool = True) -> Person:
    """The person of the request's token.

    Raises :class:`NoToken`, :class:`app.services.tokens.tokens.InvalidToken`, and :class:`InsufficientScope` for
    service tokens and for those of clients that may not ask.
    """
    state = presented_state()
    if state.subject is None:
        raise InsufficientScope("token_of_service", state.scopes)
    if not _may_ask(state, needs_first_party):
        raise InsufficientScope("token_of_application" if needs_first_party else "token_scope", state.scopes)
    return Person(state.subject, str(state.claims.get("sid") or ""), frozenset(state.scopes))


def presented_state() -> AccessState:
    """What the request's token is worth, whosever it is.

    Raises :class:`NoToken` and :class:`app.services.tokens.tokens.InvalidToken`, and
    :class:`app.errors.ActingForbids` for a token of somebody who acts as the person, by which nothing is changed.
    """
    if not (token := _presented()):
        raise NoToken
    state = services.bearer.access(token)
    require_own(state.claims)
    return state


def add_challenge(response: Response) -> Response:
    """Say how to come in, where somebody was kept out (:rfc:`6750#section-3`)."""
    if response.status_code not in {401, 403} or "WWW-Authenticate" in response.headers:
        return response
    refusal = response.get_json()
    challenge = f'Bearer realm="{REALM}"'
    if refusal["error"] in {"invalid_token", "insufficient_scope"}:
        error, said = refusal["error"], refusal["error_description"]
        uri = explanations.of_bearer(error, said, _presented(), g.get("token_cause"))
        challenge += f', error="{error}", error_description="{said}", error_uri="{uri}"'
    if response.status_code == 401 or refusal["error"] == "insufficient_scope":
        response.headers["WWW-Authenticate"] = challenge
    return response


def _presented() -> str:
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else ""


def _may_ask(state: AccessState, needs_first_party: bool) -> bool:
    if not needs_first_party:
        return bool(PROFILE & set(state.scopes))
    return is_first_party(state)


def is_first_party(state: AccessState) -> bool:
    """Whether the token was issued to an application of the platform itself."""
    client = services.clients.find(str(state.claims["client_id"]))
    return client is not None and client.is_first_party
