"""A part of a list, and how the next one is asked for: by the place behind the last row, never by counting rows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from app.services.foundation import cursors
from app.services.foundation.environment import Database

Shown = TypeVar("Shown")
LIKE_ESCAPE = "\\"


@dataclass(frozen=True, slots=True)
class Page(Generic[Shown]):
    """Some rows of a list; ``next`` is the cursor of those behind them, None at the end."""

    items: list[Shown]
    next: str | None


def page_of(
    db: Database,
    query: "sa.Select[Any]",
    moment: sa.Column[Any],
    row_id: sa.Column[Any],
    show: Callable[[Any], Shown],
    *,
    limit: int,
    after: str | None,
) -> Page[Shown]:
    """The rows of ``query`` behind the cursor ``after``, those of the latest ``moment`` first, ``limit`` at most.

    Both columns are among those the query selects. Raises :class:`app.errors.InvalidInput` for a cursor that is none.
    """
    if after is not None:
        query = query.where(cursors.behind(after, moment, row_id))
    rows = db.session.execute(query.order_by(moment.desc(), row_id.desc()).limit(limit + 1)).all()
    last = rows[limit - 1]._mapping if len(rows) > limit else None
    following = None if last is None else cursors.written(last[moment], last[row_id])
    return Page([show(row) for row in rows[:limit]], following)


def holds(columns: list[sa.Column[Any]], text: str) -> sa.ColumnElement[bool]:
    """Whether ``text`` stands somewhere in one of the columns, in any case of letters.

    SQLite knows the cases of ASCII alone; beyond it what stands there is found as it was typed, too.
    """
    for special in (LIKE_ESCAPE, "%", "_"):
        text = text.replace(special, LIKE_ESCAPE + special)
    found = [sa.func.lower(each).like(f"%{text.lower()}%", escape=LIKE_ESCAPE) for each in columns]
    if not text.isascii():
        found += [each.like(f"%{text}%", escape=LIKE_ESCAPE) for each in columns]
    return sa.or_(*found)
