"""Answering authorization requests: what comes next, and the code at the end. Login and consent come back here."""

from dataclasses import dataclass

from app.errors import InteractionGone
from app.services.clients.clients import ClientRecord, Clients
from app.services.foundation.environment import Clock, sha256
from app.services.grants.authorization_codes import AuthorizationCodes, CodeGrant
from app.services.grants.consents import Consents
from app.services.grants.interactions import (
    NO_PROGRESS,
    AuthorizationRequest,
    Interactions,
    OpenInteraction,
    Progress,
    Refusal,
    Step,
    granted_scopes,
    next_step,
)
from app.services.sessions.policy import ActiveSession


@dataclass(frozen=True, slots=True)
class Pending:
    """An interaction with its client, as the pages of the flow need it."""

    interaction: OpenInteraction
    client: ClientRecord

    @property
    def id(self) -> str:
        """What stands in the address bar."""
        return self.interaction.id

    @property
    def request(self) -> AuthorizationRequest:
        """The stored request."""
        return self.interaction.request


@dataclass(frozen=True, slots=True)
class Decision:
    """What a request needs next, and the scopes of a code for it, should that be all it needs."""

    step: Step | Refusal
    scopes: tuple[str, ...] = ()


class Authorization:
    """The dispatcher's surroundings: finds what :func:`next_step` decides on, and acts on its answer."""

    def __init__(
        self, clock: Clock, clients: Clients, consents: Consents, interactions: Interactions, codes: AuthorizationCodes
    ) -> None:
        self.clock = clock
        self.clients = clients
        self.consents = consents
        self.interactions = interactions
        self.codes = codes

    def step(
        self,
        request: AuthorizationRequest,
        client: ClientRecord,
        session: ActiveSession | None,
        progress: Progress = NO_PROGRESS,
    ) -> Decision:
        """What ``request`` needs next."""
        # A first-party client's consent is looked up only where a request asks for one: else it would decide nothing.
        is_needed = not client.is_first_party or "consent" in request.prompts
        consent = self.consents.find(session.user_id, client.client_id) if session and is_needed else None
        step = next_step(request, client, progress, session, consent, self.clock())
        if step is not Step.ISSUE or session is None:
            return Decision(step)
        return Decision(step, granted_scopes(request, client, session, consent))

    def pending(self, interaction_id: str) -> Pending:
        """A stored request; raises :class:`InteractionGone` also when its client may no longer ask."""
        interaction = self.interactions.get(interaction_id)
        client = self.clients.find(interaction.request.client_id)
        if client is None or not client.is_active or not client.has_redirect_uri(interaction.request.redirect_uri):
            raise InteractionGone
        return Pending(interaction, client)

    def is_over(self, pending: Pending) -> bool:
        """Whether the client has had its answer and used it: the person need not do anything for it any more."""
        interaction = pending.interaction
        return interaction.is_answered and not (interaction.code_hash and self.codes.is_waiting(interaction.code_hash))

    def pending_step(self, pending: Pending, session: ActiveSession | None) -> Step | Refusal:
        """What a stored request needs next."""
        return self.pending_decision(pending, session).step

    def pending_decision(self, pending: Pending, session: ActiveSession | None) -> Decision:
        """What a stored request needs next, with what it would get."""
        return self.step(pending.request, pending.client, session, pending.interaction.progress)

    def issue(
        self, request: AuthorizationRequest, client: ClientRecord, session: ActiveSession, scopes: tuple[str, ...]
    ) -> str:
        """A code that answers ``request`` for the person of ``session``, good for ``scopes`` of a :class:`Decision`."""
        return self.codes.issue(
            CodeGrant(
                client=client,
                user_id=session.user_id,
                session_id=session.id,
                authenticated_at=session.authenticated_at,
                redirect_uri=request.redirect_uri,
                redirect_uri_was_sent=request.redirect_uri_was_sent,
                scope=" ".join(scopes),
                nonce=request.nonce,
                code_challenge=request.code_challenge,
                claims=request.claims,
                acted_by=session.acting.administrator_id if session.acting else None,
            )
        )

    def answer(self, pending: Pending, session: ActiveSession, scopes: tuple[str, ...]) -> str | None:
        """A code for a stored request, or None when the client has already used the one it got.

        Sending a form twice asks twice; the person must arrive all the same, so an unused code is replaced.
        """
        interaction = self.interactions.get(pending.interaction.id, is_locked=True)
        if interaction.is_answered and not (interaction.code_hash and self.codes.void(interaction.code_hash)):
            return None
        code = self.issue(pending.request, pending.client, session, scopes)
        self.interactions.answer(interaction.id, sha256(code))
        return code
