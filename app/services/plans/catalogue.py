"""The plans there are, from the least to the most, and how much each gives in a month."""

from dataclasses import dataclass
from typing import cast

import sqlalchemy as sa

from app.errors import InvalidInput, NotFound
from app.models import Plan
from app.services.foundation.environment import NOBODY, Caller, Database
from app.services.foundation.statements import Statement
from app.services.record.audit import Audit, Event

MOST = 1_000_000_000
"""The highest limit; whoever needs more has none."""
UNKNOWN = "There is no plan of that name."
_plan = cast(sa.Table, Plan.__table__)
_ALL = Statement(
    sa.select(_plan.c.name, _plan.c.position, _plan.c.title, _plan.c.monthly_limit).order_by(_plan.c.position)
)


@dataclass(frozen=True, slots=True)
class PlanRecord:
    """A plan; without ``monthly_limit`` there is none."""

    name: str
    position: int
    title: str
    monthly_limit: int | None


class Plans:
    """Finds plans and changes what they give."""

    def __init__(self, db: Database, audit: Audit) -> None:
        self.db = db
        self.audit = audit

    def all(self) -> list[PlanRecord]:
        """From the least to the most."""
        return [PlanRecord(*row) for row in _ALL.all(self.db)]

    def by_name(self) -> dict[str, PlanRecord]:
        """All of them, by name."""
        return {plan.name: plan for plan in self.all()}

    def require(self, name: str) -> PlanRecord:
        """The plan of that name; raises :class:`InvalidInput`, which names those there are."""
        plans = self.by_name()
        if name not in plans:
            raise InvalidInput(f"Plans are {', '.join(plans)}.", "plan")
        return plans[name]

    def title(self, name: str) -> str:
        """What a plan is called; one that is not known by its name."""
        plan = self.by_name().get(name)
        return plan.title if plan else name

    def above(self, name: str, limit: int) -> PlanRecord | None:
        """The next plan up that gives more than ``limit`` in a month, if there is one."""
        plans = self.by_name()
        position = plans[name].position if name in plans else -1
        for plan in plans.values():
            if plan.position > position and (plan.monthly_limit is None or plan.monthly_limit > limit):
                return plan
        return None

    def set_limit(self, name: str, limit: int | None, caller: Caller = NOBODY) -> PlanRecord:
        """How much a plan gives in a month from now on, None for no limit; what was used of it is kept.

        Raises :class:`NotFound`, and :class:`InvalidInput` for a limit that is none.
        """
        require_limit(limit)
        before = self.by_name().get(name)
        if before is None:
            raise NotFound(UNKNOWN)
        if before.monthly_limit != limit:
            self.db.session.execute(sa.update(_plan).where(_plan.c.name == name).values(monthly_limit=limit))
            self.audit.record(Event.PLAN_LIMIT_SET, caller, plan=name, limit=limit, former=before.monthly_limit)
        return PlanRecord(before.name, before.position, before.title, limit)


def require_limit(limit: int | None) -> None:
    """Raise :class:`InvalidInput` for a number that cannot be a limit."""
    if limit is not None and not 0 <= limit <= MOST:
        raise InvalidInput(f"A limit is a whole number from 0 to {MOST}, or none.", "monthly_limit")
