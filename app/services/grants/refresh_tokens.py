"""Refresh tokens: rotated at each use, reuse ends the family, and a lost response logs nobody out.

Only hashes are kept. For a short window the successor is kept as well, sealed with a key that only the
token it replaced can derive, so the same client repeating that token gets the same successor, and neither
the database nor a backup can open it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.errors import Cause, ProtocolRefusal
from app.models import new_id
from app.services.clients.clients import ClientRecord
from app.services.clients.scopes import split
from app.services.foundation.environment import Caller, Clock, Database, random_token, sha256
from app.services.foundation.networks import is_same_network
from app.services.foundation.sealing import open_with_token, seal_with_token
from app.services.grants.refresh_statements import FIND, INSERT, LOOK, NEXT, REPEAT, ROTATE, ROTATE_AT_ONCE
from app.services.grants.scopes_in_force import is_renewable, scopes_in_force
from app.services.grants.token_families import as_actor
from app.services.record.audit import Audit, Event
from app.services.record.explanations import scope_names, seconds
from app.services.record.tally import Fact
from app.services.revocation.revocations import Revocations
from app.services.tokens.claims import Claims, groups_from, subject_from
from app.services.tokens.tokens import AccessGrant, TokenAnswer, Tokens, new_jti

UNKNOWN = Cause("refresh_unknown")
"""Of a token of another client as well, of which nobody else is told that it was there."""


@dataclass(frozen=True, slots=True)
class RefreshPolicy:
    """How long a repeated token gets its successor again; zero turns that off."""

    window: timedelta


@dataclass(frozen=True, slots=True)
class _Use:
    """A client presents a token, and may ask for less scope."""

    client: ClientRecord
    token: str
    scope: str | None
    caller: Caller
    now: datetime


@dataclass(frozen=True, slots=True)
class _Successor:
    """The token that takes the place of one that is used: its row, and what changes in that one's."""

    token: str
    grant: AccessGrant
    expires_at: datetime
    row: dict[str, Any]
    change: dict[str, Any]


class RefreshTokens:
    """Begins families and rotates their tokens."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        audit: Audit,
        tokens: Tokens,
        claims: Claims,
        revocations: Revocations,
        policy: RefreshPolicy,
    ) -> None:
        self.db = db
        self.clock = clock
        self.audit = audit
        self.tokens = tokens
        self.claims = claims
        self.revocations = revocations
        self.policy = policy

    def begin(self, family_id: str, grant: AccessGrant, caller: Caller) -> tuple[str, int]:
        """The first token of a new family, with its life in seconds."""
        token = random_token(384)
        expires_at = grant.issued_at + self.life(grant.client)
        if grant.acted_until:
            expires_at = min(expires_at, grant.acted_until)
        INSERT.run_later(self.db, **_row(token, family_id, grant, expires_at, caller, generation=0))
        return token, _whole_seconds(expires_at - grant.issued_at)

    def rotate(self, client: ClientRecord, presented: str, scope: str | None, caller: Caller) -> TokenAnswer:
        """Exchange a refresh token for its successor and a new access token (:rfc:`6749#section-6`).

        Raises :class:`ProtocolRefusal` (``invalid_grant``, ``invalid_scope``). Reuse ends the family and
        commits that by itself.
        """
        token_hash, use = sha256(presented), _Use(client, presented, scope, caller, self.clock())
        # It is read, and its successor made, before anything is locked: hardly ever does anybody else use it now.
        row = LOOK.first(self.db, token_hash=token_hash, asks_consent=not client.is_first_party, plan_at=use.now)
        if row is not None and _is_usable(row, use) and (answer := self._advance_at_once(row, use)):
            return answer
        return self._rotate_under_lock(token_hash, use)

    def _rotate_under_lock(self, token_hash: str, use: _Use) -> TokenAnswer:
        """Judge a token by all rules, while nobody else can change it."""
        row = FIND.first(self.db, token_hash=token_hash, asks_consent=not use.client.is_first_party, plan_at=use.now)
        if row is None:
            raise _refused(UNKNOWN)
        if _is_foreign(row, use):
            # RFC 6749 section 10.4: the token is another client's, for which it stays good.
            self.audit.record_refusal(
                Event.REFRESH_FOREIGN,
                use.caller,
                error="invalid_grant",
                client_id=use.client.client_id,
                user_id=row.subject_id,
            )
            raise _refused(UNKNOWN)
        if _is_ended(row):
            raise _refused(_what_ended(row, use))
        if row.rotated_at is not None:
            return self._repeat(row, use)
        if _is_expired(row, use):
            ago = use.now - min(row.expires_at, row.family_expires_at)
            raise _refused(Cause("refresh_expired", {"seconds_ago": seconds(ago)}))
        return self._advance(row, use)

    def _advance_at_once(self, row: Any, use: _Use) -> TokenAnswer | None:
        """Give out the successor, locking for no longer than it takes to write; None, and nothing done, if too late."""
        successor = self._successor(row, use)
        if self.db.dialect.name == "postgresql":
            named = {f"new_{name}": value for name, value in successor.row.items()}
            is_first = ROTATE_AT_ONCE.run_alone(self.db, **successor.change, **named) == 1
        elif is_first := ROTATE.run(self.db, **successor.change, before=row.rotation_count - 1) > 0:
            INSERT.run(self.db, **successor.row)
        return self._answer(row, successor.grant, successor.token, successor.expires_at, use.now) if is_first else None

    def _advance(self, row: Any, use: _Use) -> TokenAnswer:
        """Give out the successor; the row was read under its lock (SQLite: the file's), so nobody else can be here."""
        successor = self._successor(row, use)
        ROTATE.run_later(self.db, **successor.change, before=row.rotation_count - 1)
        INSERT.run_later(self.db, **successor.row)
        return self._answer(row, successor.grant, successor.token, successor.expires_at, use.now)

    def _successor(self, row: Any, use: _Use) -> _Successor:
        access_expires_at = use.now + self.tokens.access_life(use.client)
        if row.acted_by:
            access_expires_at = min(access_expires_at, row.family_expires_at)
        grant = _grant(row, use, new_jti(), use.now, access_expires_at)
        self.tokens.require_signers(use.client, split(grant.scope))
        token = random_token(384)
        expires_at = min(use.now + self.life(use.client), row.family_expires_at)
        by = as_actor(use.caller, row.acted_by)
        change = {
            "family": row.family_id,
            "generation": row.rotation_count,
            "now": use.now,
            "next_hash": sha256(token),
            "ip": by.ip_address,
            "agent": by.user_agent,
            "sealed": seal_with_token(use.token, token) if self.policy.window else None,
        }
        stored = _row(token, row.family_id, grant, expires_at, by, generation=row.rotation_count + 1)
        return _Successor(token, grant, expires_at, stored, change)

    def _repeat(self, row: Any, use: _Use) -> TokenAnswer:
        """The just-rotated token again: the same successor within the window, else reuse."""
        successor = NEXT.first(self.db, token_hash=row.successor_hash)
        is_open = self.policy.window and use.now - row.rotated_at <= self.policy.window
        if not is_open or successor is None or successor.rotated_at is not None or _is_stranger(row, use):
            raise self._reused(row, use)
        grant = _grant(row, use, successor.access_jti, successor.access_issued_at, successor.access_expires_at)
        token = open_with_token(use.token, row.sealed_successor or "")
        self.tokens.require_signers(use.client, split(grant.scope))
        if REPEAT.run(self.db, row=row.id) != 1 or token is None:
            said = "This refresh token was already used"
            raise ProtocolRefusal("invalid_grant", said, cause=Cause("refresh_repeated_too_often"))
        return self._answer(row, grant, token, successor.expires_at, use.now, "repeated")

    def _reused(self, row: Any, use: _Use) -> ProtocolRefusal:
        """RFC 9700 section 4.14.2: reuse ends the family. Commits by itself."""
        self.revocations.end_family(row.family_id, "refresh_reused", use.caller)
        self.audit.record_refusal(
            Event.REFRESH_REUSED, use.caller, error="invalid_grant", user_id=row.subject_id, client_id=row.client_id
        )
        return _refused(Cause("refresh_used", {"seconds_ago": seconds(use.now - row.rotated_at)}))

    def _answer(
        self,
        row: Any,
        grant: AccessGrant,
        token: str,
        expires_at: datetime,
        now: datetime,
        outcome: str = "rotated",
    ) -> TokenAnswer:
        """Make it last, then sign: that takes longer than all the rest, and no row may be locked meanwhile.

        Should the answer be lost from here on, the client repeats itself and gets the same successor.
        """
        if grant.acted_by:
            user_id, client_id = grant.subject.id, grant.client.client_id
            by = Caller(actor=grant.acted_by)
            self.audit.record(Event.ACTING_USED, by, user_id=user_id, client_id=client_id, what="refresh")
        self.db.commit()
        self.audit.tally.count(Fact.REFRESH, outcome)
        access_token = self.tokens.access_token(grant)
        id_token = None
        scopes = split(grant.scope)
        if "openid" in scopes:
            # Core section 12.2: the original auth_time, no new nonce.
            asked, is_lean = (row.claims or {}).get("id_token"), grant.client.lean_id_token
            said = self.claims.for_id_token(grant.subject, scopes, asked, groups_from(row), is_lean=is_lean)
            id_token = self.tokens.id_token(grant, access_token, None, said)
        return TokenAnswer(
            access_token,
            _whole_seconds(grant.expires_at - now),
            grant.scope,
            token,
            _whole_seconds(expires_at - now),
            id_token,
        )

    def life(self, client: ClientRecord) -> timedelta:
        """How long a refresh token of ``client`` may lie unused."""
        seconds = client.refresh_token_seconds
        return timedelta(seconds=seconds) if seconds else self.tokens.lifetimes.refresh


def _is_usable(row: Any, use: _Use) -> bool:
    """Whether nothing speaks against the rotation of a token as it was read."""
    return not (_is_foreign(row, use) or _is_ended(row) or row.rotated_at is not None or _is_expired(row, use))


def _is_foreign(row: Any, use: _Use) -> bool:
    return bool(row.client_id != use.client.client_id)


def _is_ended(row: Any) -> bool:
    return bool(row.family_revoked_at or row.revoked_at or row.session_ended_at or not row.subject_is_active)


def _is_expired(row: Any, use: _Use) -> bool:
    return bool(min(row.expires_at, row.family_expires_at) <= use.now)


def _is_stranger(row: Any, use: _Use) -> bool:
    """Whether somebody repeats a token without a secret, in another network and by another program."""
    return (
        not use.client.is_confidential
        and row.user_agent != use.caller.user_agent
        and not is_same_network(row.client_ip, use.caller.ip_address)
    )


def _grant(row: Any, use: _Use, jti: str, issued_at: datetime, expires_at: datetime) -> AccessGrant:
    return AccessGrant(
        subject=subject_from(row),
        client=use.client,
        scope=_scope(row, use),
        session_id=row.session_id,
        authenticated_at=row.authenticated_at,
        jti=jti,
        issued_at=issued_at,
        expires_at=expires_at,
        acted_by=row.acted_by,
        acted_until=row.family_expires_at if row.acted_by else None,
    )


def _row(
    token: str, family_id: str, grant: AccessGrant, expires_at: datetime, caller: Caller, generation: int
) -> dict[str, Any]:
    """A new token as it is stored."""
    return {
        "id": new_id(),
        "token_hash": sha256(token),
        "family_id": family_id,
        "session_id": grant.session_id,
        "client_id": grant.client.client_id,
        "user_id": grant.subject.id,
        "scope": grant.scope,
        "access_jti": grant.jti,
        "access_issued_at": grant.issued_at,
        "access_expires_at": grant.expires_at,
        "expires_at": expires_at,
        "created_at": grant.issued_at,
        "revoked_at": None,
        "rotated_at": None,
        "last_used_at": None,
        "client_ip": caller.ip_address,
        "user_agent": caller.user_agent,
        "rotation_count": generation,
        "repeat_count": 0,
        "successor_hash": None,
        "sealed_successor": None,
    }


def _scope(row: Any, use: _Use) -> str:
    """What of the family's scope still counts, or the part of it that is asked for; the answer tells which."""
    granted, requested = split(row.scope), split(use.scope)
    # RFC 6749 section 6: the scope may narrow, never widen.
    if any(scope not in granted for scope in requested):
        cause = Cause("scope_exceeds", {"sent": scope_names(set(requested) - set(granted)), "granted": row.scope})
        said = "The requested scope exceeds the scope that was granted"
        raise ProtocolRefusal("invalid_scope", said, cause=cause)
    scopes = scopes_in_force(row.scope, use.client.allowed_scopes, row)
    if not is_renewable(row.scope, scopes, is_first_party=use.client.is_first_party):
        cause = Cause("scopes_gone", {"granted": row.scope})
        raise ProtocolRefusal("invalid_grant", "What was granted is not allowed any more", cause=cause)
    if not (wanted := [scope for scope in requested or scopes if scope in scopes]):
        cause = Cause("scopes_gone", {"sent": scope_names(requested), "granted": row.scope})
        raise ProtocolRefusal("invalid_scope", "The requested scope is not allowed any more", cause=cause)
    return " ".join(wanted)


def _whole_seconds(life: timedelta) -> int:
    return max(0, int(life.total_seconds()))


def _what_ended(row: Any, use: _Use) -> Cause:
    for check, moment in (
        ("session_ended", row.session_ended_at),
        ("family_ended", row.family_revoked_at or row.revoked_at),
    ):
        if moment:
            return Cause(check, {"seconds_ago": seconds(use.now - moment)})
    return Cause("person_inactive")


def _refused(cause: Cause) -> ProtocolRefusal:
    return ProtocolRefusal("invalid_grant", "Invalid or expired refresh token", cause=cause)
