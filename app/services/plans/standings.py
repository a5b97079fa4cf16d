"""On which plan somebody is, and putting them on another one by an operator's hand."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa

from app.errors import InvalidInput, NotFound
from app.models import BillingSubscription, User
from app.services.foundation.environment import NOBODY, Caller, Clock, Database
from app.services.foundation.person import lock_person
from app.services.plans.catalogue import Plans
from app.services.plans.effective import ACTIVE, CANCELLED, STATUSES, Standing
from app.services.plans.periods import require_moment
from app.services.record.audit import Audit, Event

_user = cast(sa.Table, User.__table__)
_subscription = cast(sa.Table, BillingSubscription.__table__)
_COLUMNS = (
    _user.c.plan,
    _user.c.plan_status,
    _user.c.plan_started_at,
    _user.c.plan_ends_at,
    _user.c.billing_customer_id,
    _user.c.billing_subscription_id,
)


@dataclass(frozen=True, slots=True)
class PlanOf:
    """A person's own plan: what was set or paid for; ``renews_at`` is when its subscription is paid for again."""

    standing: Standing
    started_at: datetime | None
    renews_at: datetime | None


class Standings:
    """Puts people on plans."""

    def __init__(self, db: Database, clock: Clock, audit: Audit, plans: Plans) -> None:
        self.db = db
        self.clock = clock
        self.audit = audit
        self.plans = plans

    def of(self, user_id: str) -> PlanOf:
        """A person's own plan; raises :class:`NotFound`."""
        query = (
            sa.select(*_COLUMNS, _subscription.c.renews_at)
            .outerjoin(_subscription, _subscription.c.id == _user.c.billing_subscription_id)
            .where(_user.c.id == user_id)
        )
        row = self.db.session.execute(query).first()
        if row is None:
            raise NotFound
        return PlanOf(Standing(row.plan, row.plan_status, row.plan_ends_at), row.plan_started_at, row.renews_at)

    def put(
        self,
        user_id: str,
        plan: str,
        caller: Caller = NOBODY,
        *,
        status: str = ACTIVE,
        ends_at: datetime | None = None,
    ) -> bool:
        """Put a person on a plan, which follows no subscription any more; answers whether it did.

        What was used of the month is kept, and so is the day on which months begin. Raises :class:`InvalidInput` for a
        plan or a status that there is not, for a cancelled plan without an end and for an end in a year that none has,
        :class:`NotFound` for nobody.
        """
        self.plans.require(plan)
        if status not in STATUSES:
            raise InvalidInput(f"A plan is {', '.join(STATUSES)}.", "plan_status")
        require_moment(ends_at, "plan_ends_at")
        if status == CANCELLED and ends_at is None:
            raise InvalidInput("Say when a cancelled plan ends.", "plan_ends_at")
        before = locked(self.db, user_id)
        now = self.clock()
        self.db.session.execute(
            sa.update(_user)
            .where(_user.c.id == user_id)
            .values(
                plan=plan,
                plan_status=status,
                plan_started_at=began(before, plan, now),
                plan_ends_at=ends_at,
                billing_subscription_id=None,
                updated_at=now,
            )
        )
        ends = ends_at.isoformat() if ends_at else None
        self.audit.record(Event.PLAN_SET, caller, user_id=user_id, plan=plan, status=status, ends=ends)
        return before.billing_subscription_id is not None


def locked(db: Database, user_id: str) -> Any:
    """What the person's row says of plan and subscription, which nobody else changes before this transaction is over.

    Raises :class:`NotFound`.
    """
    if lock_person(db, user_id) is None:
        raise NotFound
    return db.session.execute(sa.select(*_COLUMNS).where(_user.c.id == user_id)).one()


def began(before: Any, plan: str, moment: datetime) -> datetime:
    """When the plan began: before, if it goes on; else at the moment."""
    held = Standing(before.plan, before.plan_status, before.plan_ends_at)
    goes_on = before.plan == plan and held.is_in_force(moment)
    return cast(datetime, before.plan_started_at) if goes_on and before.plan_started_at else moment
