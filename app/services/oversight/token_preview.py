"""What a person's tokens for a client would say, and what would be asked first: nothing of it is issued.

Each answer is that of the function that decides when somebody logs in. That somebody looked goes on record, since what
is shown is personal.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from app.errors import InvalidInput, sentence
from app.services.clients import scopes
from app.services.clients.clients import ClientRecord, Clients
from app.services.clients.scopes import Scopes, ScopeSentence
from app.services.foundation.environment import Caller, Clock
from app.services.grants.authorization_codes import gets_refresh_token
from app.services.grants.consents import Consents, GivenConsent
from app.services.grants.interactions import (
    NO_PROGRESS,
    AuthorizationRequest,
    Refusal,
    Step,
    asked_scopes,
    granted_scopes,
    next_step,
    optional_scopes,
)
from app.services.grants.refresh_tokens import RefreshTokens
from app.services.people.accounts import Accounts
from app.services.record.audit import Audit, Event
from app.services.record.explanations import scope_names
from app.services.sessions.policy import ActiveSession
from app.services.tokens.claims import FOR_USERINFO, Claims, Subject
from app.services.tokens.tokens import AccessGrant
from app.services.tokens.unsigned import UnsignedTokens, said_in

NEW_EACH_TIME = "(new each time)"
"""Stands for what no two tokens share."""
MOST_SCOPES = 100
UNSIGNED = sentence(
    "This is what tokens would say. None was made: nothing here is signed, and nothing is good anywhere."
)
NO_CODES = Refusal("unauthorized_client", "The client may not use the authorization code grant")
STOPPED = Refusal("invalid_client", "The client is turned off")
INACTIVE = Refusal("login_required", "The account is disabled, so its person cannot log in")
NO_SCOPE = Refusal("invalid_scope", "None of the requested scopes is allowed for this client")
LEFT_OUT = {
    "unknown": sentence("There is no scope of this name."),
    "of_services": sentence("This scope is for services, which get it by client credentials."),
    "not_registered": sentence("This scope is not registered for the application."),
    "permission_missing": sentence("The person's role does not have this permission."),
    "declined": sentence("The person left this optional scope out when asked."),
}
"""Why a scope that was asked for would not be granted, by code."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A scope that would not be granted, and why."""

    scope: str
    reason: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A line of the consent page; ``is_new`` is one that was not allowed before."""

    scope: str
    sentence: str
    is_optional: bool
    is_new: bool


@dataclass(frozen=True, slots=True)
class Lives:
    """Seconds; of a refresh token, of which there is none otherwise, from use to use and in all."""

    access: int
    refresh: int | None = None
    refresh_absolute: int | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What would come of a login; ``next_step`` is issue, consent or refused, where there is nothing but the error.

    At consent the tokens are those of somebody who allows what is asked and changes no tick.
    """

    client_id: str
    user_id: str
    requested: tuple[str, ...]
    granted: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    next_step: str
    error: str | None
    error_description: str | None
    consent: tuple[Asked, ...]
    access_token: dict[str, Any] | None
    id_token: dict[str, Any] | None
    userinfo: dict[str, Any] | None
    lifetimes: Lives | None
    note: str = UNSIGNED


class TokenPreviews:
    """Makes previews."""

    def __init__(
        self,
        clock: Clock,
        audit: Audit,
        clients: Clients,
        scopes: Scopes,
        accounts: Accounts,
        claims: Claims,
        consents: Consents,
        refresh: RefreshTokens,
        tokens: UnsignedTokens,
    ) -> None:
        self.clock = clock
        self.audit = audit
        self.clients = clients
        self.scopes = scopes
        self.accounts = accounts
        self.claims = claims
        self.consents = consents
        self.refresh = refresh
        self.tokens = tokens

    def of(self, client_id: str, who: str, scope: str | None, caller: Caller, *, language: str = "en") -> Preview:
        """The preview for the person of that e-mail or id, who asks for ``scope``; goes on record.

        Raises :class:`NotFound` for an unknown client or person, and :class:`InvalidInput` for too many scopes.
        """
        client, account = self.clients.get(client_id), self.accounts.find(who)
        requested = scopes.split(scope) or (scopes.DEFAULT_SCOPE,)
        if len(requested) > MOST_SCOPES:
            raise InvalidInput(f"At most {MOST_SCOPES} scopes can be asked about.", "scope")
        found = self._of(client, account.id, requested, language)
        named = scope_names(requested)
        self.audit.record(Event.TOKEN_PREVIEWED, caller, user_id=account.id, client_id=client_id, scope=named)
        return found

    def _of(self, client: ClientRecord, user_id: str, requested: tuple[str, ...], language: str) -> Preview:
        subject = self.claims.subject(user_id)
        refusal = _refusal(client, subject)
        allowed = scopes.of_request(requested, client.allowed_scopes)
        if subject is None or refusal or not allowed:
            return _refused(client, user_id, requested, self._left_out(client, subject, None, requested, ()), refusal)
        now = self.clock()
        session = ActiveSession(NEW_EACH_TIME, subject, now, now, is_remembered=False, expires_at=now)
        request = AuthorizationRequest(client.client_id, client.redirect_uris[0], True, "query", allowed)
        consent = None if client.is_first_party else self.consents.find(user_id, client.client_id)
        step = next_step(request, client, NO_PROGRESS, session, consent, now)
        granted = granted_scopes(request, client, session, consent)
        left_out = self._left_out(client, subject, consent, requested, granted)
        if isinstance(step, Refusal) or not granted:
            return _refused(client, user_id, requested, left_out, step if isinstance(step, Refusal) else None)
        asked = asked_scopes(request, client, session) if step is Step.CONSENT else ()
        return Preview(
            client_id=client.client_id,
            user_id=user_id,
            requested=requested,
            granted=granted,
            left_out=left_out,
            next_step=step.value,
            error=None,
            error_description=None,
            consent=self._asked(client, asked, consent, language),
            **self._tokens(client, session, granted),
        )

    def _tokens(self, client: ClientRecord, session: ActiveSession, granted: tuple[str, ...]) -> dict[str, Any]:
        """What they say, and how long they live; raises :class:`Unavailable` where nothing could be signed."""
        now, scope, subject = self.clock(), " ".join(granted), session.subject
        self.tokens.require_signers(client, granted)
        life = self.tokens.access_life(client)
        grant = AccessGrant(subject, client, scope, session.id, now, NEW_EACH_TIME, now, now + life)
        access = self.tokens.access_token(grant)
        id_token = None
        if "openid" in granted:
            said = self.claims.for_id_token(subject, granted, None, None, is_lean=client.lean_id_token)
            id_token = {**said_in(self.tokens.id_token(grant, access, None, said)), "at_hash": NEW_EACH_TIME}
        lives = Lives(_seconds(life))
        if gets_refresh_token(client, scope):
            longest = self.tokens.lifetimes.refresh_absolute
            lives = Lives(lives.access, _seconds(min(self.refresh.life(client), longest)), _seconds(longest))
        has_userinfo = not set(FOR_USERINFO).isdisjoint(granted)
        return {
            "access_token": said_in(access),
            "id_token": id_token,
            "userinfo": self.claims.userinfo(subject, granted) if has_userinfo else None,
            "lifetimes": lives,
        }

    def _asked(
        self, client: ClientRecord, asked: tuple[str, ...], consent: GivenConsent | None, language: str
    ) -> tuple[Asked, ...]:
        optional, known = optional_scopes(client), consent.scopes if consent else ()
        lines: Iterable[ScopeSentence] = self.scopes.sentences(asked, language, known) if asked else ()
        return tuple(Asked(each.name, each.sentence, each.name in optional, each.is_new) for each in lines)

    def _left_out(
        self,
        client: ClientRecord,
        subject: Subject | None,
        consent: GivenConsent | None,
        requested: tuple[str, ...],
        granted: tuple[str, ...],
    ) -> tuple[LeftOut, ...]:
        known = set(self.scopes.names(services=True))
        held = subject.permissions if subject else ()

        def reasons() -> Iterator[tuple[str, str]]:
            for scope in requested:
                if scope in granted:
                    continue
                if scope.startswith(scopes.SERVICE_PREFIX):
                    yield scope, "of_services"
                elif scope not in client.allowed_scopes:
                    yield scope, "not_registered" if scope in known or _is_permission(scope) else "unknown"
                elif not scopes.for_person((scope,), held):
                    yield scope, "permission_missing"
                elif consent and scope in consent.declined:
                    yield scope, "declined"

        return tuple(LeftOut(scope, reason, LEFT_OUT[reason]) for scope, reason in reasons())


def _refusal(client: ClientRecord, subject: Subject | None) -> Refusal | None:
    """What speaks against any login with this client."""
    if not client.is_active:
        return STOPPED
    if "authorization_code" not in client.grant_types or not client.redirect_uris:
        return NO_CODES
    return INACTIVE if subject is None or not subject.is_active else None


def _refused(
    client: ClientRecord, user_id: str, requested: tuple[str, ...], left_out: tuple[LeftOut, ...], why: Refusal | None
) -> Preview:
    said = why or NO_SCOPE
    return Preview(
        client.client_id,
        user_id,
        requested,
        (),
        left_out,
        "refused",
        said.error,
        said.description,
        (),
        None,
        None,
        None,
        None,
    )


def _is_permission(scope: str) -> bool:
    return scope.startswith(scopes.PERMISSION_PREFIX)


def _seconds(life: timedelta) -> int:
    return int(life.total_seconds())
