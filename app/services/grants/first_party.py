"""Tokens of the portal's own API: issued to a client that is built in, on a session like any other login's.

The client has no redirect URI, no secret and no grant, so that nothing can be had with its name at the OAuth endpoints.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import sqlalchemy as sa

from app.models import Client, RefreshToken, RevokedToken, TokenFamily, UserSession, new_id
from app.services.clients.clients import PORTAL, ClientRecord, Clients
from app.services.foundation.environment import Caller, Clock, Database, sha256
from app.services.foundation.statements import insert_ignoring
from app.services.grants.refresh_tokens import RefreshTokens
from app.services.grants.token_families import begin_family
from app.services.record.audit import Audit
from app.services.record.tally import Fact
from app.services.revocation.revocations import Revocations
from app.services.sessions.sessions import Sessions
from app.services.sessions.sign_outs import SignOuts
from app.services.tokens.claims import Claims
from app.services.tokens.tokens import LONGEST, AccessGrant, InvalidToken, TokenAnswer, Tokens, new_jti

ACCESS_SECONDS = 900
SCOPES = ("profile", "email", "read:profile", "read:features", "read:groups")
"""What a token of the portal reads. ``openid`` is not among them: nobody is given an ID token here."""
LOGOUT, LOGOUT_EVERYWHERE = "logout", "logout_all"
_client = cast(sa.Table, Client.__table__)
_family = cast(sa.Table, TokenFamily.__table__)
_refresh = cast(sa.Table, RefreshToken.__table__)
_revoked = cast(sa.Table, RevokedToken.__table__)
_session = cast(sa.Table, UserSession.__table__)


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose a refresh token is, the session it belongs to, the client it was issued to, and its family."""

    user_id: str
    session_id: str
    client_id: str
    family_id: str


@dataclass(frozen=True, slots=True)
class Ended:
    """What a logout ended; access tokens that had expired by themselves do not count."""

    tokens: int
    sessions: int
    at: datetime


class FirstParty:
    """Issues, renews and ends what the portal's own API works with."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        audit: Audit,
        clients: Clients,
        claims: Claims,
        tokens: Tokens,
        refresh: RefreshTokens,
        revocations: Revocations,
        sessions: Sessions,
        sign_outs: SignOuts,
    ) -> None:
        self.db = db
        self.clock = clock
        self.audit = audit
        self.clients = clients
        self.claims = claims
        self.tokens = tokens
        self.refresh = refresh
        self.revocations = revocations
        self.sessions = sessions
        self.sign_outs = sign_outs

    def client(self) -> ClientRecord:
        """The portal as a client of itself; its row is made when it is first needed."""
        if found := self.clients.find(PORTAL):
            return found
        self._add_client()
        return self.clients.get(PORTAL)

    def begin(self, user_id: str, session_id: str, caller: Caller, *, replaces: str = "") -> TokenAnswer:
        """An access token of :data:`ACCESS_SECONDS` and the first refresh token, on a session of that person.

        ``replaces`` is the refresh token that the browser forgets for it; what was issued with it ends. Commits, so
        that no row is locked while it signs. Raises :class:`InvalidToken` when an operator disabled the client.
        """
        client, subject, now = self.client(), self.claims.subject(user_id), self.clock()
        if subject is None or not client.is_active:
            raise InvalidToken
        self.tokens.require_signers(client, SCOPES)
        grant = AccessGrant(
            subject=subject,
            client=client,
            scope=" ".join(SCOPES),
            session_id=session_id,
            authenticated_at=now,
            jti=new_jti(),
            issued_at=now,
            expires_at=now + self.tokens.access_life(client),
        )
        if forgotten := self.holder(replaces):
            self.revocations.end_family(forgotten.family_id, "replaced", caller)
        family_id = new_id()
        begin_family(self.db, family_id, grant, now + self.tokens.lifetimes.refresh_absolute)
        token, life = self.refresh.begin(family_id, grant, caller)
        self.audit.tally.count_if_kept([(Fact.TOKEN, ("first_party", "issued"), 1)])
        self.db.commit()
        return TokenAnswer(self.tokens.access_token(grant), ACCESS_SECONDS, grant.scope, token, life)

    def renew(self, presented: str, caller: Caller) -> TokenAnswer:
        """Rotate a refresh token of the portal; raises and commits as :meth:`RefreshTokens.rotate` does."""
        client = self.client()
        if not client.is_active:
            raise InvalidToken
        answer = self.refresh.rotate(client, presented, None, caller)
        self.audit.tally.count(Fact.TOKEN, "first_party", "issued")
        return answer

    def holder(self, presented: str) -> Holder | None:
        """Whose refresh token that is, also one that was replaced, as long as its family and session go on."""
        if not 0 < len(presented) <= LONGEST:
            return None
        row = self.db.session.execute(
            sa.select(_family.c.user_id, _family.c.session_id, _family.c.client_id, _family.c.id)
            .join(_refresh, _refresh.c.family_id == _family.c.id)
            .join(_session, _session.c.id == _family.c.session_id)
            .where(
                _refresh.c.token_hash == sha256(presented),
                _family.c.revoked_at.is_(None),
                _session.c.ended_at.is_(None),
            )
        ).first()
        return Holder(*row) if row else None

    def end(self, user_id: str, session_ids: Iterable[str], caller: Caller) -> Ended:
        """End these sessions of that person, with all that hangs on them."""
        before = self._denied(user_id)
        wanted = sa.select(_session.c.id).where(_session.c.user_id == user_id, _session.c.id.in_(list(session_ids)))
        found = list(self.db.session.scalars(wanted))
        ended = sum(self.sessions.end(session_id, LOGOUT, caller) for session_id in found)
        return Ended(self._denied(user_id) - before, ended, self.clock())

    def end_everything(self, user_id: str, caller: Caller) -> Ended:
        """End every session and every token of that person, on all devices and in all applications, and say so."""
        before = self._denied(user_id)
        ended = self.sign_outs.everywhere(user_id, LOGOUT_EVERYWHERE, caller)
        return Ended(self._denied(user_id) - before, ended, self.clock())

    def _denied(self, user_id: str) -> int:
        count = sa.select(sa.func.count()).select_from(_revoked).where(_revoked.c.user_id == user_id)
        return self.db.session.scalar(count) or 0

    def _add_client(self) -> None:
        """Add the row, unless another request did in the same moment."""
        now = self.clock()
        row = {
            "client_id": PORTAL,
            "name": "MAX Platform",
            "description": "The portal's own API",
            "allowed_scopes": list(SCOPES),
            "consent_policy": "implicit",
            "access_token_seconds": ACCESS_SECONDS,
            "created_at": now,
            "updated_at": now,
        }
        self.db.session.execute(insert_ignoring(self.db.dialect, _client).values(row))
