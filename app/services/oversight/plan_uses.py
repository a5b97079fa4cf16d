"""Of each plan how many people are on it, and whom another limit would stop."""

from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa

from app.models import Quota, User
from app.services.foundation.environment import Clock, Database
from app.services.foundation.pages import Count, count_of
from app.services.plans.effective import limit_at, plan_at

_user = cast(sa.Table, User.__table__)
_quota = cast(sa.Table, Quota.__table__)


@dataclass(frozen=True, slots=True)
class LimitEffect:
    """Whom another limit of a plan concerns: everybody to whom it applies, and of these those who have nothing left.

    People with a limit of their own are not among them. ``stopped`` had something left before, ``freed`` get some.
    """

    people: Count
    stopped: Count
    freed: Count


class PlanUses:
    """Counts people by plans, up to a bound."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self.db = db
        self.clock = clock

    def on(self, plan: str) -> Count:
        """How many people the plan counts for."""
        return self._count(plan_at(self.clock()) == plan)

    def of_limit(self, plan: str, before: int | None, after: int | None) -> LimitEffect:
        """What becomes of people if the plan gives ``after`` instead of ``before``; None is no limit."""
        now = self.clock()
        theirs = (plan_at(now) == plan, limit_at(now).is_(None))
        was_left, is_left = (self._has_left(limit) for limit in (before, after))
        return LimitEffect(
            self._count(*theirs), self._count(*theirs, was_left, ~is_left), self._count(*theirs, ~was_left, is_left)
        )

    def _has_left(self, limit: int | None) -> "sa.ColumnElement[bool]":
        """Whether a person has used less than that of the month under way."""
        if limit is None:
            return sa.true()
        spent: sa.Select[Any] = sa.select(_quota.c.user_id).where(
            _quota.c.user_id == _user.c.id, _quota.c.resets_at > self.clock(), _quota.c.used >= limit
        )
        return sa.not_(spent.exists()) if limit else sa.false()

    def _count(self, *conditions: "sa.ColumnElement[bool]") -> Count:
        return count_of(self.db, _user.c.id, conditions)
