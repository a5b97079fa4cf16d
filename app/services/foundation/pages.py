"""A part of a list, and how those beside it are asked for: by the places of its first and last rows, never by counting.

Rows that come or go meanwhile move nothing: a place is the value a list is sorted by and the id of a row, whether that
row is still there or not. Where rows are looked through one by one, only so many are looked at for one part; a part may
then hold fewer rows than asked for, or none, and the next one goes on from there.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from app.errors import InvalidInput, sentence
from app.services.foundation.environment import Database

Shown = TypeVar("Shown")
LONGEST = 600
"""A cursor holds an address at most."""
MOST_COUNTED = 1000
MANY = 5000
WAYS = {(False, False): ">", (True, False): "<", (False, True): "]", (True, True): "["}
BY_WAY = {way: directions for directions, way in WAYS.items()}
NO_PLACE = sentence("This place in the list does not exist. Begin with the first page.")


@dataclass(frozen=True, slots=True)
class Order:
    """What a list is sorted by: a column of times or texts, then the id of rows. Rows without a value stand last."""

    name: str
    column: "sa.ColumnElement[Any]"
    row_id: "sa.ColumnElement[Any]"
    is_falling: bool = True
    has_gaps: bool = False
    """Whether some rows have no value."""

    def clauses(self, *, is_backward: bool) -> "list[sa.ColumnElement[Any]]":
        """For ``ORDER BY``; backward is from the end to the beginning."""
        if self.is_falling is is_backward:
            value, row_id = self.column.asc(), self.row_id.asc()
        else:
            value, row_id = self.column.desc(), self.row_id.desc()
        if not self.has_gaps:
            return [value, row_id]
        return [sa.nulls_first(value) if is_backward else sa.nulls_last(value), row_id]

    def beyond(self, place: "Place") -> "sa.ColumnElement[bool]":
        """The condition of rows that come after the place, or before it if it looks backward."""
        value, row_id = place.value, place.row_id
        goes_down = self.is_falling is not place.is_backward
        by_id = self.row_id < row_id if goes_down else self.row_id > row_id
        if place.is_included:
            by_id = sa.or_(by_id, self.row_id == row_id)
        if value is None:
            beside = sa.and_(self.column.is_(None), by_id)
            return sa.or_(beside, self.column.is_not(None)) if place.is_backward else beside
        # The first half alone lets an index be entered at the place.
        column = self.column
        near, past = (column <= value, column < value) if goes_down else (column >= value, column > value)
        found = sa.and_(near, sa.or_(past, by_id))
        return sa.or_(found, self.column.is_(None)) if self.has_gaps and not place.is_backward else found


@dataclass(frozen=True, slots=True)
class Place:
    """Beside a row of a list, behind it or before it, or with the row itself."""

    value: datetime | str | None
    row_id: str
    is_backward: bool = False
    is_included: bool = False

    @property
    def turned(self) -> "Place":
        """What the other direction begins with, the row itself included."""
        return Place(self.value, self.row_id, not self.is_backward, is_included=True)


@dataclass(frozen=True, slots=True)
class Page(Generic[Shown]):
    """Some rows of a list; ``next`` is the cursor of those behind them, ``previous`` of those before; None at an end.

    ``searched_to`` is set where the search stopped before there were enough: what lies beyond was not looked at yet.
    """

    items: list[Shown]
    next: str | None
    previous: str | None = None
    searched_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """How many rows there are, up to a bound."""

    number: int
    is_more: bool


@dataclass(frozen=True, slots=True)
class Window:
    """How a search is bounded.

    ``found`` are the conditions an index answers, ``most`` how many of those rows the others judge for one part.
    """

    found: "Sequence[sa.ColumnElement[bool]]"
    most: int


def page_of(
    db: Database,
    whole: "sa.Select[Any]",
    conditions: "Sequence[sa.ColumnElement[bool]] | None",
    order: Order,
    show: Callable[[Any], Shown],
    *,
    limit: int,
    after: str | None,
    window: Window | None = None,
    branches: "Sequence[sa.ColumnElement[bool]]" = (),
) -> Page[Shown]:
    """The rows of ``whole`` of which all conditions hold, ``limit`` at most.

    The rows are found by what they are sorted by alone, and read whole only then. ``whole`` selects the columns of
    ``order`` among others; where the conditions are None it says itself which rows. ``branches`` are alternatives, of
    which no row fulfils two and each has an index of its own. Raises :class:`InvalidInput` for a cursor that is none of
    such a list.
    """
    place = None if after is None else read(after, order)
    is_backward = place is not None and place.is_backward
    beyond = [] if place is None else [order.beyond(place)]
    edge = None if window is None else _edge(db, window, beyond, order, is_backward=is_backward)
    within = [] if edge is None else [order.beyond(edge.turned)]
    clauses = order.clauses(is_backward=is_backward)
    if conditions is None:
        query = whole.where(*beyond)
    else:
        keys = _keys(order, [*conditions, *beyond, *within], branches, clauses, limit + 1)
        query = whole.join(keys, keys.c.key == order.row_id)
    found = db.session.execute(query.order_by(*clauses).limit(limit + 1)).all()
    rows, has_more = list(found[:limit]), len(found) > limit
    onward = written(_place(rows[-1], order, is_backward=is_backward), order) if has_more else None
    if not has_more and edge is not None:
        onward = written(edge, order)
    first = _place(rows[0], order, is_backward=not is_backward) if rows else place and place.turned
    back = written(first, order) if place is not None and first is not None else None
    if is_backward:
        rows.reverse()
        onward, back = back, onward
    stopped = None if has_more or edge is None or not isinstance(edge.value, datetime) else edge.value
    return Page([show(row) for row in rows], onward, back, stopped)


def count_of(
    db: Database,
    row_id: "sa.ColumnElement[Any]",
    conditions: "Sequence[sa.ColumnElement[bool]]",
    most: int = MOST_COUNTED,
) -> Count:
    """How many rows fulfil the conditions, counted up to ``most``."""
    some = sa.select(row_id).where(*conditions).limit(most + 1).subquery()
    number = int(db.session.scalar(sa.select(sa.func.count()).select_from(some)) or 0)
    return Count(min(number, most), number > most)


def is_among(
    db: Database, row_id: "sa.ColumnElement[Any]", some: "sa.Select[Any]", column: "sa.Column[Any]"
) -> "sa.ColumnElement[bool]":
    """Whether a row is one of those that ``some`` names in ``column``.

    Few are named one by one, which leaves a database nothing to guess. Where they are many, one is soon met on the way
    through the list.
    """
    few = list(db.session.scalars(some.limit(MANY)))
    if len(few) < MANY:
        return row_id.in_(few)
    return some.where(column == row_id).correlate_except(column.table).exists()


def written(place: Place, order: Order) -> str:
    """A place as opaque text for an address."""
    value = place.value
    text = value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value or ""
    way, kind = WAYS[place.is_backward, place.is_included], "0" if value is None else "="
    return base64.urlsafe_b64encode(f"{way}{order.name}{kind}{text} {place.row_id}".encode()).decode().rstrip("=")


def read(cursor: str, order: Order) -> Place:
    """The place a cursor names; raises :class:`InvalidInput` for what :func:`written` never made for such a list."""
    try:
        text = base64.b64decode(cursor[:LONGEST] + "=" * (-len(cursor) % 4), b"-_", validate=True).decode()
        way, kind = text[:1], text[1 + len(order.name) :][:1]
        value, _, row_id = text[2 + len(order.name) :].rpartition(" ")
        is_known = way in BY_WAY and text[1:].startswith(order.name) and text.isprintable() and row_id
        if not is_known or kind not in ("0=" if order.has_gaps else "=") or (kind == "0") is not (not value):
            raise ValueError(cursor)
        return Place(None if kind == "0" else _value(value, order), row_id, *BY_WAY[way])
    except (ValueError, binascii.Error):
        raise InvalidInput(NO_PLACE) from None


def _value(text: str, order: Order) -> datetime | str:
    if isinstance(order.column.type, sa.String):
        return text
    moment = datetime.fromisoformat(text)
    if moment.tzinfo != UTC:
        raise ValueError(text)
    return moment


def _keys(
    order: Order,
    conditions: "Sequence[sa.ColumnElement[bool]]",
    branches: "Sequence[sa.ColumnElement[bool]]",
    clauses: "Sequence[sa.ColumnElement[Any]]",
    limit: int,
) -> sa.Subquery:
    """The first ids."""
    key = order.row_id.label("key")
    if len(branches) < 2:
        return sa.select(key).where(*conditions, *branches).order_by(*clauses).limit(limit).subquery()
    # A database walks no index for an OR; of each alternative there are as many as may be wanted of all.
    parts = [
        sa.select(key).where(*conditions, each).order_by(*clauses).limit(limit).subquery().select() for each in branches
    ]
    return sa.union_all(*parts).subquery()


def _edge(
    db: Database, window: Window, beyond: "Sequence[sa.ColumnElement[bool]]", order: Order, *, is_backward: bool
) -> Place | None:
    """The last row that is looked at; None where the list ends before that."""
    last = (
        sa.select(order.column, order.row_id)
        .where(*window.found, *beyond)
        .order_by(*order.clauses(is_backward=is_backward))
        .offset(window.most - 1)
        .limit(1)
    )
    row = db.session.execute(last).first()
    return None if row is None else Place(row[0], row[1], is_backward)


def _place(row: Any, order: Order, *, is_backward: bool) -> Place:
    return Place(row._mapping[order.column], row._mapping[order.row_id], is_backward)
