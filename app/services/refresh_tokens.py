"""Refresh tokens: rotated at each use, reuse ends the family, and a lost response logs nobody out.

Only hashes are kept. For a short window the successor is kept as well, sealed with a key that only the
token it replaced can derive, so the same client repeating that token gets the same successor, and neither
the database nor a backup can open it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa

from app.errors import ProtocolRefusal
from app.models import RefreshToken, TokenFamily, UserSession, new_id
from app.services.audit import Audit, Event
from app.services.claims import SUBJECT_COLUMNS, Claims, subject_from, with_subject
from app.services.clients import ClientRecord
from app.services.environment import Caller, Clock, Database, random_token, sha256
from app.services.networks import is_same_network
from app.services.revocations import Revocations
from app.services.scopes import split
from app.services.sealing import open_with_token, seal_with_token
from app.services.statements import Statement
from app.services.tokens import AccessGrant, TokenAnswer, Tokens, new_jti

MOST_REPEATS = 2
_refresh = cast(sa.Table, RefreshToken.__table__)
_family = cast(sa.Table, TokenFamily.__table__)
_session = cast(sa.Table, UserSession.__table__)
_INSERT = Statement(sa.insert(_refresh), [column.name for column in _refresh.columns])
_STATE = (
    sa.select(
        _refresh.c.id,
        _refresh.c.client_id,
        _refresh.c.family_id,
        _refresh.c.session_id,
        _refresh.c.expires_at,
        _refresh.c.revoked_at,
        _refresh.c.rotated_at,
        _refresh.c.client_ip,
        _refresh.c.user_agent,
        _refresh.c.rotation_count,
        _refresh.c.repeat_count,
        _refresh.c.successor_hash,
        _refresh.c.sealed_successor,
        _family.c.scope,
        _family.c.authenticated_at,
        _family.c.claims,
        _family.c.expires_at.label("family_expires_at"),
        _family.c.revoked_at.label("family_revoked_at"),
        _session.c.ended_at.label("session_ended_at"),
        *SUBJECT_COLUMNS,
    )
    .select_from(
        with_subject(
            _refresh.join(_family, _family.c.id == _refresh.c.family_id).outerjoin(
                _session, _session.c.id == _family.c.session_id
            ),
            _family.c.user_id,
        )
    )
    .where(_refresh.c.token_hash == sa.bindparam("token_hash"))
)
_LOOK = Statement(_STATE)
# The family is locked first by whoever adds to it or ends it; the token itself must be read as it is now.
_FIND = Statement(_STATE.with_for_update(of=[_family, _refresh]))


def _of_this(name: str, column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """The bound value for the token that is rotated; the one before it keeps what it has."""
    is_this = _refresh.c.rotation_count == sa.bindparam("generation")
    return sa.case((is_this, sa.bindparam(name, type_=column.type)), else_=column)


# Its use ends the repeats of the token before it, whose sealed successor goes: kept longer, one old token and a copy of
# the database would lead from successor to successor to the living one.
_ROTATE = Statement(
    sa.update(_refresh)
    .where(
        _refresh.c.family_id == sa.bindparam("family"),
        _refresh.c.rotation_count.in_([sa.bindparam("generation"), sa.bindparam("before", type_=sa.Integer())]),
    )
    .values(
        rotated_at=_of_this("now", _refresh.c.rotated_at),
        last_used_at=_of_this("now", _refresh.c.last_used_at),
        successor_hash=_of_this("next_hash", _refresh.c.successor_hash),
        client_ip=_of_this("ip", _refresh.c.client_ip),
        user_agent=_of_this("agent", _refresh.c.user_agent),
        sealed_successor=sa.case(
            (
                _refresh.c.rotation_count == sa.bindparam("generation"),
                sa.bindparam("sealed", type_=_refresh.c.sealed_successor.type),
            ),
            else_=sa.null(),
        ),
    )
)


def _at_once() -> Statement:
    """A whole rotation as one statement of PostgreSQL: the lock of the family, the token if it is as it was, the next.

    Changes one row, or none when somebody came first; then the rules are asked, under lock.
    """
    generation = sa.bindparam("generation", type_=sa.Integer())
    family = (
        sa.select(_family.c.id)
        .where(_family.c.id == sa.bindparam("family"), _family.c.revoked_at.is_(None))
        .with_for_update()
        .cte("family")
    )
    rotated = (
        sa.update(_refresh)
        .where(
            _refresh.c.family_id == family.c.id,
            _refresh.c.rotation_count == generation,
            _refresh.c.rotated_at.is_(None),
            _refresh.c.revoked_at.is_(None),
        )
        .values(
            rotated_at=sa.bindparam("now"),
            last_used_at=sa.bindparam("now"),
            successor_hash=sa.bindparam("next_hash"),
            client_ip=sa.bindparam("ip"),
            user_agent=sa.bindparam("agent"),
            sealed_successor=sa.bindparam("sealed"),
        )
        .returning(_refresh.c.family_id)
        .cte("rotated")
    )
    before = (
        sa.update(_refresh)
        .where(_refresh.c.family_id == family.c.id, _refresh.c.rotation_count == generation - 1)
        .values(sealed_successor=sa.null())
        .cte("before")
    )
    columns = list(_refresh.columns)
    row = sa.select(*(sa.bindparam(f"new_{each.name}", type_=each.type) for each in columns)).select_from(rotated)
    insert = sa.insert(_refresh).from_select([each.name for each in columns], row, include_defaults=False)
    return Statement(insert.add_cte(before))


_ROTATE_AT_ONCE = _at_once()
_NEXT = Statement(
    sa.select(
        _refresh.c.rotated_at,
        _refresh.c.access_jti,
        _refresh.c.access_issued_at,
        _refresh.c.access_expires_at,
        _refresh.c.expires_at,
    ).where(_refresh.c.token_hash == sa.bindparam("token_hash"))
)
_REPEAT = Statement(
    sa.update(_refresh)
    .where(_refresh.c.id == sa.bindparam("row"), _refresh.c.repeat_count < MOST_REPEATS)
    .values(repeat_count=_refresh.c.repeat_count + 1)
)


@dataclass(frozen=True, slots=True)
class RefreshPolicy:
    """How long a repeated token gets its successor again; zero turns that off."""

    window: timedelta


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
        expires_at = grant.issued_at + self._life(grant.client)
        _INSERT.run_later(self.db, **_row(token, family_id, grant, expires_at, caller, generation=0))
        return token, _whole_seconds(expires_at - grant.issued_at)

    def rotate(self, client: ClientRecord, presented: str, scope: str | None, caller: Caller) -> TokenAnswer:
        """Exchange a refresh token for its successor and a new access token (:rfc:`6749#section-6`).

        Raises :class:`ProtocolRefusal` (``invalid_grant``, ``invalid_scope``). Reuse ends the family and
        commits that by itself.
        """
        token_hash, now = sha256(presented), self.clock()
        if self.db.dialect.name == "postgresql":
            row = _LOOK.first(self.db, token_hash=token_hash)
            is_usable = row is not None and _is_usable(row, client, now)
            if is_usable and (answer := self._advance(row, client, presented, scope, caller, now, at_once=True)):
                return answer
        return self._rotate_under_lock(token_hash, client, presented, scope, caller, now)

    def _rotate_under_lock(
        self, token_hash: str, client: ClientRecord, presented: str, scope: str | None, caller: Caller, now: datetime
    ) -> TokenAnswer:
        """Judge a token by all rules, while nobody else can change it."""
        row = _FIND.first(self.db, token_hash=token_hash)
        if row is None:
            raise _refused()
        if row.client_id != client.client_id:
            # RFC 6749 section 10.4: the token is another client's, for which it stays good.
            self.audit.record_refusal(
                Event.REFRESH_FOREIGN, caller, error="invalid_grant", client_id=client.client_id, user_id=row.subject_id
            )
            raise _refused()
        if row.family_revoked_at or row.revoked_at or row.session_ended_at or not row.subject_is_active:
            raise _refused()
        if row.rotated_at is not None:
            return self._repeat(row, client, presented, scope, caller, now)
        if min(row.expires_at, row.family_expires_at) <= now:
            raise _refused()
        return cast(TokenAnswer, self._advance(row, client, presented, scope, caller, now, at_once=False))

    def _advance(
        self,
        row: Any,
        client: ClientRecord,
        presented: str,
        scope: str | None,
        caller: Caller,
        now: datetime,
        *,
        at_once: bool,
    ) -> TokenAnswer | None:
        """Give out the successor.

        Either the row was read under its lock (SQLite: the file's), and nobody else can be here; or all is done
        ``at_once`` unless somebody came first, and then nothing is, and the answer is None.
        """
        narrowed = _narrowed(scope, row.scope)
        token = random_token(384)
        grant = AccessGrant(
            subject=subject_from(row),
            client=client,
            scope=narrowed,
            session_id=row.session_id,
            authenticated_at=row.authenticated_at,
            jti=new_jti(),
            issued_at=now,
            expires_at=now + self.tokens.access_life(client),
        )
        expires_at = min(now + self._life(client), row.family_expires_at)
        sealed = seal_with_token(presented, token) if self.policy.window else None
        change: dict[str, Any] = {
            "family": row.family_id,
            "generation": row.rotation_count,
            "now": now,
            "next_hash": sha256(token),
            "ip": caller.ip_address,
            "agent": caller.user_agent,
            "sealed": sealed,
        }
        successor = _row(token, row.family_id, grant, expires_at, caller, generation=row.rotation_count + 1)
        if at_once:
            named = {f"new_{name}": value for name, value in successor.items()}
            if _ROTATE_AT_ONCE.run_alone(self.db, **change, **named) != 1:
                return None
        else:
            _ROTATE.run_later(self.db, **change, before=row.rotation_count - 1)
            _INSERT.run_later(self.db, **successor)
        # Signing takes longer than all the rest; no row may be locked meanwhile. Should the answer be lost from here
        # on, the client repeats itself and gets the same successor.
        self.db.commit()
        return self._answer(row, grant, token, expires_at, now)

    def _repeat(
        self, row: Any, client: ClientRecord, presented: str, scope: str | None, caller: Caller, now: datetime
    ) -> TokenAnswer:
        """The just-rotated token again: the same successor within the window, else reuse."""
        successor = _NEXT.first(self.db, token_hash=row.successor_hash)
        is_open = self.policy.window and now - row.rotated_at <= self.policy.window
        is_stranger = (
            not client.is_confidential
            and not is_same_network(row.client_ip, caller.ip_address)
            and (row.user_agent != caller.user_agent)
        )
        if not is_open or successor is None or successor.rotated_at is not None or is_stranger:
            raise self._reused(row, caller)
        narrowed = _narrowed(scope, row.scope)
        token = open_with_token(presented, row.sealed_successor or "")
        if _REPEAT.run(self.db, row=row.id) != 1 or token is None:
            raise ProtocolRefusal("invalid_grant", "This refresh token was already used")
        grant = AccessGrant(
            subject=subject_from(row),
            client=client,
            scope=narrowed,
            session_id=row.session_id,
            authenticated_at=row.authenticated_at,
            jti=successor.access_jti,
            issued_at=successor.access_issued_at,
            expires_at=successor.access_expires_at,
        )
        self.db.commit()
        return self._answer(row, grant, token, successor.expires_at, now)

    def _reused(self, row: Any, caller: Caller) -> ProtocolRefusal:
        """RFC 9700 section 4.14.2: reuse ends the family. Commits by itself."""
        self.revocations.end_family(row.family_id, "refresh_reused", caller)
        self.audit.record_refusal(
            Event.REFRESH_REUSED, caller, error="invalid_grant", user_id=row.subject_id, client_id=row.client_id
        )
        return _refused()

    def _answer(self, row: Any, grant: AccessGrant, token: str, expires_at: datetime, now: datetime) -> TokenAnswer:
        access_token = self.tokens.access_token(grant)
        id_token = None
        scopes = split(grant.scope)
        if "openid" in scopes:
            # Core section 12.2: the original auth_time, no new nonce.
            asked = self.claims.for_id_token(grant.subject, (row.claims or {}).get("id_token") or {}, scopes)
            id_token = self.tokens.id_token(grant, access_token, None, asked)
        return TokenAnswer(
            access_token,
            _whole_seconds(grant.expires_at - now),
            grant.scope,
            token,
            _whole_seconds(expires_at - now),
            id_token,
        )

    def _life(self, client: ClientRecord) -> timedelta:
        seconds = client.refresh_token_seconds
        return timedelta(seconds=seconds) if seconds else self.tokens.lifetimes.refresh


def _is_usable(row: Any, client: ClientRecord, now: datetime) -> bool:
    """Whether nothing speaks against the rotation of a token as it was read."""
    is_over = row.family_revoked_at or row.revoked_at or row.session_ended_at or row.rotated_at
    expires_at = min(row.expires_at, row.family_expires_at)
    return not is_over and row.subject_is_active and row.client_id == client.client_id and expires_at > now


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


def _narrowed(requested: str | None, granted: str) -> str:
    """RFC 6749 section 6: the scope may narrow, never widen."""
    if not requested:
        return granted
    held = split(granted)
    if any(scope not in held for scope in split(requested)):
        raise ProtocolRefusal("invalid_scope", "The requested scope exceeds the scope that was granted")
    return " ".join(split(requested))


def _whole_seconds(life: timedelta) -> int:
    return max(0, int(life.total_seconds()))


def _refused() -> ProtocolRefusal:
    return ProtocolRefusal("invalid_grant", "Invalid or expired refresh token")
