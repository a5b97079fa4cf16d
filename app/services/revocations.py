"""Ending tokens before their time. The rows here are the truth; ``blacklist:{jti}`` in the store is their copy.

Whoever ends a family locks its row first, as whoever adds to it does, so nothing is minted that outlives this.
"""

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from app.models import AuthorizationCode, RefreshToken, RevokedToken, TokenFamily
from app.services.audit import Audit, Event
from app.services.environment import NOBODY, Caller, Clock, Database
from app.stores import KeyValueStore, StoreUnavailable

logger = logging.getLogger("portal.revocations")
_family = cast(sa.Table, TokenFamily.__table__)
_refresh = cast(sa.Table, RefreshToken.__table__)
_revoked = cast(sa.Table, RevokedToken.__table__)
_code = cast(sa.Table, AuthorizationCode.__table__)


@dataclass(frozen=True, slots=True)
class Denied:
    """An access token to deny until it expires."""

    jti: str
    user_id: str | None
    client_id: str | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class DeniedToken:
    """An entry of the denylist as operators see it."""

    jti: str
    user_id: str | None
    client_id: str | None
    reason: str
    denied_at: datetime
    expires_at: datetime

    def as_dict(self) -> dict[str, Any]:
        """Its fields by name."""
        return asdict(self)


class Revocations:
    """Revokes families and single access tokens."""

    def __init__(self, db: Database, clock: Clock, audit: Audit, store: KeyValueStore) -> None:
        self.db = db
        self.clock = clock
        self.audit = audit
        self.store = store

    def end_family(self, family_id: str, reason: str, caller: Caller = NOBODY) -> None:
        """Revoke every token of one family."""
        self._end(_family.c.id == family_id, reason, caller)

    def end_session(self, session_id: str, reason: str, caller: Caller = NOBODY) -> int:
        """Revoke all that hangs on a single sign-on session; answers how many families ended."""
        return self._end(_family.c.session_id == session_id, reason, caller)

    def end_sessions(self, user_id: str, reason: str, caller: Caller = NOBODY, *, except_id: str | None) -> int:
        """Revoke all that hangs on a person's sessions but one; answers how many families ended."""
        is_other = _family.c.session_id != except_id if except_id else _family.c.session_id.is_not(None)
        return self._end(sa.and_(_family.c.user_id == user_id, is_other), reason, caller)

    def end_user(self, user_id: str, reason: str, caller: Caller = NOBODY) -> int:
        """Revoke all tokens of a person."""
        self._void_codes(_code.c.user_id == user_id)
        return self._end(_family.c.user_id == user_id, reason, caller)

    def end_consent(self, user_id: str, client_id: str, reason: str, caller: Caller = NOBODY) -> int:
        """Revoke all tokens a client holds for a person, and the codes it has not redeemed yet."""
        self._void_codes(sa.and_(_code.c.user_id == user_id, _code.c.client_id == client_id))
        return self._end(sa.and_(_family.c.user_id == user_id, _family.c.client_id == client_id), reason, caller)

    def end_client(self, client_id: str, reason: str, caller: Caller = NOBODY) -> int:
        """Revoke all tokens issued to a client."""
        self._void_codes(_code.c.client_id == client_id)
        return self._end(_family.c.client_id == client_id, reason, caller)

    def deny(self, token: Denied, reason: str, caller: Caller = NOBODY) -> None:
        """Deny one access token until it expires, everywhere at once."""
        self._deny_all([token], reason)
        self.audit.record(Event.TOKEN_REVOKED, caller, user_id=token.user_id, client_id=token.client_id, reason=reason)

    def is_denied(self, jti: str) -> bool:
        """Whether an access token was revoked."""
        return self.db.session.execute(sa.select(_revoked.c.jti).where(_revoked.c.jti == jti)).first() is not None

    def denied(self, user_id: str | None, limit: int) -> list[DeniedToken]:
        """Access tokens that were ended before their time and have not expired, the latest first."""
        query = sa.select(
            _revoked.c.jti,
            _revoked.c.user_id,
            _revoked.c.client_id,
            _revoked.c.reason,
            _revoked.c.blacklisted_at,
            _revoked.c.expires_at,
        ).where(_revoked.c.expires_at > self.clock())
        if user_id is not None:
            query = query.where(_revoked.c.user_id == user_id)
        rows = self.db.session.execute(query.order_by(_revoked.c.blacklisted_at.desc(), _revoked.c.jti).limit(limit))
        return [DeniedToken(*row) for row in rows]

    def _end(self, condition: sa.ColumnElement[bool], reason: str, caller: Caller) -> int:
        session, now = self.db.session, self.clock()
        families = session.execute(
            sa.update(_family)
            .where(condition, _family.c.revoked_at.is_(None))
            .values(revoked_at=now, revoke_reason=reason)
            .returning(
                _family.c.id, _family.c.user_id, _family.c.client_id, _family.c.access_jti, _family.c.access_expires_at
            )
        ).all()
        if not families:
            return 0
        ids = [row.id for row in families]
        issued = session.execute(
            sa.update(_refresh)
            .where(_refresh.c.family_id.in_(ids), _refresh.c.revoked_at.is_(None))
            .values(revoked_at=now, sealed_successor=None)
            .returning(_refresh.c.access_jti, _refresh.c.user_id, _refresh.c.client_id, _refresh.c.access_expires_at)
        ).all()
        self._deny_all(
            [Denied(row.access_jti, row.user_id, row.client_id, row.access_expires_at) for row in (*families, *issued)],
            reason,
        )
        for row in families:
            self.audit.record(
                Event.TOKEN_REVOKED, caller, user_id=row.user_id, client_id=row.client_id, reason=reason, family=row.id
            )
        return len(families)

    def _void_codes(self, condition: sa.ColumnElement[bool]) -> None:
        self.db.session.execute(
            sa.update(_code).where(condition, _code.c.redeemed_at.is_(None)).values(expires_at=self.clock())
        )

    def _deny_all(self, tokens: Sequence[Denied], reason: str) -> None:
        now = self.clock()
        live = {token.jti: token for token in tokens if token.expires_at > now}
        if not live:
            return
        rows = [
            {
                "jti": token.jti,
                "user_id": token.user_id,
                "client_id": token.client_id,
                "reason": reason,
                "blacklisted_at": now,
                "expires_at": token.expires_at,
            }
            for token in live.values()
        ]
        self.db.session.execute(_insert_ignoring(self.db.session.get_bind()), rows)
        # Backends that share the store read this copy; it is written once the truth is safe.
        sa.event.listen(self.db.session, "after_commit", lambda _: self._publish(rows), once=True)

    def _publish(self, rows: Iterable[dict[str, Any]]) -> None:
        now = self.clock()
        try:
            for row in rows:
                value = {
                    "reason": row["reason"],
                    "blacklisted_at": row["blacklisted_at"].isoformat(),
                    "user_id": row["user_id"],
                    "exp": int(row["expires_at"].timestamp()),
                }
                seconds = max(1, int((row["expires_at"] - now).total_seconds()))
                self.store.put(f"blacklist:{row['jti']}", json.dumps(value).encode(), seconds)
        except StoreUnavailable:
            logger.warning("denylist.publish_failed")


def _insert_ignoring(bind: sa.Engine | sa.Connection) -> Any:
    """An insert that leaves a token alone that another request denied in the same moment."""
    insert = postgresql.insert if bind.dialect.name == "postgresql" else sqlite.insert
    return insert(_revoked).on_conflict_do_nothing(index_elements=["jti"])
