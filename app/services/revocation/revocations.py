"""Ending tokens before their time. The rows here are the truth; ``blacklist:{jti}`` in the store is their copy.

Whoever ends a family locks its row first, as whoever adds to it does, so nothing is minted that outlives this. However
many end at once, the statements are the same few, and one row of the audit says how many.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa

from app.models import AuthorizationCode, RefreshToken, RevokedToken, TokenFamily
from app.services.foundation.environment import NOBODY, Caller, Clock, Database
from app.services.foundation.statements import insert_ignoring
from app.services.record.audit import Audit, Event
from app.services.revocation.denylist import Denylist

_family = cast(sa.Table, TokenFamily.__table__)
_refresh = cast(sa.Table, RefreshToken.__table__)
_revoked = cast(sa.Table, RevokedToken.__table__)
_code = cast(sa.Table, AuthorizationCode.__table__)
_ISSUED = (_revoked.c.jti, _revoked.c.user_id, _revoked.c.client_id, _revoked.c.expires_at)


@dataclass(frozen=True, slots=True)
class Denied:
    """An access token to deny until it expires."""

    jti: str
    user_id: str | None
    client_id: str | None
    expires_at: datetime


class Revocations:
    """Revokes families and single access tokens."""

    def __init__(self, db: Database, clock: Clock, audit: Audit, denylist: Denylist) -> None:
        self.db = db
        self.clock = clock
        self.audit = audit
        self.denylist = denylist

    def end_family(self, family_id: str, reason: str, caller: Caller = NOBODY) -> bool:
        """Revoke every token of one family; answers whether there was one that had not ended."""
        return bool(self._end(_family.c.id == family_id, reason, caller))

    def end_session(self, session_id: str, reason: str, caller: Caller = NOBODY) -> int:
        """Revoke all that hangs on a single sign-on session; answers how many families ended."""
        return self._end(_family.c.session_id == session_id, reason, caller)

    def end_sessions(self, user_id: str, reason: str, caller: Caller = NOBODY, *, except_id: str | None) -> int:
        """Revoke all that hangs on a person's sessions but one; answers how many families ended."""
        is_other = _family.c.session_id.is_distinct_from(except_id) if except_id else _family.c.session_id.is_not(None)
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

    def void_codes(self, client_id: str) -> None:
        """Make the codes worthless that a client has not redeemed yet."""
        self._void_codes(_code.c.client_id == client_id)

    def deny(self, token: Denied, reason: str, caller: Caller = NOBODY) -> bool:
        """Deny one access token until it expires, everywhere at once; answers whether that was news."""
        is_news = False
        if token.expires_at > self.clock():
            values = (token.jti, token.user_id, token.client_id, token.expires_at)
            row = [sa.literal(value, column.type) for value, column in zip(values, _ISSUED, strict=True)]
            is_news = self._deny(sa.select(*row, *self._why(reason)).where(sa.true()))
        self.audit.record(Event.TOKEN_REVOKED, caller, user_id=token.user_id, client_id=token.client_id, reason=reason)
        return is_news

    def is_denied(self, jti: str) -> bool:
        """Whether an access token was revoked."""
        return self.db.session.execute(sa.select(_revoked.c.jti).where(_revoked.c.jti == jti)).first() is not None

    def _end(self, condition: sa.ColumnElement[bool], reason: str, caller: Caller) -> int:
        session, now = self.db.session, self.clock()
        families = session.execute(
            sa.update(_family)
            .where(condition, _family.c.revoked_at.is_(None))
            .values(revoked_at=now, revoke_reason=reason)
            .returning(_family.c.id, _family.c.user_id, _family.c.client_id)
        ).all()
        if not families:
            return 0
        # What was just ended, by what it was ended with: a list of thousands of ids is more than databases take.
        just_ended = sa.and_(condition, _family.c.revoked_at == now)
        of_them = sa.and_(
            _refresh.c.family_id.in_(sa.select(_family.c.id).where(just_ended)), _refresh.c.revoked_at.is_(None)
        )
        why = self._why(reason)
        issued = [
            sa.select(table.c.access_jti, table.c.user_id, table.c.client_id, table.c.access_expires_at, *why).where(
                is_meant, table.c.access_expires_at > now
            )
            for table, is_meant in ((_family, just_ended), (_refresh, of_them))
        ]
        self._deny(sa.union_all(*issued))
        session.execute(sa.update(_refresh).where(of_them).values(revoked_at=now, sealed_successor=None))
        self.audit.record(
            Event.TOKEN_REVOKED,
            caller,
            user_id=_only({row.user_id for row in families}),
            client_id=_only({row.client_id for row in families}),
            reason=reason,
            **({"family": families[0].id} if len(families) == 1 else {"families": len(families)}),
        )
        return len(families)

    def _void_codes(self, condition: sa.ColumnElement[bool]) -> None:
        self.db.session.execute(
            sa.update(_code).where(condition, _code.c.redeemed_at.is_(None)).values(expires_at=self.clock())
        )

    def _why(self, reason: str) -> list[sa.ColumnElement[Any]]:
        return [sa.literal(reason), sa.literal(self.clock(), _revoked.c.blacklisted_at.type)]

    def _deny(self, tokens: "sa.Select[Any] | sa.CompoundSelect[Any]") -> bool:
        """Put access tokens on the denylist, but for those that are there already; answers whether there were others.

        Two requests may do it in the same moment.
        """
        columns = [*_ISSUED, _revoked.c.reason, _revoked.c.blacklisted_at]
        denied = self.db.session.execute(
            insert_ignoring(self.db.dialect, _revoked)
            .from_select([column.name for column in columns], tokens, include_defaults=False)
            .returning(*columns)
        ).all()
        if denied and self.denylist.store:
            # Backends that share the store read the copies; they are written once the truth is safe.
            self.db.afterwards(lambda: self.denylist.publish(denied))
        return bool(denied)


def _only(values: set[str]) -> str | None:
    """The value, if it is only one."""
    return next(iter(values)) if len(values) == 1 else None
