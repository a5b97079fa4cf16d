"""What a session is to those who ask, and how long one is good."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa

from app.errors import sentence
from app.models import UserSession
from app.services.tokens.claims import Subject

SUPPORT = sentence("Support")
"""What stands in the place of a device where an administrator acts as the person."""
_session = cast(sa.Table, UserSession.__table__)


@dataclass(frozen=True, slots=True)
class SessionPolicy:
    """How long sessions live, counted from the last login in them; they are held to it as it is now.

    With ``remembered`` zero nobody is remembered: sessions that were are held to the rules of the others.
    """

    idle: timedelta
    absolute: timedelta
    remembered: timedelta

    def is_remembered(self, wanted: bool) -> bool:
        """Whether a session for which it was asked is remembered."""
        return wanted and self.remembered > timedelta()

    def end_of(self, authenticated_at: datetime, expires_at: datetime, *, is_remembered: bool) -> datetime:
        """When a session is over however it is used: at ``expires_at``, or earlier if lives were shortened since."""
        life = self.remembered if self.is_remembered(is_remembered) else self.absolute
        return min(expires_at, authenticated_at + life)

    def is_open(self, row: Any, now: datetime) -> bool:
        """Whether the row of a session names one that is good ``now``; :meth:`open_rows` says the same in SQL."""
        if row.ended_at is not None:
            return False
        if self.end_of(row.authenticated_at, row.expires_at, is_remembered=row.is_remembered) <= now:
            return False
        return self.is_remembered(row.is_remembered) or row.last_used_at + self.idle > now

    def open_rows(self, now: datetime) -> sa.ColumnElement[bool]:
        """The condition of rows of sessions that are good ``now``."""
        kept = sa.and_(_session.c.authenticated_at > now - self.absolute, _session.c.last_used_at > now - self.idle)
        if self.remembered > timedelta():
            is_kept = sa.and_(_session.c.is_remembered, _session.c.authenticated_at > now - self.remembered)
            kept = sa.or_(is_kept, sa.and_(sa.not_(_session.c.is_remembered), kept))
        return sa.and_(_session.c.ended_at.is_(None), _session.c.expires_at > now, kept)


@dataclass(frozen=True, slots=True)
class Acting:
    """That a session is one in which an administrator acts as its person, out of a session of their own."""

    administrator_id: str
    administrator: str
    session_id: str
    until: datetime


@dataclass(frozen=True, slots=True)
class ActiveSession:
    """A session that is good right now, and the person it belongs to; ``acting``, where somebody acts as them."""

    id: str
    subject: Subject
    authenticated_at: datetime
    last_used_at: datetime
    is_remembered: bool
    expires_at: datetime
    acting: Acting | None = None

    @property
    def user_id(self) -> str:
        """The person's id."""
        return self.subject.id
