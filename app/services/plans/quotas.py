"""What people may take in a month, taking of it and giving back: exact however many do so at once.

Taking is one conditional statement on the person's row of ``quotas``, which is locked from there to the commit. Under a
key it happens once: whoever comes again with it gets the same answer.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa

from app.errors import InvalidInput, NotFound, PortalError
from app.models import Quota, new_id
from app.services.foundation.environment import NOBODY, Caller, Clock, Database, sha256
from app.services.foundation.person import lock_person
from app.services.plans.catalogue import Plans
from app.services.plans.periods import Period, period_at, period_of
from app.services.plans.quota_statements import (
    FACTS,
    GIVE_BACK,
    GRANTED,
    LOCK,
    MARK,
    TAKE,
    TAKE_AT_ONCE,
    USE,
    Inserts,
)
from app.services.record.audit import Audit, Event
from app.services.record.tally import Fact

MOST_AT_ONCE = 1_000_000
KEPT = timedelta(days=62)
"""For so long a key is known and a use is history: to the end of its month, whatever month it is, and another one."""
NO_LIMIT = 1 << 62
RESOLUTION = timedelta(microseconds=1)
UNKNOWN_PERSON = "There is no account of that id, or it is stopped."
UNKNOWN_KEY = "Nothing was taken under this key."
_quota = cast(sa.Table, Quota.__table__)


@dataclass(frozen=True, slots=True)
class QuotaState:
    """A person's plan and the month under way; ``limit`` is None where there is none."""

    plan: str
    limit: int | None
    used: int
    began_at: datetime
    resets_at: datetime

    @property
    def remaining(self) -> int | None:
        """What is left: nothing where more was used than the plan gives by now, None without a limit."""
        return None if self.limit is None else max(self.limit - self.used, 0)


@dataclass(frozen=True, slots=True)
class Taken:
    """What is answered to who took something, and how the quota stands now, which is later where it is said again."""

    answer: QuotaState
    now: QuotaState


class QuotaExceeded(PortalError):
    """There is not so much left this month; nothing was taken."""

    status, code, message = 429, "quota_exceeded", "Monthly quota exceeded. It resets at the time in resets_at."

    def __init__(self, state: QuotaState, better: str | None) -> None:
        super().__init__(f"Monthly quota exceeded. Upgrade to {better} plan for more." if better else None)
        self.state = state


class KeyInUse(PortalError):
    """The key stands for something else, or for what was given back."""

    status, code = 422, "idempotency_key_reused"
    message = "This Idempotency-Key was used for another amount, or what was taken under it was given back."


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a person's rows say at a moment."""

    row: Any
    now: datetime

    @property
    def kept(self) -> Period | None:
        """The month that was counted last."""
        return None if self.row.used is None else Period(self.row.began_at, self.row.resets_at)

    @property
    def anchor(self) -> datetime:
        """When the first month began: with the plan, or with the account of who never had another one."""
        return cast(datetime, self.row.anchor_at or self.row.plan_started_at or self.row.created_at)

    @property
    def limit(self) -> int | None:
        """How much there is in a month. Nothing of a plan that is not known."""
        row = self.row
        if row.limit_of_override is not None:
            return cast(int, row.limit_of_override)
        return cast("int | None", row.monthly_limit) if row.known_plan else 0

    def after(self, row: Any) -> QuotaState:
        """How the quota stands after something was taken, which ``row`` says."""
        state = self.state
        if row.resets_at == state.resets_at:
            return replace(state, used=row.used)
        began_at = period_at(
            self.anchor, row.resets_at - RESOLUTION
        ).began_at  # of a month that somebody else has begun
        return QuotaState(state.plan, state.limit, row.used, began_at, row.resets_at)

    @property
    def state(self) -> QuotaState:
        """How the quota stands."""
        period, kept = period_of(self.kept, self.anchor, self.now), self.kept
        used = self.row.used if kept == period else 0
        return QuotaState(self.row.plan, self.limit, used, period.began_at, period.resets_at)


@dataclass(frozen=True, slots=True)
class _Wish:
    """What somebody wants to take, and under which key if under one."""

    user_id: str
    amount: int
    client_id: str
    key: str | None


class _KeyIsKnown(Exception):
    """Something was taken under the key before; this transaction has to be taken back."""


class _TooLittle(Exception):
    """There was not so much left."""

    def __init__(self, facts: _Facts) -> None:
        super().__init__()
        self.facts = facts


class Quotas:
    """Reads, takes, gives back and sets back; each raises :class:`NotFound` for nobody."""

    def __init__(self, db: Database, clock: Clock, audit: Audit, plans: Plans) -> None:
        self.db = db
        self.clock = clock
        self.audit = audit
        self.plans = plans
        self._inserts = Inserts(db)

    def read(self, user_id: str) -> QuotaState:
        """How the quota stands."""
        return self._facts(user_id).state

    def consume(self, user_id: str, amount: int, *, client_id: str, key: str | None = None) -> Taken:
        """Take ``amount``, once for a ``key`` of that person and client, for as long as :data:`KEPT`.

        Raises :class:`QuotaExceeded` where there is not so much left, :class:`KeyInUse` for a key that stands for
        something else, :class:`NotFound` also for an account that is stopped.
        """
        facts = self._facts(user_id)
        if not facts.row.is_active:
            raise NotFound(UNKNOWN_PERSON)
        wish = _Wish(user_id, amount, client_id, key)
        try:
            taken = self._taken(wish, facts)
        except (_KeyIsKnown, _TooLittle, self.db.dialect.loaded_dbapi.IntegrityError) as reason:
            # Nothing else was written in this transaction.
            self.db.rollback()
            if again := self._again(wish):
                return again
            if isinstance(reason, _TooLittle):
                raise self._exceeded(user_id, reason.facts) from None
            raise NotFound from reason  # the client or the person went in this very moment
        self.audit.tally.count_if_kept([(Fact.QUOTA, (taken.plan, "consumed"), amount)])
        return Taken(taken, taken)

    def release(self, user_id: str, key: str, *, client_id: str, amount: int | None = None) -> tuple[QuotaState, int]:
        """Give back what was taken under a key, or ``amount`` of it, once; answers how the quota stands, and how much.

        Nothing is given back of a month that is over, nor by whoever comes again. Raises :class:`NotFound` for a key
        under which nothing was taken, :class:`InvalidInput` for more than was.
        """
        facts = self._facts(user_id)
        use = USE.first(self.db, user_id=user_id, client_id=client_id, key_hash=sha256(key))
        if use is None:
            raise NotFound(UNKNOWN_KEY)
        if amount is not None and amount > use.amount:
            raise InvalidInput("More than was taken under this key.", "amount")
        if use.given_back is not None:
            return facts.state, 0
        wanted = use.amount if amount is None else amount
        is_given = GIVE_BACK.run(self.db, user=user_id, of_number=use.number, amount=wanted, now=facts.now)
        given = wanted if is_given else 0
        if not MARK.run(self.db, use=use.id, amount=given):
            self.db.rollback()
            return self.read(user_id), 0
        self.audit.tally.count_if_kept([(Fact.QUOTA, (use.plan, "released"), given)] if given else [])
        return self.read(user_id), given

    def reset(self, user_id: str, caller: Caller = NOBODY) -> QuotaState:
        """Set the use of the month under way back to nothing; its end stays.

        What was taken before cannot be given back any more.
        """
        if lock_person(self.db, user_id) is None:
            raise NotFound
        before = self.read(user_id)
        self.db.session.execute(
            sa.update(_quota).where(_quota.c.user_id == user_id).values(used=0, number=_quota.c.number + 1)
        )
        self.audit.record(Event.QUOTA_RESET, caller, user_id=user_id, used=before.used)
        return self.read(user_id)

    def _facts(self, user_id: str) -> _Facts:
        now = self.clock()
        row = FACTS.first(self.db, user_id=user_id, plan_at=now)
        if row is None:
            raise NotFound(UNKNOWN_PERSON)
        return _Facts(row, now)

    def _taken(self, wish: _Wish, facts: _Facts) -> QuotaState:
        """How the quota stands after it was taken of; raises :class:`_TooLittle` and :class:`_KeyIsKnown`."""
        row = self._take(wish, facts)
        if row is None:
            # Since the look somebody took, gave back or began a month; from now on nobody does.
            LOCK.first(self.db, user_id=wish.user_id)
            facts = self._facts(wish.user_id)
            row = self._take(wish, facts)
        if row is None:
            raise _TooLittle(facts)
        return facts.after(row)

    def _take(self, wish: _Wish, facts: _Facts) -> Any:
        """What the row says after so much was taken; None where it is not what was seen any more."""
        if not _has(facts, wish.amount):
            raise _TooLittle(facts)
        state, kept = facts.state, facts.row
        if kept.used is None:
            began = {"anchor_at": facts.anchor, "began_at": state.began_at, "resets_at": state.resets_at}
            self._inserts.quota(user_id=wish.user_id, number=1, used=0, **began)
        taking = {
            "user": wish.user_id,
            "now": facts.now,
            "amount": wish.amount,
            "most": NO_LIMIT if state.limit is None else state.limit,
            "seen_reset": kept.resets_at or state.resets_at,
            "began": state.began_at,
            "next_reset": state.resets_at,
        }
        note = {
            "id": new_id(),
            "user_id": wish.user_id,
            "client_id": wish.client_id,
            "key_hash": None if wish.key is None else sha256(wish.key),
            "amount": wish.amount,
            "plan": state.plan,
            "monthly_limit": state.limit,
            "given_back": None,
            "created_at": facts.now,
            "expires_at": facts.now + KEPT,
        }
        if self.db.dialect.name == "postgresql":
            named = {f"new_{name}": value for name, value in note.items()}
            return TAKE_AT_ONCE.first_alone(self.db, **taking, **named)
        row = TAKE.first(self.db, **taking)
        if row is not None and not self._inserts.use(
            number=row.number, used_then=row.used, resets_at=row.resets_at, **note
        ):
            raise _KeyIsKnown
        return row

    def _again(self, wish: _Wish) -> Taken | None:
        """What was answered to whoever took under the key, if somebody did; raises :class:`KeyInUse`."""
        if wish.key is None:
            return None
        use = USE.first(self.db, user_id=wish.user_id, client_id=wish.client_id, key_hash=sha256(wish.key))
        if use is None:
            return None
        if use.amount != wish.amount or use.given_back is not None:
            raise KeyInUse
        now = self.read(wish.user_id)
        return Taken(QuotaState(use.plan, use.monthly_limit, use.used_then, now.began_at, use.resets_at), now)

    def _exceeded(self, user_id: str, facts: _Facts) -> QuotaExceeded:
        state = facts.state
        # Whoever was granted a plan or a limit has that whatever they buy.
        is_granted = GRANTED.first(self.db, user_id=user_id, plan_at=facts.now) is not None
        better = None if is_granted else self.plans.above(state.plan, state.limit or 0)
        self.audit.tally.count(Fact.QUOTA_REFUSED, state.plan)
        return QuotaExceeded(state, better.title if better else None)


def _has(facts: _Facts, amount: int) -> bool:
    """Whether there is so much left."""
    remaining = facts.state.remaining
    return remaining is None or amount <= remaining
