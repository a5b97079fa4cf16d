"""The portal over time, for who looks after it: by the hour and by the day, and what ends soon or waits.

It is read from what was counted by the hour (:mod:`app.services.record.usage`), so that it costs the same however long
the audit trail is. How many sessions were open is no sum of rows, since they end by themselves and their rows go: it is
looked at once in an hour, and nothing is said of hours in which nobody looked.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa

from app.models import ClientSecret, UsageHour, UserSession
from app.services.delivery.outbox import Outbox, Queue
from app.services.foundation.environment import Clock, Database
from app.services.record.usage import EVERYBODY, Usage, Use, parts
from app.services.sessions.policy import SessionPolicy
from app.services.tokens.keys import Keys

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SOON = timedelta(days=30)
MOST_CAUSES = 100
COUNTED_AT_ONCE = 10_000
"""Up to how many open sessions are counted for a page."""
_usage = cast(sa.Table, UsageHour.__table__)
_session = cast(sa.Table, UserSession.__table__)
_secret = cast(sa.Table, ClientSecret.__table__)
SHOWN = {
    Use.LOGIN: "logins",
    Use.LOGIN_FAILED: "failed_logins",
    Use.TOKEN: "tokens",
    Use.REFRESH: "refresh",
    Use.REFUSED: "refusals",
}
"""What a span tells, by name: logins by provider, failed ones by error, tokens by grant, refusals by endpoint."""


@dataclass(frozen=True, slots=True)
class Period:
    """An hour or a day: what was counted in it; ``open_sessions`` is the most that were seen open, None if unseen."""

    begin: datetime
    end: datetime
    counts: dict[str, dict[str, int]]
    open_sessions: int | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """How often a client, or nobody who is known, was refused for one cause."""

    client_id: str | None
    endpoint: str
    error: str
    cause: str
    count: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Ending:
    """Something that ends soon."""

    kind: str
    name: str
    of: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """How many sessions were open; ``at`` says when they were counted, None for right now."""

    count: int
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OverTime:
    """All of it at one moment; the last period of each list is under way."""

    at: datetime
    counted_since: datetime | None
    hours: list[Period]
    days: list[Period]
    refused: dict[str, list[Refused]] = field(default_factory=dict)
    open_sessions: Seen = field(default_factory=lambda: Seen(0))
    ending: list[Ending] = field(default_factory=list)
    queues: list[Queue] = field(default_factory=list)


class StatisticsOverTime:
    """Counts up what was counted."""

    def __init__(
        self, db: Database, clock: Clock, usage: Usage, policy: SessionPolicy, keys: Keys, outbox: Outbox
    ) -> None:
        self.db = db
        self.clock = clock
        self.usage = usage
        self.policy = policy
        self.keys = keys
        self.outbox = outbox

    def figures(self, most: int | None = None) -> OverTime:
        """24 hours and 30 days, in UTC; of more than ``most`` open sessions, how many they were when last counted."""
        now = self.clock().astimezone(UTC)
        next_hour = now.replace(minute=0, second=0, microsecond=0) + HOUR
        tomorrow = now.replace(hour=0, minute=0, second=0, microsecond=0) + DAY
        rows = self._rows(tomorrow - 30 * DAY)
        return OverTime(
            at=now,
            counted_since=self.usage.since(),
            hours=_periods(rows, [next_hour - HOUR * number for number in range(24, 0, -1)], HOUR),
            days=_periods(rows, [tomorrow - DAY * number for number in range(30, 0, -1)], DAY),
            refused={
                "24h": self._refused(Use.REFUSAL, next_hour - DAY),
                "30d": self._refused(Use.REFUSED_IN_DAY, tomorrow - 30 * DAY),
            },
            open_sessions=self._seen(rows, most),
            ending=[*self._secrets(now), *self._keys(now)],
            queues=self.outbox.queues(),
        )

    def note(self) -> None:
        """Look how many sessions are open, once an hour, and remove what is too old. Commits."""
        self.usage.sample(Use.SESSIONS, "open", self._open_sessions())
        self.db.commit()
        self.usage.trim()

    def _rows(self, since: datetime) -> list[Any]:
        """What was counted of everybody since then."""
        told = [use.value for use in (*SHOWN, Use.SESSIONS)]
        columns = (_usage.c.hour, _usage.c.kind, _usage.c.name, _usage.c.count.label("times"), _usage.c.last_at)
        wanted = sa.select(*columns).where(
            _usage.c.client_id == EVERYBODY, _usage.c.hour >= since, _usage.c.kind.in_(told)
        )
        return list(self.db.session.execute(wanted))

    def _refused(self, use: Use, since: datetime) -> list[Refused]:
        """The most frequent refusals, by client and cause."""
        count = sa.func.sum(_usage.c.count)
        wanted = (
            sa.select(
                _usage.c.client_id, _usage.c.name, count.label("times"), sa.func.max(_usage.c.last_at).label("last_at")
            )
            .where(_usage.c.kind == use.value, _usage.c.hour >= since)
            .group_by(_usage.c.client_id, _usage.c.name)
            .order_by(count.desc(), _usage.c.client_id, _usage.c.name)
            .limit(MOST_CAUSES)
        )
        return [
            Refused(row.client_id or None, *parts(row.name), int(row.times), row.last_at)
            for row in self.db.session.execute(wanted)
        ]

    def _open_sessions(self) -> int:
        is_open = self.policy.open_rows(self.clock())
        return int(self.db.session.scalar(sa.select(sa.func.count()).select_from(_session).where(is_open)) or 0)

    def _seen(self, rows: list[Any], most: int | None) -> Seen:
        if most is None:
            return Seen(self._open_sessions())
        is_open = self.policy.open_rows(self.clock())
        some = sa.select(sa.literal(1)).select_from(_session).where(is_open).limit(most + 1).subquery()
        count = int(self.db.session.scalar(sa.select(sa.func.count()).select_from(some)) or 0)
        noted = [row for row in rows if row.kind == Use.SESSIONS.value]
        if count <= most or not noted:
            return Seen(count if count <= most else self._open_sessions())
        last = max(noted, key=lambda row: row.hour)
        return Seen(int(last.times), last.last_at)

    def _secrets(self, now: datetime) -> list[Ending]:
        wanted = (
            sa.select(_secret.c.id, _secret.c.client_id, _secret.c.expires_at)
            .where(_secret.c.expires_at > now, _secret.c.expires_at <= now + SOON)
            .order_by(_secret.c.expires_at)
        )
        rows = self.db.session.execute(wanted)
        return [Ending("secret", row.id, row.client_id, row.expires_at) for row in rows]

    def _keys(self, now: datetime) -> list[Ending]:
        """Keys that are published no longer soon; one that signs goes on until somebody rotates it."""
        return [
            Ending("key", each.algorithm, each.status, now + each.left)
            for each in self.keys.ages()
            if each.left is not None and each.left <= SOON
        ]


def _periods(rows: list[Any], begins: list[datetime], step: timedelta) -> list[Period]:
    counts: list[dict[str, defaultdict[str, int]]] = [
        {name: defaultdict(int) for name in SHOWN.values()} for _ in begins
    ]
    seen: dict[int, int] = {}
    for row in rows:
        place = (row.hour - begins[0]) // step
        if not 0 <= place < len(begins):
            continue
        if row.kind == Use.SESSIONS.value:
            seen[place] = max(seen.get(place, 0), int(row.times))
        else:
            counts[place][SHOWN[Use(row.kind)]][row.name] += int(row.times)
    return [
        Period(begin, begin + step, {name: dict(found) for name, found in counts[place].items()}, seen.get(place))
        for place, begin in enumerate(begins)
    ]
