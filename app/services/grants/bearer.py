"""What a token presented to the portal is worth right now: the rule behind userinfo, introspection and revocation.

A signature says who issued a token; whether it still counts is asked of the rows, in one statement: the
denylist, the key, the client, the person and the session (:rfc:`6750#section-3.1`, :rfc:`7662#section-2.2`).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa

from app.models import Client, RefreshToken, RevokedToken, Role, TokenFamily, User, UserSession
from app.services.clients.clients import FIRST_PARTY, ClientRecord
from app.services.clients.scopes import listed, split
from app.services.foundation.environment import Caller, Clock, Database, sha256
from app.services.foundation.statements import Statement
from app.services.grants.consents import covered_by_consent
from app.services.grants.scopes_in_force import is_renewable, scopes_in_force
from app.services.record.audit import Audit
from app.services.revocation.revocations import Denied, Revocations
from app.services.tokens.claims import SUBJECT_COLUMNS, Subject, subject_from, with_subject
from app.services.tokens.tokens import LONGEST, InvalidToken, Tokens

_client = cast(sa.Table, Client.__table__)
_user = cast(sa.Table, User.__table__)
_session = cast(sa.Table, UserSession.__table__)
_revoked = cast(sa.Table, RevokedToken.__table__)
_refresh = cast(sa.Table, RefreshToken.__table__)
_family = cast(sa.Table, TokenFamily.__table__)
_role = cast(sa.Table, Role.__table__)
_DENIED = sa.exists().where(_revoked.c.jti == sa.bindparam("jti")).label("is_denied")
_SESSION_ENDED = (
    sa.select(_session.c.ended_at).where(_session.c.id == sa.bindparam("sid")).scalar_subquery().label("session_ended")
)
_ALLOWED = sa.cast(_client.c.allowed_scopes, sa.Text).label("allowed_scopes")
_ASKS_CONSENT = _client.c.consent_policy != FIRST_PARTY
_PERSON = Statement(
    sa.select(
        _DENIED,
        _SESSION_ENDED,
        _client.c.is_active.label("client_is_active"),
        _ALLOWED,
        covered_by_consent(_user.c.id, _client.c.client_id, _ASKS_CONSENT),
        *SUBJECT_COLUMNS,
    )
    .select_from(with_subject(_client, cast(Any, sa.bindparam("sub"))))
    .where(_client.c.client_id == sa.bindparam("client_id"))
)
_SERVICE = Statement(
    sa.select(_DENIED, _client.c.is_active.label("client_is_active"), _ALLOWED, _client.c.generation).where(
        _client.c.client_id == sa.bindparam("client_id")
    )
)
_REFRESH = Statement(
    sa.select(
        _refresh.c.client_id,
        _refresh.c.family_id,
        _refresh.c.created_at,
        _refresh.c.expires_at,
        _refresh.c.revoked_at,
        _refresh.c.rotated_at,
        _family.c.scope,
        _ALLOWED,
        _ASKS_CONSENT.label("asks_consent"),
        covered_by_consent(_user.c.id, _client.c.client_id, _ASKS_CONSENT),
        _role.c.permissions,
        _family.c.expires_at.label("family_expires_at"),
        _family.c.revoked_at.label("family_revoked_at"),
        _session.c.ended_at.label("session_ended"),
        _session.c.acted_by,
        _client.c.is_active.label("client_is_active"),
        _user.c.username,
        _user.c.email,
        _user.c.email_verified,
        _user.c.id.label("user_id"),
        _user.c.is_active.label("user_is_active"),
    )
    .select_from(
        with_subject(
            _refresh.join(_family, _family.c.id == _refresh.c.family_id)
            .join(_client, _client.c.client_id == _refresh.c.client_id)
            .outerjoin(_session, _session.c.id == _family.c.session_id),
            _family.c.user_id,
        )
    )
    .where(_refresh.c.token_hash == sa.bindparam("token_hash"))
)


@dataclass(frozen=True, slots=True)
class AccessState:
    """An access token that is good right now; ``subject`` is None for a service token.

    ``scopes`` are those of the token that were not taken from its client, the person or the consent since.
    """

    claims: dict[str, Any]
    subject: Subject | None
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RefreshState:
    """A refresh token as stored; ``is_active`` says whether it could be used now."""

    client_id: str
    family_id: str
    user_id: str
    username: str
    email: str
    email_verified: bool
    scope: str
    issued_at: datetime
    expires_at: datetime
    is_active: bool
    was_ended: bool
    acted_by: str | None


class Bearer:
    """Judges presented tokens and revokes them."""

    def __init__(self, db: Database, clock: Clock, audit: Audit, tokens: Tokens, revocations: Revocations) -> None:
        self.db = db
        self.clock = clock
        self.audit = audit
        self.tokens = tokens
        self.revocations = revocations

    def access(self, token: str) -> AccessState:
        """The state of an access token; raises :class:`InvalidToken` unless it is good right now."""
        claims = self.tokens.read_access_token(token)
        known = {"jti": claims["jti"], "client_id": claims.get("client_id")}
        if claims.get("type") == "service":
            row = _SERVICE.first(self.db, **known)
        else:
            row = _PERSON.first(self.db, **known, sub=claims["sub"], sid=claims.get("sid"), plan_at=self.clock())
        if row is None or row.is_denied or not row.client_is_active:
            raise InvalidToken
        if claims.get("type") == "service":
            # A client that was stopped, or registered anew under the id of another, has none of the old ones.
            if claims.get("generation", "") != row.generation:
                raise InvalidToken
            held, allowed = split(claims.get("scope")), listed(row.allowed_scopes)
            return _state(claims, None, tuple(scope for scope in held if scope in allowed))
        if not row.subject_is_active or row.session_ended is not None:
            raise InvalidToken
        return _state(claims, subject_from(row), _in_force(claims.get("scope"), row))

    def refresh(self, token: str) -> RefreshState | None:
        """The state of a refresh token, or None when there is no such token."""
        # Ours are base64url; what has a dot is a JWT, and most of what is asked about is one.
        if len(token) > LONGEST or "." in token:
            return None
        row = _REFRESH.first(self.db, token_hash=sha256(token))
        if row is None:
            return None
        expires_at = min(row.expires_at, row.family_expires_at)
        ended = row.revoked_at or row.rotated_at or row.family_revoked_at or row.session_ended
        is_active = ended is None and row.client_is_active and row.user_is_active and expires_at > self.clock()
        scopes = _in_force(row.scope, row)
        return RefreshState(
            row.client_id,
            row.family_id,
            row.user_id,
            row.username,
            row.email,
            row.email_verified,
            " ".join(scopes),
            row.created_at,
            expires_at,
            is_active and is_renewable(row.scope, scopes, is_first_party=not row.asks_consent),
            ended is not None,
            row.acted_by,
        )

    def is_revoked_for(self, token: str, client: ClientRecord) -> bool:
        """Whether a well-signed token that ``client`` may ask about is on the denylist."""
        try:
            claims = self.tokens.read_access_token(token)
        except InvalidToken:
            return False
        may_ask = client.can_introspect_any or claims.get("client_id") == client.client_id
        return may_ask and self.revocations.is_denied(claims["jti"])

    def revoke(self, token: str, client: ClientRecord, caller: Caller) -> None:
        """Revoke a token of ``client``; unknown tokens and those of others are left alone (:rfc:`7009#section-2.1`).

        A refresh token takes its family and the access tokens issued with it along.
        """
        self._revoke(token, "revoked_by_client", caller, owner=client.client_id)

    def revoke_any(self, token: str, reason: str, caller: Caller) -> bool:
        """Revoke a token whoever holds it; answers whether there was anything to revoke."""
        return self._revoke(token, reason, caller, owner=None)

    def _revoke(self, token: str, reason: str, caller: Caller, *, owner: str | None) -> bool:
        stored = self.refresh(token)
        if stored is not None:
            if owner not in (None, stored.client_id):
                return False
            self.revocations.end_family(stored.family_id, reason, caller)
            return not stored.was_ended
        try:
            claims = self.tokens.read_access_token(token)
        except InvalidToken:
            return False
        client_id = claims.get("client_id")
        if owner not in (None, client_id):
            return False
        person = None if claims.get("type") == "service" else claims["sub"]
        expires_at = datetime.fromtimestamp(claims["exp"], self.clock().tzinfo)
        return self.revocations.deny(Denied(claims["jti"], person, client_id, expires_at), reason, caller)


def _in_force(scope: str | None, row: Any) -> tuple[str, ...]:
    return scopes_in_force(scope, listed(row.allowed_scopes), row)


def _state(claims: dict[str, Any], subject: Subject | None, scopes: tuple[str, ...]) -> AccessState:
    """The state of a good token; one of whose scopes nothing is left is none."""
    if claims.get("scope") and not scopes:
        raise InvalidToken
    return AccessState(claims, subject, scopes)
