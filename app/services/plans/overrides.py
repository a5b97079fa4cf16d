"""What was granted to single people beside their plans: for how long, why, and by whom."""

from datetime import datetime
from typing import cast

import sqlalchemy as sa

from app.errors import InvalidInput, NotFound
from app.models import PlanOverride, User, new_id
from app.services.foundation.environment import NOBODY, Caller, Clock, Database
from app.services.foundation.person import lock_person
from app.services.foundation.texts import one_line
from app.services.plans.catalogue import Plans, require_limit
from app.services.plans.effective import Override
from app.services.plans.periods import require_moment
from app.services.record.audit import Audit, Event

MOST_AT_ONCE = 20
"""Overrides of one person that are not over."""
LONGEST_REASON = 200
UNKNOWN = "There is no such override, or it is over."
_override = cast(sa.Table, PlanOverride.__table__)
_user = cast(sa.Table, User.__table__)


class Overrides:
    """Makes, lists and ends overrides; each raises :class:`NotFound` where there is nobody or nothing of that id."""

    def __init__(self, db: Database, clock: Clock, audit: Audit, plans: Plans) -> None:
        self.db = db
        self.clock = clock
        self.audit = audit
        self.plans = plans

    def add(
        self,
        user_id: str,
        *,
        plan: str | None = None,
        monthly_limit: int | None = None,
        starts_at: datetime | None = None,
        ends_at: datetime | None = None,
        reason: str,
        caller: Caller = NOBODY,
    ) -> Override:
        """Grant another plan, another monthly limit or both, from now on if nothing else is said.

        Of several in force the one made last counts. Raises :class:`InvalidInput` for what is none.
        """
        now = self.clock()
        begins = starts_at or now
        reason = self._checked(plan, monthly_limit, begins, ends_at, reason)
        self._lock(user_id)
        if len(self._open(user_id, now)) >= MOST_AT_ONCE:
            raise InvalidInput(f"There are {MOST_AT_ONCE} overrides already. End one of them first.", "user_id")
        made = Override(
            new_id(), plan, monthly_limit, begins, ends_at, reason, (caller.actor or caller.user_id)[:100], now
        )
        values = {name: getattr(made, name) for name in Override.__dataclass_fields__}
        self.db.session.execute(sa.insert(_override).values(user_id=user_id, **values))
        self._touch(user_id, now)
        self.audit.record(
            Event.OVERRIDE_SET,
            caller,
            user_id=user_id,
            override=made.id,
            plan=plan,
            limit=monthly_limit,
            starts=begins.isoformat(),
            ends=ends_at.isoformat() if ends_at else None,
            reason=reason,
        )
        return made

    def end(self, user_id: str, override_id: str | None = None, caller: Caller = NOBODY) -> list[Override]:
        """End an override that is not over now, or all of a person's; answers those. Raises :class:`NotFound`."""
        self._lock(user_id)
        now = self.clock()
        ended = [each for each in self._open(user_id, now) if override_id in (None, each.id)]
        if not ended:
            raise NotFound(UNKNOWN)
        for each in ended:
            self.db.session.execute(
                sa.update(_override)
                .where(_override.c.id == each.id)
                .values(ends_at=now, starts_at=min(each.starts_at, now))
            )
            self.audit.record(Event.OVERRIDE_ENDED, caller, user_id=user_id, override=each.id, plan=each.plan)
        self._touch(user_id, now)
        return ended

    def of(self, user_id: str, *, limit: int = 200) -> list[Override]:
        """A person's overrides, the one made last first, those that are over as well; ``limit`` at most."""
        query = sa.select(*_COLUMNS).where(_override.c.user_id == user_id)
        order = (_override.c.created_at.desc(), _override.c.id.desc())
        return [Override(*row) for row in self.db.session.execute(query.order_by(*order).limit(limit))]

    def in_force(self, user_id: str) -> list[Override]:
        """Those of a person that count now, the one made last first."""
        now = self.clock()
        found = [each for each in self._open(user_id, now) if each.is_in_force(now)]
        return sorted(found, key=lambda each: (each.created_at, each.id), reverse=True)

    def _checked(
        self, plan: str | None, monthly_limit: int | None, starts_at: datetime, ends_at: datetime | None, reason: str
    ) -> str:
        if plan is None and monthly_limit is None:
            raise InvalidInput("Say which plan or which monthly limit counts instead.", "plan")
        if plan is not None:
            self.plans.require(plan)
        require_limit(monthly_limit)
        require_moment(starts_at, "starts_at")
        require_moment(ends_at, "ends_at")
        if ends_at is not None and ends_at <= max(starts_at, self.clock()):
            raise InvalidInput("An override ends after it begins, and later than now.", "ends_at")
        kept = one_line(reason)
        if not kept or len(kept) > LONGEST_REASON:
            raise InvalidInput(f"Give a reason of at most {LONGEST_REASON} characters.", "reason")
        return kept

    def _open(self, user_id: str, now: datetime) -> list[Override]:
        is_open = sa.or_(_override.c.ends_at.is_(None), _override.c.ends_at > now)
        rows = self.db.session.execute(sa.select(*_COLUMNS).where(_override.c.user_id == user_id, is_open))
        return [Override(*row) for row in rows]

    def _lock(self, user_id: str) -> None:
        if lock_person(self.db, user_id) is None:
            raise NotFound

    def _touch(self, user_id: str, now: datetime) -> None:
        # Copies of what is said about the person are known by it.
        self.db.session.execute(sa.update(_user).where(_user.c.id == user_id).values(updated_at=now))


_COLUMNS = tuple(_override.c[name] for name in Override.__dataclass_fields__)
