"""Who asks about a quota, and about whose: an application with its person's token, or a service that names somebody."""

from dataclasses import dataclass

from flask import request

from app.api.bearer import InsufficientScope, NoToken, is_first_party, presented_state
from app.database import person
from app.errors import InvalidFields
from app.services.clients.scopes import implied
from app.services.grants.bearer import AccessState
from app.services.tokens.tokens import InvalidToken
from app.web.security import count_request
from app.wiring import services

FEATURES, USERS = "read:features", "admin:users"
NAMES_NOBODY = "This is required with a service token."
NAMES_ANOTHER = "A person's token stands for that person; it names nobody."
NAMED_BESIDE = "What is sent names the person in its body."


@dataclass(frozen=True, slots=True)
class Asking:
    """The client that asks, and the person its token stands for; None for a service."""

    client_id: str
    person_id: str | None

    def whose(self, named: str | None) -> str:
        """The id of the person meant, whose rows are in reach then, where the request names ``named``.

        Raises :class:`InvalidFields`.
        """
        if self.person_id is None:
            if named is None:
                raise InvalidFields({"user_id": NAMES_NOBODY})
            services.db.enter(person(named))
            return named
        if named is not None:
            raise InvalidFields({"user_id": NAMES_ANOTHER})
        return self.person_id


def asking(*, needs_first_party: bool) -> Asking:
    """Who asks by the request's token.

    Raises :class:`NoToken`, :class:`app.services.tokens.tokens.InvalidToken`, :class:`InsufficientScope` for those
    that may not ask, and :class:`InvalidFields` for what is sent and names a person where nobody looks. What is no
    token counts for the limit of its address, the others for that of their client.
    """
    try:
        state = presented_state()
    except (NoToken, InvalidToken):
        count_request()
        raise
    client_id = str(state.claims["client_id"])
    services.rate_limits.hit("quota", services.settings.limits.token, client_id, must_count=False)
    if request.method == "POST" and "user_id" in request.args:
        raise InvalidFields({"user_id": NAMED_BESIDE})
    if state.subject is None:
        if USERS not in implied(state.scopes):
            raise InsufficientScope("token_scope", state.scopes)
        return Asking(client_id, None)
    _require(state, needs_first_party)
    return Asking(client_id, state.subject.id)


def _require(state: AccessState, needs_first_party: bool) -> None:
    if is_first_party(state) or (not needs_first_party and FEATURES in state.scopes):
        return
    raise InsufficientScope("token_of_application" if needs_first_party else "token_scope", state.scopes)
