"""The authorization request in flight: a state machine with one dispatcher.

``/authorize`` validates a request and asks :func:`next_step`. When a person has to act first, the request
is stored as an interaction; login, account choice and consent record what happened on it and return to the
dispatcher. Progress counts only for the very session it was made in, so an interaction's id is no secret
that another browser could profit from.
"""

import enum
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa

from app.errors import InteractionGone
from app.models import Interaction
from app.services.clients.clients import ClientRecord
from app.services.clients.redirect_uris import is_provable
from app.services.clients.scopes import in_force
from app.services.foundation.environment import Clock, Database, random_token, sha256
from app.services.grants.consents import GivenConsent
from app.services.sessions.policy import ActiveSession

LIFE = timedelta(hours=24)
LATEST_LOGIN = timedelta(minutes=1)
"""How long a login for this very request counts whatever its ``max_age``, so that 0 can be met: a code's own life."""
_interaction = cast(sa.Table, Interaction.__table__)


class Step(enum.Enum):
    """What has to happen next for a request to be answered."""

    LOGIN = "login"
    SELECT_ACCOUNT = "select_account"
    CONSENT = "consent"
    ISSUE = "issue"


@dataclass(frozen=True, slots=True)
class Refusal:
    """The request is answered with an error (:rfc:`6749#section-4.1.2.1`, OpenID Connect Core section 3.1.2.6)."""

    error: str
    description: str


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A validated authorization request; ``scopes`` are those the client may have."""

    client_id: str
    redirect_uri: str
    redirect_uri_was_sent: bool
    response_mode: str
    scopes: tuple[str, ...]
    state: str | None = None
    nonce: str | None = None
    code_challenge: str | None = None
    prompts: tuple[str, ...] = ()
    max_age: int | None = None
    login_hint: str | None = None
    hinted_user_id: str | None = None
    ui_locales: tuple[str, ...] = ()
    display: str = "page"
    claims: dict[str, Any] | None = None

    @property
    def is_silent(self) -> bool:
        """Whether no page may be shown (``prompt=none``)."""
        return "none" in self.prompts

    def as_dict(self) -> dict[str, Any]:
        """A form that survives JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "AuthorizationRequest":
        """What :meth:`as_dict` gave, after JSON."""
        known = {field.name for field in fields(cls)}
        frozen: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values.items() if name in known
        }
        return cls(**frozen)


@dataclass(frozen=True, slots=True)
class Progress:
    """What was done on an interaction, each by the id of the session that did it."""

    authenticated_session_id: str | None = None
    selected_session_id: str | None = None
    consented_session_id: str | None = None
    denied_session_id: str | None = None
    is_login_latest: bool = False
    """Whether logging in is the last that was done."""


NO_PROGRESS = Progress()


@dataclass(frozen=True, slots=True)
class OpenInteraction:
    """A stored request with its progress."""

    id: str
    request: AuthorizationRequest
    progress: Progress
    is_answered: bool
    code_hash: str | None


def next_step(
    request: AuthorizationRequest,
    client: ClientRecord,
    progress: Progress,
    session: ActiveSession | None,
    consent: GivenConsent | None,
    now: datetime,
) -> Step | Refusal:
    """What an authorization request needs next. Pure: decides from its arguments alone."""
    if session is not None and progress.denied_session_id == session.id:
        return Refusal("access_denied", "The person did not allow the access")
    if session is None or _needs_fresh_login(request, progress, session, now):
        if request.is_silent:
            return Refusal("login_required", "The person has to log in")
        return Step.LOGIN
    if "select_account" in request.prompts and session.id not in (
        progress.selected_session_id,
        progress.authenticated_session_id,
    ):
        return Step.SELECT_ACCOUNT
    if not asked_scopes(request, client, session):
        return Refusal("invalid_scope", "None of the requested scopes can be granted to this person")
    if _needs_consent(request, client, progress, session, consent):
        if request.is_silent:
            return Refusal("consent_required", "The person has to consent")
        return Step.CONSENT
    return Step.ISSUE


def asked_scopes(request: AuthorizationRequest, client: ClientRecord, session: ActiveSession) -> tuple[str, ...]:
    """The scopes the request's client, as it is registered now, can get from this person."""
    return in_force(request.scopes, client.allowed_scopes, session.subject.permissions)


def optional_scopes(client: ClientRecord) -> frozenset[str]:
    """The scopes a person may leave out; none where nobody is asked."""
    return frozenset(() if client.is_first_party else client.optional_scopes)


def granted_scopes(
    request: AuthorizationRequest, client: ClientRecord, session: ActiveSession, consent: GivenConsent | None
) -> tuple[str, ...]:
    """The scopes a code for the request is good for: not those that the person left out and still may leave out."""
    asked = asked_scopes(request, client, session)
    if session.acting:
        # Nothing is renewed for somebody who is not there.
        asked = tuple(scope for scope in asked if scope != "offline_access")
    if consent is None or not consent.declined:
        return asked
    left_out = consent.declined & optional_scopes(client)
    return tuple(scope for scope in asked if scope not in left_out)


def _needs_fresh_login(
    request: AuthorizationRequest, progress: Progress, session: ActiveSession, now: datetime
) -> bool:
    # OpenID Connect Core section 3.1.2.2: the hinted person must be the one who is logged in.
    if request.hinted_user_id and request.hinted_user_id != session.user_id:
        return True
    is_own = progress.authenticated_session_id == session.id
    # Core section 3.1.2.1: prompt=login asks for an authentication of this request's own.
    if "login" in request.prompts and not is_own:
        return True
    if request.max_age is None:
        return False
    # It holds whenever this is asked, so also when a code is given: a page may have been left open since the login.
    allowed = timedelta(seconds=request.max_age)
    if is_own and progress.is_login_latest:
        allowed = max(allowed, LATEST_LOGIN)
    return now - session.authenticated_at >= allowed


def _needs_consent(
    request: AuthorizationRequest,
    client: ClientRecord,
    progress: Progress,
    session: ActiveSession,
    consent: GivenConsent | None,
) -> bool:
    # A person who left all of it out before is asked about it: a code for nothing helps nobody.
    granted = granted_scopes(request, client, session, consent)
    is_covered = consent is not None and bool(granted) and consent.scopes.issuperset(granted)
    # What was allowed on this request's page is on record; it may have been taken back since.
    if progress.consented_session_id == session.id and is_covered:
        return False
    if "consent" in request.prompts:
        return True
    if client.is_first_party:
        return False
    # RFC 8252 section 8.6: any program on the device can claim such an address, so a person is asked each time.
    if client.consent_policy == "always" or not is_provable(request.redirect_uri):
        return True
    return not is_covered


class Interactions:
    """Stores requests that wait for a person."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self.db = db
        self.clock = clock

    def open(self, request: AuthorizationRequest) -> str:
        """Store a request; answers the id that goes into the address bar."""
        interaction_id, now = random_token(192), self.clock()
        self.db.session.execute(
            sa.insert(_interaction).values(
                id_hash=sha256(interaction_id),
                client_id=request.client_id,
                request=request.as_dict(),
                created_at=now,
                expires_at=now + LIFE,
            )
        )
        return interaction_id

    def get(self, interaction_id: str, *, is_locked: bool = False) -> OpenInteraction:
        """The interaction of that id, held until the transaction ends if ``is_locked``; or :class:`InteractionGone`."""
        query = sa.select(_interaction).where(_interaction.c.id_hash == sha256(interaction_id))
        row = self.db.session.execute(query.with_for_update() if is_locked else query).first()
        if row is None or row.expires_at <= self.clock():
            raise InteractionGone
        return OpenInteraction(
            interaction_id,
            AuthorizationRequest.from_dict(row.request),
            Progress(
                row.authenticated_session_id,
                row.selected_session_id,
                row.consented_session_id,
                row.denied_session_id,
                row.is_login_latest,
            ),
            row.answered_at is not None,
            row.code_hash,
        )

    def record_login(self, interaction_id: str, session_id: str) -> None:
        """A person authenticated for this request, in this session."""
        self._update(interaction_id, authenticated_session_id=session_id, is_login_latest=True)

    def record_selection(self, interaction_id: str, session_id: str) -> None:
        """A person chose the account of this session."""
        self._update(interaction_id, selected_session_id=session_id, is_login_latest=False)

    def record_consent(self, interaction_id: str, session_id: str) -> None:
        """The person of this session allowed the request."""
        self._update(interaction_id, consented_session_id=session_id, denied_session_id=None, is_login_latest=False)

    def record_denial(self, interaction_id: str, session_id: str) -> None:
        """The person of this session did not allow the request."""
        self._update(interaction_id, denied_session_id=session_id, consented_session_id=None)

    def answer(self, interaction_id: str, code_hash: str | None) -> None:
        """Mark the request answered, with the code that was issued for it."""
        self._update(interaction_id, answered_at=self.clock(), code_hash=code_hash, is_login_latest=False)

    def _update(self, interaction_id: str, **values: object) -> None:
        self.db.session.execute(
            sa.update(_interaction).where(_interaction.c.id_hash == sha256(interaction_id)).values(**values)
        )
