"""Subscriptions at the payment provider set plans: in whatever order, and however often, their notices arrive."""

import contextlib
import hashlib
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.models import BillingEvent, BillingSubscription, User
from app.services.foundation.environment import Caller, Clock, Database
from app.services.foundation.json_objects import json_object
from app.services.foundation.statements import insert_ignoring
from app.services.plans.billing_notices import ABOUT_PLANS, Notice, name_of, read
from app.services.plans.catalogue import PlanRecord, Plans
from app.services.plans.effective import ACTIVE, CANCELLED, EXPIRED, FREE, Standing
from app.services.plans.standings import began, locked
from app.services.record.audit import Audit, Event
from app.services.record.tally import Fact

APPLIED, OUTDATED, REPEATED, IRRELEVANT = "applied", "outdated", "repeated", "irrelevant"
UNKNOWN_STATUS, UNKNOWN_VARIANT, UNKNOWN_PERSON = "unknown_status", "unknown_variant", "unknown_person"
KEPT = timedelta(days=90)
"""For so long a notice is known; an older one that is sent again changes nothing either, since later ones came."""
FINALITY = {ACTIVE: 0, CANCELLED: 1, EXPIRED: 2}
FAR = datetime.max.replace(tzinfo=UTC)
BATCH = 200
SETTLER = Caller(actor="billing")
_event = cast(sa.Table, BillingEvent.__table__)
_subscription = cast(sa.Table, BillingSubscription.__table__)
_user = cast(sa.Table, User.__table__)
logger = logging.getLogger("portal.billing")


@dataclass(frozen=True, slots=True)
class Subscription:
    """What is known of a subscription."""

    id: str
    customer_id: str
    plan: str
    status: str
    began_at: datetime
    renews_at: datetime | None
    ends_at: datetime | None
    changed_at: datetime

    def standing(self, grace: timedelta) -> Standing:
        """The plan it pays for.

        What is to renew counts until so long after that day: should a notice of its end be lost, it ends all the same.
        """
        lasts = self.renews_at + grace if self.status == ACTIVE and self.renews_at else self.ends_at
        return Standing(self.plan, self.status, lasts)

    def is_later_than(self, other: "Subscription") -> bool:
        """Whether it was so after it was as the other says.

        Of two notices of one moment the one that is nearer to the end: any order of arrival comes to the same.
        """
        return self._place > other._place

    @property
    def _place(self) -> tuple[Any, ...]:
        end, renewal = self.ends_at or FAR, self.renews_at or FAR
        return (self.changed_at, FINALITY[self.status], -end.timestamp(), renewal, self.plan, self.customer_id)


class _IsAnothers(Exception):
    """In this very moment another notice said that the subscription is somebody else's."""


class Billing:
    """Applies notices; ``plans_of_variants`` says what is sold as which variant.

    ``grace`` is how long a plan counts after the moment at which its subscription should have renewed.
    """

    def __init__(
        self,
        db: Database,
        clock: Clock,
        audit: Audit,
        plans: Plans,
        plans_of_variants: Mapping[str, str],
        grace: timedelta,
    ) -> None:
        self.db = db
        self.clock = clock
        self.audit = audit
        self.plans = plans
        self.plans_of_variants = plans_of_variants
        self.grace = grace

    def receive(self, body: bytes, caller: Caller) -> str:
        """Deal with a notice whose signature was good, once; answers what became of it, a constant.

        Raises ``ValueError`` for what is no notice.
        """
        payload = json_object(body)
        name = name_of(payload)
        if name not in ABOUT_PLANS:
            return self._counted(IRRELEVANT)
        notice, event_hash = read(payload), hashlib.sha256(body).hexdigest()
        try:
            return self._dealt(notice, event_hash, caller)
        except _IsAnothers:
            # Now it is known whose it is, and that stays so.
            self.db.rollback()
            return self._dealt(notice, event_hash, caller)

    def subscriptions(self, user_id: str) -> list[Subscription]:
        """A person's subscriptions, the one that changed last first."""
        query = sa.select(*_COLUMNS).where(_subscription.c.user_id == user_id)
        rows = self.db.session.execute(query.order_by(_subscription.c.changed_at.desc(), _subscription.c.id))
        return [Subscription(*row) for row in rows]

    def settle(self) -> int:
        """Move whose plan has ended on to another of their subscriptions, if one is in force; answers how many.

        The provider tells the end of a subscription as well, but not at that very moment, and maybe never; of the end
        of what an operator set it knows nothing. Plans that older code gave no end get the one they have. Commits each.
        """
        now, moved = self.clock(), 0
        another = _subscription.alias("another")
        is_other = sa.and_(
            another.c.user_id == _user.c.id,
            another.c.id.is_distinct_from(_user.c.billing_subscription_id),
            another.c.status != EXPIRED,
            sa.or_(another.c.ends_at.is_(None), another.c.ends_at > now),
            sa.or_(another.c.status != ACTIVE, another.c.renews_at.is_(None), another.c.renews_at > now - self.grace),
        )
        is_without_end = sa.and_(
            another.c.id == _user.c.billing_subscription_id,
            another.c.status == ACTIVE,
            another.c.renews_at <= now - self.grace,
        )
        is_due = sa.or_(
            sa.and_(_user.c.plan_ends_at <= now, sa.exists().where(is_other)),
            sa.and_(_user.c.plan_ends_at.is_(None), sa.exists().where(is_without_end)),
        )
        due = sa.select(_user.c.id).where(is_due).limit(BATCH)
        for user_id in list(self.db.session.scalars(due)):
            moved += self._follow(user_id, SETTLER, None)
            self.db.commit()
        return moved

    def _dealt(self, notice: Notice, event_hash: str, caller: Caller) -> str:
        """What became of it; raises :class:`_IsAnothers`."""
        if not self._note(event_hash, notice.name):
            return self._counted(REPEATED)
        outcome = self._apply(notice, caller)
        changed = sa.update(_event).where(_event.c.event_hash == event_hash)
        self.db.session.execute(changed.values(outcome=outcome))
        return self._counted(outcome)

    def _apply(self, notice: Notice, caller: Caller) -> str:
        if notice.status is None:
            return self._ignored(UNKNOWN_STATUS, notice, caller)
        if (plan := self._plan(notice)) is None:
            return self._ignored(UNKNOWN_VARIANT, notice, caller)
        user_id = self._owner(notice)
        if user_id is None:
            return self._ignored(UNKNOWN_PERSON, notice, caller)
        told = Subscription(
            notice.subscription_id,
            notice.customer_id,
            plan,
            notice.status,
            notice.began_at,
            notice.renews_at,
            notice.ends_at,
            notice.changed_at,
        )
        locked(self.db, user_id)
        if not self._keep(user_id, told):
            return OUTDATED
        self._follow(user_id, caller, notice)
        return APPLIED

    def _plan(self, notice: Notice) -> str | None:
        """Which plan was sold, None where that is not known. What is sold no more still ends."""
        plan = self.plans_of_variants.get(notice.variant_id)
        if plan in self.plans.by_name():
            return plan
        if notice.status == ACTIVE:
            return None
        return self.db.session.scalar(
            sa.select(_subscription.c.plan).where(_subscription.c.id == notice.subscription_id)
        )

    def _note(self, event_hash: str, name: str) -> bool:
        """Whether this very notice was not dealt with before. Whoever brings it at the same time waits for us."""
        now = self.clock()
        values = {"event_hash": event_hash, "name": name, "outcome": "", "received_at": now, "expires_at": now + KEPT}
        added = insert_ignoring(self.db.dialect, _event).values(values).returning(_event.c.event_hash)
        return self.db.session.execute(added).first() is not None

    def _owner(self, notice: Notice) -> str | None:
        """Whose subscription it is: whose it was, else who the checkout named, else whose customer it is.

        Whoever pays chooses what the checkout says; a subscription that is known stays its person's, and one for
        somebody who is not here, or not any more, is nobody's.
        """
        known = sa.select(_subscription.c.user_id).where(_subscription.c.id == notice.subscription_id)
        if (owner := self.db.session.scalar(known)) is not None:
            return cast(str, owner)
        if notice.user_id is not None:
            return self.db.session.scalar(sa.select(_user.c.id).where(_user.c.id == notice.user_id))
        of_customer = sa.select(_subscription.c.user_id).where(_subscription.c.customer_id == notice.customer_id)
        owners = list(self.db.session.scalars(of_customer.distinct().limit(2)))
        return owners[0] if len(owners) == 1 else None

    def _keep(self, user_id: str, told: Subscription) -> bool:
        """Keep what was told, unless something later was told before; the person is locked.

        Raises :class:`_IsAnothers`.
        """
        kept = self.db.session.execute(sa.select(*_COLUMNS).where(_subscription.c.id == told.id)).first()
        values = {column.name: getattr(told, column.name) for column in _COLUMNS}
        if kept is None:
            added = insert_ignoring(self.db.dialect, _subscription).values(user_id=user_id, **values)
            if self.db.session.execute(added.returning(_subscription.c.id)).first() is None:
                raise _IsAnothers
            return True
        if not told.is_later_than(Subscription(*kept)):
            return False
        self.db.session.execute(sa.update(_subscription).where(_subscription.c.id == told.id).values(values))
        return True

    def _follow(self, user_id: str, caller: Caller, notice: Notice | None) -> bool:
        """Have the person's plan be what the subscriptions say; answers whether it changed."""
        row = locked(self.db, user_id)
        now, plans = self.clock(), self.plans.by_name()
        own = Standing(row.plan, row.plan_status, row.plan_ends_at)
        followed = decide(own, row.billing_subscription_id, self.subscriptions(user_id), plans, now, self.grace)
        if followed is None:
            return False
        standing, is_new = followed.standing(self.grace), followed.id != row.billing_subscription_id
        since = followed.began_at if is_new else followed.changed_at
        if standing == own and not is_new:
            return False
        self.db.session.execute(
            sa.update(_user)
            .where(_user.c.id == user_id)
            .values(
                plan=standing.plan,
                plan_status=standing.status,
                plan_started_at=began(row, standing.plan, min(since, now)),
                plan_ends_at=standing.ends_at,
                billing_subscription_id=followed.id,
                updated_at=now,
            )
        )
        self._name_customer(user_id, followed.customer_id, row.billing_customer_id)
        if not is_new and (standing.plan, standing.status) == (own.plan, own.status) == (own.plan, ACTIVE):
            return True  # it lasts longer, which is no news
        self.audit.record(
            Event.PLAN_BILLED,
            caller,
            user_id=user_id,
            plan=standing.plan,
            status=standing.status,
            ends=standing.ends_at.isoformat() if standing.ends_at else None,
            subscription=followed.id,
            notice=notice.name if notice else None,
        )
        return True

    def _name_customer(self, user_id: str, customer_id: str, present: str | None) -> None:
        """Note which customer the person is, unless it is somebody else already, be it since a moment ago.

        One customer may pay for two people.
        """
        if customer_id == present:
            return
        is_one = sa.update(_user).where(_user.c.id == user_id).values(billing_customer_id=customer_id)
        with contextlib.suppress(IntegrityError), self.db.session.begin_nested():
            self.db.session.execute(is_one)

    def _ignored(self, outcome: str, notice: Notice, caller: Caller) -> str:
        """What an operator has to look at: somebody paid and got nothing for it."""
        self.audit.record(
            Event.BILLING_IGNORED,
            caller,
            error=outcome,
            notice=notice.name,
            subscription=notice.subscription_id,
            variant=notice.variant_id,
        )
        return outcome

    def _counted(self, outcome: str) -> str:
        logger.info("billing_notice", extra={"outcome": outcome})
        self.audit.tally.count_if_kept([(Fact.BILLING, (outcome,), 1)])
        return outcome


def decide(
    own: Standing,
    followed_id: str | None,
    subscriptions: Iterable[Subscription],
    plans: Mapping[str, PlanRecord],
    now: datetime,
    grace: timedelta,
) -> Subscription | None:
    """The subscription that a person's plan follows; None where it stays as it was set.

    It is the best of those in force, and where none is, the one that ended last. A plan that an operator set stays
    while no subscription gives more.
    """

    def rank(of: Standing | Subscription) -> tuple[int, datetime]:
        plan = plans.get(of.plan)
        return (plan.position if plan else -1, of.ends_at or FAR)

    held = {each.id: each for each in subscriptions}
    good = [each for each in held.values() if each.standing(grace).is_in_force(now)]
    best = max(good, key=lambda each: (*rank(each), each.id), default=None)
    if best is None:
        best = max(
            held.values(), key=lambda each: (each.standing(grace).ends_at or each.changed_at, each.id), default=None
        )
        return best if followed_id in held or own.plan == FREE else None
    if followed_id not in held and own.is_in_force(now) and rank(own)[0] >= rank(best)[0]:
        return None
    return best


_COLUMNS = tuple(_subscription.c[name] for name in Subscription.__dataclass_fields__)
