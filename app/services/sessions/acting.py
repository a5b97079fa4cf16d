"""Administrators who act as somebody: they see the portal and applications as that person does, for a short time.

It is a session of its own, which hangs on the administrator's. What it may do is decided by those who are asked in it;
here it begins, and ends: with the button, at the limit, and with anything that allowed it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa

from app.errors import InvalidInput, sentence
from app.models import User, UserSession, new_id
from app.services.delivery.mail import Mail
from app.services.foundation.environment import Caller, Clock, Database, random_token, sha256
from app.services.foundation.person import person_of
from app.services.foundation.texts import clusters, one_line
from app.services.record.audit import Audit, Event
from app.services.record.tally import Fact
from app.services.sessions import acting_rules
from app.services.sessions.policy import SUPPORT, ActiveSession
from app.services.sessions.sessions import Sessions

LONGEST_MINUTES = 60
SHORTEST_REASON, LONGEST_REASON = 5, 500
ENDED, REPLACED, NOT_ALLOWED = "acting_ended", "acting_replaced", "acting_not_allowed"
REASON = sentence("Say why, in 5 to 500 characters. The person reads it.")
MINUTES = sentence("Say how long: 1 to 60 minutes.")
ONESELF = sentence("You cannot act as yourself.")
NESTED = sentence("Whoever acts as somebody cannot act as yet another person.")
ACTIVITY = "/account/activity"
"""Where the person sees what was done."""
_session = cast(sa.Table, UserSession.__table__)
_user = cast(sa.Table, User.__table__)
_OPEN = sa.and_(_session.c.acted_by.is_not(None), _session.c.ended_at.is_(None))


@dataclass(frozen=True, slots=True)
class ActedAs:
    """That somebody acts as somebody, as operators see it."""

    session_id: str
    user_id: str
    email: str
    administrator_id: str
    reason: str
    began_at: datetime
    until: datetime


class ActingSessions:
    """Begins them, finds those that are over, ends them."""

    def __init__(
        self, db: Database, clock: Clock, audit: Audit, sessions: Sessions, mail: Mail, usual: timedelta, issuer: str
    ) -> None:
        self.db = db
        self.clock = clock
        self.audit = audit
        self.sessions = sessions
        self.mail = mail
        self.usual = usual
        self.issuer = issuer

    def hindrance(self, own: ActiveSession, user_id: str) -> str | None:
        """What speaks against that the administrator of ``own`` acts as this person, as a sentence; None: nothing."""
        if user_id == own.user_id:
            return ONESELF
        code = acting_rules.against(self.db, user_id)
        return acting_rules.REFUSALS[code] if code else None

    def start(self, own: ActiveSession, user_id: str, reason: str, minutes: int | None, caller: Caller) -> str:
        """Have the administrator of the session ``own`` act as a person; answers the value of its cookie.

        ``caller`` is that administrator, who proved to be there a short while ago. Raises :class:`InvalidInput`.
        """
        said = one_line(reason)
        if len(clusters(said)) < SHORTEST_REASON or len(said) > LONGEST_REASON:
            raise InvalidInput(REASON, "reason")
        if minutes is not None and not 1 <= minutes <= LONGEST_MINUTES:
            raise InvalidInput(MINUTES, "minutes")
        by = caller.unlocated()
        if own.acting is not None:
            raise self._refused(user_id, "nested", NESTED, by)
        if user_id == own.user_id:
            raise self._refused(user_id, "oneself", ONESELF, by)
        if code := acting_rules.against(self.db, user_id):
            raise self._refused(user_id, code, acting_rules.REFUSALS[code], by)
        for session_id in self._ids(_session.c.acting_session_id == own.id):
            self.sessions.end(session_id, REPLACED, by)
        return self._begun(own, user_id, said, timedelta(minutes=minutes) if minutes else self.usual, by)

    def _begun(self, own: ActiveSession, user_id: str, reason: str, life: timedelta, by: Caller) -> str:
        session_id, token, now = new_id(), random_token(256), self.clock()
        until = min(now + life, own.expires_at)
        self.db.session.execute(
            sa.insert(_session).values(
                id=session_id,
                user_id=user_id,
                token_hash=sha256(token),
                # Where the administrator is says nothing of the person, in whose lists and export this row stands.
                device_name=SUPPORT,
                ip_address="",
                user_agent="",
                is_remembered=False,
                authenticated_at=now,
                created_at=now,
                last_used_at=now,
                access_count=1,
                expires_at=until,
                acted_by=own.user_id,
                acting_session_id=own.id,
                act_reason=reason,
            )
        )
        self.audit.record(
            Event.ACTING_STARTED,
            by,
            user_id=user_id,
            act_reason=reason,
            until=until.isoformat(),
            session=session_id,
            own_session=own.id,
        )
        self.audit.tally.count_if_kept([(Fact.SESSION_STARTED, ("acting",), 1)])
        if person := person_of(self.db, user_id):
            self.mail.send("account_seen", person, reason=reason, until=until, link=self.issuer + ACTIVITY)
        return token

    def end(self, session: ActiveSession, caller: Caller) -> None:
        """End a session in which somebody acts, by the wish of whoever does."""
        self.sessions.end(session.id, ENDED, caller)

    def close(self, token: str) -> None:
        """End the session of this cookie if it is over, with why on record; one that is not goes on.

        Commits by itself: it is over whatever becomes of the request that found it so.
        """
        with self.db.reaching_all():
            closed = [row.id for row in self._rows(_session.c.token_hash == sha256(token)) if self._close(row)]
        if closed:
            self.db.commit()

    def settle(self) -> int:
        """End all that are over though nobody came back, so that applications hear of it; answers how many."""
        closed = 0
        for row in self._rows(sa.true()):
            closed += self._close(row)
            self.db.commit()
        return closed

    def end_all(self, caller: Caller, *, administrator_id: str | None = None) -> int:
        """End every one, or those of an administrator; answers how many."""
        is_meant = _session.c.acted_by == administrator_id if administrator_id else sa.true()
        return sum(self.sessions.end(session_id, "ended_by_operator", caller) for session_id in self._ids(is_meant))

    def current(self) -> list[ActedAs]:
        """Who is acted as at the moment, the latest first."""
        query = (
            sa.select(
                _session.c.id,
                _session.c.user_id,
                _user.c.email,
                _session.c.acted_by,
                _session.c.act_reason,
                _session.c.created_at,
                _session.c.expires_at,
            )
            .join(_user, _user.c.id == _session.c.user_id)
            .where(_OPEN, _session.c.expires_at > self.clock())
            .order_by(_session.c.created_at.desc(), _session.c.id)
        )
        return [ActedAs(*row) for row in self.db.session.execute(query)]

    def _close(self, row: Any) -> bool:
        reason = self._over(row)
        if reason is None:
            return False
        return self.sessions.end(row.id, reason, Caller(actor=row.acted_by))

    def _over(self, row: Any) -> str | None:
        if not self.sessions.policy.is_open(row, self.clock()):
            return acting_rules.EXPIRED
        _, over = acting_rules.administrator_of(self.db, row)
        return over or (NOT_ALLOWED if acting_rules.against(self.db, row.user_id) else None)

    def _rows(self, condition: sa.ColumnElement[bool]) -> list[Any]:
        return list(self.db.session.execute(sa.select(_session).where(_OPEN, condition)).all())

    def _ids(self, condition: sa.ColumnElement[bool]) -> list[str]:
        return list(self.db.session.scalars(sa.select(_session.c.id).where(_OPEN, condition)))

    def _refused(self, user_id: str, code: str, message: str, by: Caller) -> InvalidInput:
        """Put it on record, which commits by itself. Of nobody's account there is none."""
        person = None if code == "unknown" else user_id
        self.audit.record_refusal(Event.ACTING_REFUSED, by, error=code, user_id=person, of=user_id)
        return InvalidInput(message)
