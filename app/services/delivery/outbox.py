"""What has to leave the portal (mails, logout notices), queued as rows in the transaction of what causes it.

A delivery is claimed for a while by moving its next attempt ahead, tried outside of any transaction, and marked. Who
dies in between leaves it to the next one once the claim is over: each arrives at least once.
"""

import json
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa

from app.models import Delivery, new_id
from app.services.foundation.environment import Clock, Database
from app.services.foundation.sealing import Sealer, Unopenable
from app.services.foundation.statements import Statement
from app.services.record.tally import Fact, Tally

CLAIM = timedelta(minutes=5)
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (10, 30, 120, 600, 1800, 3600))
"""How long to wait after the first failed attempt, the second, …; after the last one of these for ever the same."""
LONGEST_PAUSE = PAUSES[-1]
EAGER_ATTEMPTS = 3
"""So often a receiver may ask to be tried again sooner than we would."""
KEPT = timedelta(days=7)
DROPPED = "dropped"
"""Why a delivery was given up that an administrator took out of the queue."""
_delivery = cast(sa.Table, Delivery.__table__)
_IS_OPEN = sa.and_(_delivery.c.done_at.is_(None), _delivery.c.given_up_at.is_(None))
# Asked every few seconds by every process; claiming at once would take SQLite's write lock as often.
_IS_DUE = Statement(
    sa.select(_delivery.c.id).where(_IS_OPEN, _delivery.c.next_attempt_at <= sa.bindparam("now")).limit(1)
)
logger = logging.getLogger("portal.outbox")


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is to be delivered, for which person and by or to which client."""

    content: dict[str, Any]
    user_id: str | None = None
    client_id: str | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery that was claimed; ``content`` is what :meth:`Outbox.add` was given, ``error`` why it failed last."""

    id: str
    kind: str
    user_id: str | None
    client_id: str | None
    content: dict[str, Any]
    created_at: datetime
    attempts: int
    error: str = ""


@dataclass(frozen=True, slots=True)
class Queue:
    """How many deliveries of a kind wait, and for how many seconds the oldest of them."""

    kind: str
    is_failing: bool
    count: int
    oldest_seconds: float


class DeliveryFailed(Exception):
    """An attempt did not succeed; ``reason`` is a constant, ``is_final`` says that no other attempt will.

    ``retry_after`` is how many seconds the receiver wants to be left alone, if it says so.
    """

    def __init__(self, reason: str, *, is_final: bool = False, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_final = is_final
        self.retry_after = retry_after


class Outbox:
    """Queues, claims and marks deliveries."""

    def __init__(self, db: Database, clock: Clock, sealer: Sealer, tally: Tally) -> None:
        self.db = db
        self.clock = clock
        self.sealer = sealer
        self.tally = tally
        self._listeners: list[Callable[[], None]] = []

    def listen(self, listener: Callable[[], None]) -> None:
        """Have ``listener`` called in this process whenever something new waits."""
        self._listeners.append(listener)

    def add(
        self,
        kind: str,
        content: dict[str, Any],
        *,
        life: timedelta,
        user_id: str | None = None,
        client_id: str | None = None,
    ) -> str:
        """Queue ``content`` (what JSON can hold) with the current transaction; after ``life`` it is given up.

        Answers the id of the delivery.
        """
        return self.add_all(kind, [Parcel(content, user_id, client_id)], life=life)[0]

    def add_all(self, kind: str, parcels: Iterable[Parcel], *, life: timedelta) -> list[str]:
        """As :meth:`add`, for many in one statement."""
        now = self.clock()
        rows = [
            {
                "id": new_id(),
                "kind": kind,
                "user_id": parcel.user_id,
                "client_id": parcel.client_id,
                "sealed": self.sealer.seal(json.dumps(parcel.content).encode()),
                "created_at": now,
                "next_attempt_at": now,
                "attempts": 0,
                "error": "",
                "expires_at": now + life,
            }
            for parcel in parcels
        ]
        if not rows:
            return []
        # What waits is the queue's: a goodbye to a provider is nobody's any more, and a mail may be to somebody else.
        with self.db.reaching_all():
            self.db.session.execute(sa.insert(_delivery), rows)
        self.db.afterwards(self._tell)
        return [str(row["id"]) for row in rows]

    def claim(
        self, kinds: Sequence[str], limit: int, *, due_by: datetime | None = None, without: Sequence[str] = ()
    ) -> list[Due]:
        """Take up to ``limit`` deliveries that are due; nobody else gets them for :data:`CLAIM`. Commits.

        ``due_by`` leaves what became due after that moment, ``without`` what is for these clients. What cannot be
        delivered any more is given up on the way.
        """
        now = self.clock()
        while rows := self._taken(kinds, limit, now, due_by or now, without):
            if claimed := [due for row in rows if (due := self._opened(row, now))]:
                return claimed
        return []

    def _taken(
        self, kinds: Sequence[str], limit: int, now: datetime, due_by: datetime, without: Sequence[str]
    ) -> Sequence[Any]:
        if _IS_DUE.first(self.db, now=due_by) is None:
            return ()
        due = (
            sa.select(_delivery.c.id)
            .where(_IS_OPEN, _delivery.c.next_attempt_at <= due_by, _delivery.c.kind.in_(kinds))
            .order_by(_delivery.c.next_attempt_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        if without:
            due = due.where(sa.or_(_delivery.c.client_id.is_(None), _delivery.c.client_id.not_in(without)))
        rows = self.db.session.execute(
            sa.update(_delivery)
            .where(_delivery.c.id.in_(due))
            .values(next_attempt_at=now + CLAIM, attempts=_delivery.c.attempts + 1)
            .returning(_delivery)
        ).all()
        self.db.commit()
        return rows

    def done(self, due: Due) -> None:
        """It arrived: its content goes."""
        now = self.clock()
        self._count(due.kind, "arrived")
        self._update(due.id, done_at=now, sealed="", error="", expires_at=now + KEPT)

    def failed(self, due: Due, failure: DeliveryFailed) -> None:
        """It did not arrive: wait longer each time, and give up after its life or what cannot succeed."""
        now = self.clock()
        next_attempt = now + _pause(due.attempts, failure.retry_after)
        expires_at = self.db.session.scalar(sa.select(_delivery.c.expires_at).where(_delivery.c.id == due.id)) or now
        if failure.is_final or next_attempt >= expires_at:
            self._give_up(due.id, due.kind, failure.reason)
        else:
            self._count(due.kind, "failed")
            # Who came late leaves the claim to whoever has it now.
            is_mine = _delivery.c.attempts == due.attempts
            self._update(due.id, is_mine, next_attempt_at=next_attempt, error=failure.reason)

    def counts(self) -> dict[str, dict[str, int]]:
        """How many deliveries of each kind wait, wait after a failure, arrived, and were given up."""
        state = sa.case(
            (_delivery.c.given_up_at.is_not(None), "given_up"),
            (_delivery.c.done_at.is_not(None), "done"),
            (_delivery.c.error != "", "failing"),
            else_="waiting",
        ).label("state")
        rows = self.db.session.execute(
            sa.select(_delivery.c.kind, state, sa.func.count()).group_by(_delivery.c.kind, state)
        )
        found: dict[str, dict[str, int]] = {}
        for kind, name, count in rows:
            found.setdefault(kind, {})[name] = count
        return found

    def queues(self) -> list[Queue]:
        """What waits, by kind and whether it has failed before."""
        is_failing = (_delivery.c.error != "").label("is_failing")
        rows = self.db.session.execute(
            sa.select(_delivery.c.kind, is_failing, sa.func.count(), sa.func.min(_delivery.c.created_at))
            .where(_IS_OPEN)
            .group_by(_delivery.c.kind, is_failing)
        )
        now = self.clock()
        return [
            Queue(kind, bool(failing), count, (now - oldest).total_seconds()) for kind, failing, count, oldest in rows
        ]

    def retry(self, kinds: Sequence[str] | None = None, *, delivery_id: str | None = None) -> int:
        """Make every delivery that waits after a failure due now, of these kinds or this one; answers how many."""
        failing = sa.update(_delivery).where(_IS_OPEN, _delivery.c.error != "")
        if kinds is not None:
            failing = failing.where(_delivery.c.kind.in_(kinds))
        if delivery_id is not None:
            failing = failing.where(_delivery.c.id == delivery_id)
        changed = self.db.session.execute(failing.values(next_attempt_at=self.clock()))
        self.db.afterwards(self._tell)
        return int(cast(Any, changed).rowcount)

    def drop(self, delivery_id: str) -> bool:
        """Give up a delivery that waits and forget its content; answers whether it did wait.

        One that is under way may arrive nevertheless.
        """
        now = self.clock()
        waiting = sa.update(_delivery).where(_delivery.c.id == delivery_id, _IS_OPEN)
        changed = self.db.session.execute(
            waiting.values(given_up_at=now, sealed="", error=DROPPED, expires_at=now + KEPT)
        )
        return bool(cast(Any, changed).rowcount)

    def content_of(self, delivery_id: str) -> dict[str, Any] | None:
        """What a delivery that waits holds; None where it waits no more or does not open."""
        sealed = self.db.session.scalar(sa.select(_delivery.c.sealed).where(_delivery.c.id == delivery_id, _IS_OPEN))
        if not sealed:
            return None
        try:
            return dict(json.loads(self.sealer.open(sealed)))
        except (Unopenable, ValueError):
            return None

    def _opened(self, row: Any, now: datetime) -> Due | None:
        """The claimed row with its content; one too old is given up, one that does not open waits."""
        if row.expires_at <= now:
            self._give_up(row.id, row.kind, row.error or "too_late")
            self.db.commit()
            return None
        try:
            content = json.loads(self.sealer.open(row.sealed))
        except (Unopenable, ValueError):
            # Another process, or this one after a restart, may have the key: nothing is thrown away before its time.
            logger.warning("delivery_does_not_open", extra={"kind": row.kind, "delivery": row.id})
            content = None
        due = Due(row.id, row.kind, row.user_id, row.client_id, content or {}, row.created_at, row.attempts, row.error)
        if content is None:
            self.failed(due, DeliveryFailed("sealed_with_another_key"))
            self.db.commit()
            return None
        return due

    def _give_up(self, delivery_id: str, kind: str, reason: str) -> None:
        now = self.clock()
        self._count(kind, "given_up")
        logger.warning("delivery_given_up", extra={"kind": kind, "reason": reason, "delivery": delivery_id})
        self._update(delivery_id, given_up_at=now, sealed="", error=reason, expires_at=now + KEPT)

    def _count(self, kind: str, result: str) -> None:
        self.tally.count_if_kept([(Fact.DELIVERY, (kind, result), 1)])

    def _update(self, delivery_id: str, *conditions: sa.ColumnElement[bool], **values: object) -> None:
        chosen = sa.update(_delivery).where(_delivery.c.id == delivery_id, _IS_OPEN, *conditions)
        self.db.session.execute(chosen.values(**values))

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()


def _pause(attempts: int, wanted: float | None) -> timedelta:
    """How long to wait after so many attempts: as long as the receiver wants, within bounds, or as we think fit."""
    own = PAUSES[min(attempts, len(PAUSES)) - 1]
    if wanted is None:
        return own
    asked = timedelta(seconds=min(max(wanted, 1.0), LONGEST_PAUSE.total_seconds()))
    return asked if attempts <= EAGER_ATTEMPTS else max(asked, own)
