"""What :mod:`app.services.plans.quotas` asks of the database and writes to it."""

from typing import Any, cast

import sqlalchemy as sa

from app.models import Plan, PlanOverride, Quota, QuotaUse, User, UtcDateTime
from app.services.foundation.environment import Database
from app.services.foundation.statements import TOLD, Statement, insert_ignoring
from app.services.plans.effective import PLAN_AT, PLAN_NOW, in_force, limit_at

_user = cast(sa.Table, User.__table__)
_plan = cast(sa.Table, Plan.__table__)
_override = cast(sa.Table, PlanOverride.__table__)
_quota = cast(sa.Table, Quota.__table__)
_use = cast(sa.Table, QuotaUse.__table__)
_KEPT = (_quota.c.used, _quota.c.number, _quota.c.anchor_at, _quota.c.began_at, _quota.c.resets_at)

FACTS = Statement(
    sa.select(
        _user.c.is_active,
        _user.c.plan_started_at,
        _user.c.created_at,
        PLAN_NOW.label("plan"),
        limit_at(PLAN_AT).label("limit_of_override"),
        _plan.c.name.label("known_plan"),
        _plan.c.title,
        _plan.c.monthly_limit,
        *_KEPT,
    )
    .select_from(_user.outerjoin(_plan, _plan.c.name == PLAN_NOW).outerjoin(_quota, _quota.c.user_id == _user.c.id))
    .where(_user.c.id == sa.bindparam("user_id"))
)
"""All that decides what a person may take."""
GRANTED = Statement(sa.select(_override.c.id).where(_override.c.user_id == sa.bindparam("user_id"), in_force(PLAN_AT)))
"""What was granted to a person and counts, whatever the person's own plan is."""
LOCK = Statement(sa.select(_quota.c.user_id).where(_quota.c.user_id == sa.bindparam("user_id")).with_for_update())
USE = Statement(
    sa.select(
        _use.c.id,
        _use.c.number,
        _use.c.amount,
        _use.c.plan,
        _use.c.monthly_limit,
        _use.c.used_then,
        _use.c.resets_at,
        _use.c.given_back,
    ).where(
        _use.c.user_id == sa.bindparam("user_id"),
        _use.c.client_id == sa.bindparam("client_id"),
        _use.c.key_hash == sa.bindparam("key_hash"),
    )
)
"""What was taken under a key."""


def _taking(*more: sa.ColumnElement[bool]) -> "sa.Update":
    """Take an amount, if there is so much: of the month under way, or of a new one where that is over.

    ``began`` and ``next_reset`` are those of the new month, for whoever saw the one before end at ``seen_reset``: where
    somebody else has begun it meanwhile, it is under way.
    """
    now, amount = sa.bindparam("now", type_=UtcDateTime()), sa.bindparam("amount", type_=sa.BigInteger())
    most = sa.bindparam("most", type_=sa.BigInteger())
    is_under_way = _quota.c.resets_at > now
    begins = sa.and_(_quota.c.resets_at <= now, _quota.c.resets_at == sa.bindparam("seen_reset", type_=UtcDateTime()))

    def new(name: str) -> Any:
        return sa.bindparam(name, type_=UtcDateTime())

    return (
        sa.update(_quota)
        .where(
            _quota.c.user_id == sa.bindparam("user"),
            sa.or_(sa.and_(is_under_way, _quota.c.used + amount <= most), sa.and_(begins, amount <= most)),
            *more,
        )
        .values(
            used=sa.case((is_under_way, _quota.c.used + amount), else_=amount),
            number=sa.case((is_under_way, _quota.c.number), else_=_quota.c.number + 1),
            began_at=sa.case((is_under_way, _quota.c.began_at), else_=new("began")),
            resets_at=sa.case((is_under_way, _quota.c.resets_at), else_=new("next_reset")),
        )
        .returning(_quota.c.used, _quota.c.number, _quota.c.resets_at)
    )


def _taking_at_once(*more: sa.ColumnElement[bool]) -> "sa.Insert":
    """The same with the note of it, as one statement of PostgreSQL: the row is locked for no longer than that takes.

    A key that is known breaks the unique constraint, and nothing is taken. ``more`` is asked in each part.
    """
    taken = _taking(*more).cte("taken")
    found = {"number": taken.c.number, "used_then": taken.c.used, "resets_at": taken.c.resets_at}
    values = [
        found.get(column.name, sa.bindparam(f"new_{column.name}", type_=column.type)).label(column.name)
        for column in _use.columns
    ]
    row = sa.select(*values).select_from(taken).where(*more)
    insert = sa.insert(_use).from_select([column.name for column in _use.columns], row, include_defaults=False)
    return insert.returning(_use.c.used_then.label("used"), _use.c.number, _use.c.resets_at)


def _giving_back() -> Statement:
    """Give an amount back to the very month it was taken of, if that is under way; never more than was used."""
    amount = sa.bindparam("amount", type_=sa.BigInteger())
    left = _quota.c.used - amount
    return Statement(
        sa.update(_quota)
        .where(
            _quota.c.user_id == sa.bindparam("user"),
            _quota.c.number == sa.bindparam("of_number"),
            _quota.c.resets_at > sa.bindparam("now", type_=UtcDateTime()),
        )
        .values(used=sa.case((left > 0, left), else_=0))
    )


TAKE = Statement(_taking())
TAKE_AT_ONCE = Statement(_taking_at_once(), telling=_taking_at_once(TOLD))
GIVE_BACK = _giving_back()
MARK = Statement(
    sa.update(_use)
    .where(_use.c.id == sa.bindparam("use"), _use.c.given_back.is_(None))
    .values(given_back=sa.bindparam("amount"))
)
"""Note that something was given back, once."""


class Inserts:
    """Inserts that leave alone what is there; each database has its own words for that."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._statements: dict[tuple[str, str], Statement] = {}

    def quota(self, **values: Any) -> None:
        """Make the row of a person, if there is none."""
        self._run(_quota, values)

    def use(self, **values: Any) -> bool:
        """Note what was taken; answers whether nothing was under its key."""
        return self._run(_use, values)

    def _run(self, table: sa.Table, values: dict[str, Any]) -> bool:
        dialect = self._db.dialect
        key = (dialect.name, table.name)
        if (statement := self._statements.get(key)) is None:
            columns = [column.name for column in table.columns]
            statement = self._statements[key] = Statement(insert_ignoring(dialect, table), columns)
        return bool(statement.run(self._db, **values))
