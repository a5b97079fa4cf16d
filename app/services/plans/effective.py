"""Which plan counts for a person at a moment: a function, and the same in SQL, for statements that read the person.

An override in force comes first, the one made last where there are several; else it is the person's own plan, unless
that expired or its end has passed. A plan that was cancelled lasts to its end. Overrides that name a limit leave the
plan as it is and set how much of it there is in a month.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa

from app.models import PlanOverride, User, UtcDateTime

FREE = "free"
"""The plan of who has none."""
ACTIVE, CANCELLED, EXPIRED = "active", "cancelled", "expired"
STATUSES = (ACTIVE, CANCELLED, EXPIRED)
_user = cast(sa.Table, User.__table__)
_override = cast(sa.Table, PlanOverride.__table__)
PLAN_AT: sa.BindParameter[datetime] = sa.bindparam("plan_at", type_=UtcDateTime())
"""The moment that :data:`PLAN_NOW` asks about; a value of every statement which selects it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The plan that was set or paid for."""

    plan: str
    status: str
    ends_at: datetime | None

    def is_in_force(self, now: datetime) -> bool:
        """Whether it counts, but for overrides."""
        return self.status != EXPIRED and (self.ends_at is None or self.ends_at > now)


@dataclass(frozen=True, slots=True)
class Override:
    """Another plan, another limit or both, from a moment on and maybe to another one."""

    id: str
    plan: str | None
    monthly_limit: int | None
    starts_at: datetime
    ends_at: datetime | None
    reason: str
    created_by: str
    created_at: datetime

    def is_in_force(self, now: datetime) -> bool:
        """Whether it counts now."""
        return self.starts_at <= now and (self.ends_at is None or self.ends_at > now)


def effective(standing: Standing, overrides: Iterable[Override], now: datetime) -> str:
    """The name of the plan that counts ``now``; :func:`plan_at` says the same in SQL."""
    found = [each for each in overrides if each.plan is not None and each.is_in_force(now)]
    if found:
        return cast(str, _latest(found).plan)
    return standing.plan if standing.is_in_force(now) else FREE


def limit(overrides: Iterable[Override], of_plan: int | None, now: datetime) -> int | None:
    """How much there is in a month, None for no limit; ``of_plan`` is what the plan that counts says."""
    found = [each for each in overrides if each.monthly_limit is not None and each.is_in_force(now)]
    return _latest(found).monthly_limit if found else of_plan


def plan_at(moment: "sa.BindParameter[datetime] | datetime") -> sa.ColumnElement[str]:
    """The plan that counts at the moment, in a statement that selects from ``users``."""
    is_over = sa.or_(_user.c.plan_status == sa.literal_column(f"'{EXPIRED}'"), _user.c.plan_ends_at <= _bound(moment))
    own = sa.case((is_over, sa.literal_column(f"'{FREE}'")), else_=_user.c.plan)
    return sa.func.coalesce(_of_override(_override.c.plan, moment), own, type_=_user.c.plan.type)


def limit_at(moment: "sa.BindParameter[datetime] | datetime") -> sa.ColumnElement[int | None]:
    """The limit of an override in force, NULL where there is none, in a statement that selects from ``users``."""
    return _of_override(_override.c.monthly_limit, moment)


def in_force(moment: "sa.BindParameter[datetime] | datetime") -> sa.ColumnElement[bool]:
    """The condition of overrides that count at the moment."""
    at = _bound(moment)
    return sa.and_(_override.c.starts_at <= at, sa.or_(_override.c.ends_at.is_(None), _override.c.ends_at > at))


def _of_override(column: sa.Column[Any], moment: "sa.BindParameter[datetime] | datetime") -> sa.ScalarSelect[Any]:
    return (
        sa.select(column)
        .where(_override.c.user_id == _user.c.id, column.is_not(None), in_force(moment))
        .order_by(_override.c.created_at.desc(), _override.c.id.desc())
        .limit(sa.literal_column("1"))
        .correlate(_user)
        .scalar_subquery()
    )


def _bound(moment: "sa.BindParameter[datetime] | datetime") -> "sa.BindParameter[datetime]":
    return sa.literal(moment, UtcDateTime()) if isinstance(moment, datetime) else moment


def _latest(overrides: Iterable[Override]) -> Override:
    return max(overrides, key=lambda each: (each.created_at, each.id))


PLAN_NOW = plan_at(PLAN_AT)
"""The plan that counts, for statements that are compiled once."""
