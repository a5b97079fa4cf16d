"""How often what happened, by the hour and client: counted in memory, and added to the rows now and then.

So no request waits for it. What a process that is killed had not written yet is lost, half a minute of it at most; the
audit trail is the record, this is for figures. Names are constants, scopes that are registered, or hashes: never
anything that was sent, nor anything about a person.
"""

import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, cast

import sqlalchemy as sa

from app.models import Client, UsageHour
from app.services.foundation.environment import Clock, Database
from app.services.foundation.statements import adding, insert_ignoring
from app.services.record.tally import Fact

KEPT = timedelta(days=35)
FLUSH_SECONDS = 30.0
MOST_PENDING = 20_000
"""Different things of one process between two writings; what comes beyond is not counted."""
LONGEST = 100
BATCH = 500
EVERYBODY = ""
"""In the place of a client: of the whole portal."""
BEGAN = datetime(1970, 1, 1, tzinfo=UTC)
_usage = cast(sa.Table, UsageHour.__table__)
_client = cast(sa.Table, Client.__table__)


class Use(StrEnum):
    """What is counted, and what its ``name`` is."""

    TOKEN = "token"  # noqa: S105
    """Tokens were issued, by grant."""
    REFUSAL = "refusal"
    """A request was refused, by endpoint, error and check (or topic)."""
    REFUSED = "refused"
    """The same of everybody together, by endpoint, so that figures of all need not add up those of each client."""
    REFUSED_IN_DAY = "refused_in_day"
    """As ``REFUSAL``, by the day, which begins at midnight UTC."""
    DECLINED = "declined"
    """A request was answered by an error that is no mistake of anybody, such as login_required, by that error."""
    SCOPE = "scope"
    """An authorization or a service asked for it."""
    REDIRECT = "redirect"
    """An authorization request named it, by SHA-256."""
    LOGIN = "login"
    """Somebody logged in, by provider."""
    LOGIN_FAILED = "login_failed"
    """Somebody did not, by the error."""
    PROVIDER_FAILED = "provider_failed"
    """A provider did not say who somebody is, by provider and reason."""
    REFRESH = "refresh"
    """A refresh token was reused, or is another client's."""
    KEYS = "keys"
    """Its public keys were asked for at their address: ``read``, or why there were none."""
    SESSIONS = "sessions"
    """How many were open, looked at once in the hour."""
    COUNTING = "counting"
    """Since when anything is counted."""


Key = tuple[datetime, str, str, str]
Counted = dict[Key, tuple[int, datetime]]


class Usage:
    """Counts, and writes down what was counted."""

    def __init__(self, db: Database, clock: Clock, now: Callable[[], float] = time.monotonic) -> None:
        self.db = db
        self.clock = clock
        self._now = now
        self._turn = threading.Lock()
        self._pending: Counted = {}
        self._written_at = float("-inf")

    def count(self, client_id: str, use: Use, *names: str, by: int = 1) -> None:
        """It happened now, to this client or to :data:`EVERYBODY`, once under each name."""
        moment = self.clock().astimezone(UTC)
        hour = moment.replace(minute=0, second=0, microsecond=0)
        with self._turn:
            for name in names:
                key = (hour, client_id, use.value, name)
                known = self._pending.get(key)
                if known is not None:
                    self._pending[key] = known[0] + by, moment
                elif len(self._pending) < MOST_PENDING and len(name) <= LONGEST:
                    self._pending[key] = by, moment

    def hear(self, fact: Fact, labels: tuple[str, ...], by: int) -> None:
        """What is told of everybody (:mod:`app.services.record.tally`)."""
        if fact is Fact.TOKEN and labels[1] == "issued":
            self.count(EVERYBODY, Use.TOKEN, labels[0], by=by)
        elif fact is Fact.LOGIN:
            provider, result = labels
            if result == "succeeded":
                self.count(EVERYBODY, Use.LOGIN, provider, by=by)
            else:
                self.count(EVERYBODY, Use.LOGIN_FAILED, result, by=by)
        elif fact is Fact.REFRESH:
            self.count(EVERYBODY, Use.REFRESH, labels[0], by=by)

    def write_now_and_then(self) -> None:
        """Write what is pending, if that was not done lately. Commits."""
        if self._pending and self._now() - self._written_at >= FLUSH_SECONDS:
            self.write()

    def write(self) -> None:
        """Add what is pending to the rows; where that fails it stays pending. Commits."""
        self._written_at = self._now()
        with self._turn:
            taken, self._pending = self._pending, {}
        try:
            self._add(taken)
            self.db.commit()
        except BaseException:
            self.db.rollback()
            self._give_back(taken)
            raise

    def sample(self, use: Use, name: str, value: int) -> None:
        """Note how much something is now, unless that was noted in this hour already."""
        moment = self.clock()
        hour = moment.replace(minute=0, second=0, microsecond=0)
        self._note(hour, use, name, value, moment)

    def since(self) -> datetime | None:
        """When counting began, or None where nothing was written yet."""
        found: datetime | None = self.db.session.scalar(
            sa.select(_usage.c.last_at).where(_usage.c.hour == BEGAN, _usage.c.kind == Use.COUNTING.value)
        )
        return found

    def trim(self) -> None:
        """Remove what is older than :data:`KEPT`, and what is of clients that are gone. Commits."""
        over = sa.and_(_usage.c.hour < self.clock() - KEPT, _usage.c.hour > BEGAN)
        gone = sa.and_(_usage.c.client_id != EVERYBODY, _usage.c.client_id.not_in(sa.select(_client.c.client_id)))
        for spent in (over, gone):
            self.db.session.execute(sa.delete(_usage).where(spent))
            self.db.commit()

    def _add(self, taken: Counted) -> None:
        summed = self._of_known_clients(taken)
        if not summed:
            return
        self._note(BEGAN, Use.COUNTING, "since", 0, min(moment for _, moment in summed.values()))
        # In one order, so that processes that write at once do not wait for each other in a ring.
        rows = [
            dict(zip(("hour", "client_id", "kind", "name", "count", "last_at"), (*key, *summed[key]), strict=True))
            for key in sorted(summed)
        ]
        insert = adding(self.db.dialect, _usage, sums=("count",), latest=("last_at",))
        for start in range(0, len(rows), BATCH):
            self.db.session.execute(insert, rows[start : start + BATCH])

    def _of_known_clients(self, taken: Counted) -> Counted:
        """The same, where refusals of an id that somebody made up are everybody's, and all else of it is nobody's."""
        known = {EVERYBODY, *self._known({key[1] for key in taken} - {EVERYBODY})}
        summed: Counted = {}
        for (hour, client_id, kind, name), (count, moment) in taken.items():
            owner = client_id if client_id in known else EVERYBODY
            keys: list[Key] = [(hour, owner, kind, name)] if owner == client_id or kind == Use.REFUSAL.value else []
            if kind == Use.REFUSAL.value:
                keys.append((hour, EVERYBODY, Use.REFUSED.value, parts(name)[0]))
                keys.append((hour.replace(hour=0), owner, Use.REFUSED_IN_DAY.value, name))
            for key in keys:
                before = summed.get(key, (0, moment))
                summed[key] = before[0] + count, max(before[1], moment)
        return summed

    def _known(self, named: set[str]) -> Iterable[str]:
        """Those that are registered: an id that somebody made up is counted nowhere."""
        ids = sorted(named)
        for start in range(0, len(ids), BATCH):
            some = ids[start : start + BATCH]
            yield from self.db.session.scalars(sa.select(_client.c.client_id).where(_client.c.client_id.in_(some)))

    def _note(self, hour: datetime, use: Use, name: str, value: int, moment: datetime) -> None:
        values: dict[str, Any] = {"hour": hour, "client_id": EVERYBODY, "kind": use.value, "name": name}
        self.db.session.execute(insert_ignoring(self.db.dialect, _usage).values(**values, count=value, last_at=moment))

    def _give_back(self, taken: Counted) -> None:
        with self._turn:
            for key, (count, moment) in taken.items():
                known = self._pending.get(key, (0, moment))
                if key in self._pending or len(self._pending) < MOST_PENDING:
                    self._pending[key] = known[0] + count, max(known[1], moment)


def parts(name: str) -> tuple[str, str, str]:
    """Endpoint, error and check or topic, of the name of a refusal."""
    endpoint, error, cause = [*name.split(":", 2), "", ""][:3]
    return endpoint, error, cause
