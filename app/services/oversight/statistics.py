"""The portal in figures: how many there are of what, and what was logged in and refused over time."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa

from app.models import AuditLog, Client, RefreshToken, RevokedToken, TokenFamily, User, UserSession
from app.services.foundation.environment import Clock, Database
from app.services.record.audit import Event
from app.services.revocation.families import is_living
from app.services.sessions.policy import SessionPolicy

_client = cast(sa.Table, Client.__table__)
_user = cast(sa.Table, User.__table__)
_session = cast(sa.Table, UserSession.__table__)
_family = cast(sa.Table, TokenFamily.__table__)
_refresh = cast(sa.Table, RefreshToken.__table__)
_revoked = cast(sa.Table, RevokedToken.__table__)
_log = cast(sa.Table, AuditLog.__table__)
COUNTED = {
    Event.LOGIN_SUCCEEDED: "logins",
    Event.LOGIN_FAILED: "failed_logins",
    Event.CODE_REDEEMED: "codes_redeemed",
    Event.SERVICE_TOKEN_ISSUED: "service_tokens_issued",
    Event.CLIENT_AUTHENTICATION_FAILED: "failed_client_authentications",
    Event.REFRESH_REUSED: "refresh_tokens_reused",
    Event.CODE_REUSED: "codes_reused",
}
"""What is counted over time, by its name in the figures."""


@dataclass(frozen=True, slots=True)
class Span:
    """Some time and what happened in it: the ends are UTC, the first one within, the second one not."""

    begin: datetime
    end: datetime
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Figures:
    """All of it at one moment; each inner dictionary says how many by a name."""

    at: datetime
    clients: dict[str, int]
    users: dict[str, int]
    sessions: dict[str, int]
    tokens: dict[str, dict[str, int]]
    history: list[Span]


class Statistics:
    """Counts."""

    def __init__(self, db: Database, clock: Clock, policy: SessionPolicy) -> None:
        self.db = db
        self.clock = clock
        self.policy = policy

    def figures(self, step: timedelta, spans: int) -> Figures:
        """The present figures, and the history of the last ``spans`` spans of ``step`` each, the oldest first.

        Spans begin where the step divides the time since midnight UTC; the last one is under way.
        """
        now = self.clock()
        history = self._history(now, step, spans)
        return Figures(now, self.clients(), self.users(), self._sessions(now), self._tokens(now, history), history)

    def clients(self) -> dict[str, int]:
        """Applications, of which kind how many."""
        return self._counted(
            _client, active=_client.c.is_active, confidential=_client.c.is_confidential, listed=_client.c.is_listed
        )

    def users(self) -> dict[str, int]:
        """Accounts, of which kind how many."""
        return self._counted(
            _user,
            active=_user.c.is_active,
            verified=_user.c.email_verified,
            administrators=_user.c.is_superuser,
            leaving=_user.c.deletes_at.is_not(None),
        )

    def _sessions(self, now: datetime) -> dict[str, int]:
        is_open = self.policy.open_rows(now)
        open_ones = sa.select(sa.func.count(), sa.func.count(_session.c.user_id.distinct())).where(is_open)
        count, people = self.db.session.execute(open_ones.select_from(_session)).one()
        return {"open": count, "people": people}

    def _tokens(self, now: datetime, history: list[Span]) -> dict[str, dict[str, int]]:
        is_ended, is_over = _family.c.revoked_at.is_not(None), _refresh.c.expires_at <= now
        grants = self._counted(_family, active=is_living(now), revoked=is_ended)
        grants["expired"] = grants["total"] - grants["active"] - grants["revoked"]
        is_revoked, is_rotated = _refresh.c.revoked_at.is_not(None), _refresh.c.rotated_at.is_not(None)
        refresh = self._counted(
            _refresh,
            active=sa.not_(sa.or_(is_revoked, is_rotated, is_over)),
            rotated=sa.and_(is_rotated, sa.not_(is_revoked)),
            revoked=is_revoked,
            expired=sa.and_(is_over, sa.not_(sa.or_(is_revoked, is_rotated))),
        )
        issued = sum(span.counts["service_tokens_issued"] for span in history)
        denied = self.db.session.scalar(
            sa.select(sa.func.count()).select_from(_revoked).where(_revoked.c.expires_at > now)
        )
        return {
            "authorization_code": grants,
            "refresh_token": refresh,
            "client_credentials": {"issued": issued},
            "denylist": {"total": int(denied or 0)},
        }

    def _history(self, now: datetime, step: timedelta, spans: int) -> list[Span]:
        midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        end = midnight + ((now - midnight) // step + 1) * step
        begins = [end - step * number for number in range(spans, 0, -1)]
        # One pass over the records of that time; where a span ends is told by the first end behind a record.
        place = sa.case(
            *((_log.c.created_at < begin + step, number) for number, begin in enumerate(begins)), else_=spans
        )
        query = (
            sa.select(place.label("place"), _log.c.action, sa.func.count().label("count"))
            .where(_log.c.created_at >= begins[0], _log.c.action.in_([event.value for event in COUNTED]))
            .group_by(sa.text("place"), _log.c.action)
        )
        found = [Span(begin, begin + step, dict.fromkeys(COUNTED.values(), 0)) for begin in begins]
        for row in self.db.session.execute(query):
            if row.place < spans:
                found[row.place].counts[COUNTED[Event(row.action)]] += row.count
        return found

    def _counted(self, table: sa.Table, **conditions: sa.ColumnElement[bool]) -> dict[str, int]:
        """How many rows there are, and of how many each condition holds, in one statement."""
        each = [_how_many(condition).label(name) for name, condition in conditions.items()]
        row = self.db.session.execute(sa.select(sa.func.count().label("total"), *each).select_from(table)).one()
        return {name: int(value or 0) for name, value in row._mapping.items()}


def _how_many(condition: sa.ColumnElement[bool]) -> "sa.ColumnElement[Any]":
    return sa.func.sum(sa.case((condition, 1), else_=0))
