"""Single sign-on sessions: the row is the truth, the cookie's value is kept as a hash only."""

from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa

from app.models import UserSession, new_id
from app.services.audit import Audit, Event
from app.services.claims import SUBJECT_COLUMNS, Subject, subject_from, with_subject
from app.services.environment import Caller, Clock, Database, random_token, sha256
from app.services.revocations import Revocations
from app.services.statements import Statement

TOUCH_AFTER = timedelta(seconds=60)
_session = cast(sa.Table, UserSession.__table__)
_FIND = Statement(
    sa.select(
        _session.c.id,
        _session.c.is_remembered,
        _session.c.authenticated_at,
        _session.c.last_used_at,
        _session.c.expires_at,
        _session.c.ended_at,
        *SUBJECT_COLUMNS,
    )
    .select_from(with_subject(_session, _session.c.user_id))
    .where(_session.c.token_hash == sa.bindparam("token_hash"))
)


@dataclass(frozen=True, slots=True)
class SessionPolicy:
    """How long sessions live."""

    idle: timedelta
    absolute: timedelta
    remembered: timedelta


@dataclass(frozen=True, slots=True)
class ActiveSession:
    """A session that is good right now, and the person it belongs to."""

    id: str
    subject: Subject
    authenticated_at: datetime
    last_used_at: datetime
    is_remembered: bool
    expires_at: datetime

    @property
    def user_id(self) -> str:
        """The person's id."""
        return self.subject.id


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session as lists show it."""

    id: str
    device_name: str
    ip_address: str
    user_agent: str
    is_remembered: bool
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    access_count: int

    def as_dict(self) -> dict[str, Any]:
        """Its fields by name."""
        return asdict(self)


class Sessions:
    """Starts, finds and ends sessions."""

    def __init__(
        self, db: Database, clock: Clock, audit: Audit, revocations: Revocations, policy: SessionPolicy
    ) -> None:
        self.db = db
        self.clock = clock
        self.audit = audit
        self.revocations = revocations
        self.policy = policy

    def start(
        self, user_id: str, caller: Caller, *, remember: bool = False, replaces: ActiveSession | None = None
    ) -> tuple[str, str]:
        """Begin a session after a successful login; answers its public id and the cookie's value.

        The session of the same person that the browser held before goes on under the new value: its id, and
        all that hangs on it, stays, the old value is dead. One of another person ends.
        """
        token, now = random_token(256), self.clock()
        life = self.policy.remembered if remember else self.policy.absolute
        values: dict[str, Any] = {
            "token_hash": sha256(token),
            "ip_address": caller.ip_address,
            "user_agent": caller.user_agent,
            "is_remembered": remember,
            "authenticated_at": now,
            "last_used_at": now,
            "expires_at": now + life,
        }
        if replaces and replaces.user_id == user_id:
            kept = self.db.session.execute(
                sa.update(_session).where(_session.c.id == replaces.id, _session.c.ended_at.is_(None)).values(values)
            )
            if cast(Any, kept).rowcount == 1:
                return replaces.id, token
        elif replaces:
            self.end(replaces.id, "replaced", caller)
        session_id = new_id()
        self.db.session.execute(
            sa.insert(_session).values(id=session_id, user_id=user_id, created_at=now, access_count=1, **values)
        )
        return session_id, token

    def resolve(self, token: str) -> ActiveSession | None:
        """The session a cookie's value names, if it has not ended, expired or idled out and the person is active."""
        row = _FIND.first(self.db, token_hash=sha256(token))
        if row is None or row.ended_at is not None or not row.subject_is_active:
            return None
        now = self.clock()
        if row.expires_at <= now or (not row.is_remembered and row.last_used_at + self.policy.idle <= now):
            return None
        return ActiveSession(
            row.id, subject_from(row), row.authenticated_at, row.last_used_at, row.is_remembered, row.expires_at
        )

    def needs_touch(self, session: ActiveSession) -> bool:
        """Whether the last use on record is old enough to be written anew."""
        return self.clock() - session.last_used_at >= TOUCH_AFTER

    def touch(self, session: ActiveSession) -> None:
        """Put the use of a session on record, which moves its idle end."""
        self.db.session.execute(
            sa.update(_session)
            .where(_session.c.id == session.id, _session.c.ended_at.is_(None))
            .values(last_used_at=self.clock(), access_count=_session.c.access_count + 1)
        )

    def end(self, session_id: str, reason: str, caller: Caller) -> bool:
        """End a session and all that hangs on it; answers whether it was still open."""
        row = self.db.session.execute(
            sa.update(_session)
            .where(_session.c.id == session_id, _session.c.ended_at.is_(None))
            .values(ended_at=self.clock(), end_reason=reason)
            .returning(_session.c.user_id)
        ).first()
        if row is None:
            return False
        self.revocations.end_session(session_id, reason, caller)
        self.audit.record(Event.SESSION_ENDED, caller, user_id=row.user_id, reason=reason, session=session_id)
        return True

    def end_all(self, user_id: str, reason: str, caller: Caller, *, except_id: str | None = None) -> int:
        """End every session of a person but one; answers how many."""
        ended = self.db.session.scalars(
            sa.update(_session)
            .where(_session.c.user_id == user_id, _session.c.ended_at.is_(None), _session.c.id != (except_id or ""))
            .values(ended_at=self.clock(), end_reason=reason)
            .returning(_session.c.id)
        ).all()
        if ended:
            self.revocations.end_sessions(user_id, reason, caller, except_id=except_id)
            self.audit.record(Event.SESSION_ENDED, caller, user_id=user_id, reason=reason, sessions=len(ended))
        return len(ended)

    def of(self, user_id: str, *, limit: int = 100) -> list[OpenSession]:
        """The open sessions of a person, the latest used first."""
        now = self.clock()
        columns = [_session.c[field.name] for field in fields(OpenSession)]
        rows = self.db.session.execute(
            sa.select(*columns)
            .where(
                _session.c.user_id == user_id,
                _session.c.ended_at.is_(None),
                _session.c.expires_at > now,
                sa.or_(_session.c.is_remembered, _session.c.last_used_at > now - self.policy.idle),
            )
            .order_by(_session.c.last_used_at.desc(), _session.c.id)
            .limit(limit)
        )
        return [OpenSession(*row) for row in rows]

    def user_of(self, session_id: str) -> str | None:
        """Whose session it is, ended or not."""
        return self.db.session.scalar(sa.select(_session.c.user_id).where(_session.c.id == session_id))
