"""Reading the trail as a list: which records, and how they are found among millions.

Records are read along an index, the latest first. What that does not answer is asked of each record on the way, of
:data:`MOST_JUDGED` for one page; a page that ends there says so, and the next one goes on. Reading is on record itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa

from app.models import AuditLog, AuditSeal
from app.models.audit import BY_ANOTHER, NOT_ROUTINE
from app.services.foundation.environment import Caller, Database
from app.services.foundation.pages import Count, Order, Page, Window, page_of
from app.services.foundation.search import between, is_within
from app.services.record.audit import REQUEST, ROUTINE, Audit, Event
from app.services.record.canonical import moment

MOST_JUDGED = 20_000
MOST_COUNTED = 20_000
_log = cast(sa.Table, AuditLog.__table__)
_seal = cast(sa.Table, AuditSeal.__table__)
LATEST = Order("record", _log.c.created_at, _log.c.id)


@dataclass(frozen=True, slots=True)
class Filters:
    """Which records; None is any. One of ``actions`` with a colon at its end is all that begin with it.

    ``user`` is whom it happened to, ``actor`` who did it, ``ip`` an address or a network, ``request`` the id of one,
    ``error`` the code of what went wrong.
    """

    actions: tuple[str, ...] | None = None
    client: str | None = None
    user: str | None = None
    success: bool | None = None
    since: datetime | None = None
    until: datetime | None = None
    actor: str | None = None
    ip: str | None = None
    request: str | None = None
    error: str | None = None

    def told(self) -> dict[str, Any]:
        """As they go on record."""
        named = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "actions"}
        named["action"] = " ".join(self.actions) if self.actions else None
        return {
            name: moment(value) if isinstance(value, datetime) else value
            for name, value in named.items()
            if value is not None
        }


class Search:
    """Finds records."""

    def __init__(self, db: Database, audit: Audit) -> None:
        self.db = db
        self.audit = audit

    def page(
        self, filters: Filters, caller: Caller, *, limit: int, after: str | None = None, is_bounded: bool = True
    ) -> Page[dict[str, Any]]:
        """Records, the latest first, each with its sequence where it is sealed. Goes on record.

        Unless it ``is_bounded`` it looks through all that there are. Raises :class:`app.errors.InvalidInput` for a
        cursor or a network that is none.
        """
        found = self._page(filters, limit, after, is_bounded=is_bounded)
        self.audit.record(Event.AUDIT_READ, caller, **filters.told(), limit=limit, count=len(found.items))
        return found

    def export(
        self, filters: Filters, caller: Caller, form: str, *, limit: int, after: str | None = None
    ) -> Page[dict[str, Any]]:
        """A part of an export: as :meth:`page`, and on record as what it is. ``form`` is what is made of it."""
        found = self._page(filters, limit, after, is_bounded=True)
        self.audit.record(Event.AUDIT_EXPORTED, caller, **filters.told(), form=form, count=len(found.items))
        return found

    def count(self, filters: Filters) -> Count:
        """How many records those are, up to a bound; of what no index answers, among so many of the latest."""
        way = _way(filters)
        some = sa.select(_log.c.id).where(*way.found, *([sa.or_(*way.branches)] if way.branches else []))
        latest = some.order_by(*LATEST.clauses(is_backward=False)).limit(MOST_COUNTED + 1).subquery()
        looked_at = self._number(sa.select(latest.c.id))
        if not way.judged:
            return Count(min(looked_at, MOST_COUNTED), looked_at > MOST_COUNTED)
        of_them = sa.select(_log.c.id).where(_log.c.id.in_(sa.select(latest.c.id)), *way.judged)
        return Count(self._number(of_them), looked_at > MOST_COUNTED)

    def _number(self, rows: "sa.Select[Any]") -> int:
        return int(self.db.session.scalar(sa.select(sa.func.count()).select_from(rows.subquery())) or 0)

    def _page(self, filters: Filters, limit: int, after: str | None, *, is_bounded: bool) -> Page[dict[str, Any]]:
        way = _way(filters)
        return page_of(
            self.db,
            sa.select(_seal.c.sequence, *_log.c).select_from(_log.outerjoin(_seal, _seal.c.record_id == _log.c.id)),
            [*way.found, *way.judged],
            LATEST,
            lambda row: dict(row._mapping),
            limit=limit,
            after=after,
            window=Window(way.found, MOST_JUDGED) if is_bounded and way.judged else None,
            branches=way.branches,
        )


@dataclass(frozen=True, slots=True)
class _Way:
    """By which conditions records are found, and by which they are judged then."""

    found: "Sequence[sa.ColumnElement[bool]]"
    judged: "Sequence[sa.ColumnElement[bool]]"
    branches: "Sequence[sa.ColumnElement[bool]]" = ()


def _way(filters: Filters) -> _Way:
    """What narrows most comes first; spans of time narrow every way."""
    time = between(_log.c.created_at, filters.since, filters.until)
    asked = _asked(filters)
    for lead in LEADS:
        branches = _branches(lead, filters) if lead in asked else []
        if len(branches) == 1:
            judged = [condition for name, condition in asked.items() if name != lead]
            return _Way([*branches, *time], judged)
        if branches and len(asked) == 1:
            return _Way(time, [], branches)
    # Along several indexes records are in no order, so how many were judged could not be told.
    return _Way(time, list(asked.values()))


LEADS = ("user", "actor", "actions", "client")
"""What has an index, where it narrows most first."""


def _branches(lead: str, filters: Filters) -> list["sa.ColumnElement[bool]"]:
    """The alternatives of which an index answers each."""
    log = _log.c
    if lead == "user":
        return [log.user_id == filters.user]
    if lead == "client":
        return [log.client_id == filters.client]
    if lead == "actions":
        return [_of_action([each]) for each in _names(filters.actions)]
    by_actor = log.actor == filters.actor
    is_routine = log.action.in_(sorted(event.value for event in ROUTINE))
    by_client = sa.and_(by_actor, log.client_id == filters.actor, log.user_id.is_(None), is_routine)
    return [sa.and_(by_actor, BY_ANOTHER), sa.and_(by_actor, log.user_id == filters.actor), by_client]


def _asked(filters: Filters) -> dict[str, "sa.ColumnElement[bool]"]:
    log = _log.c
    by_name: dict[str, Callable[[Any], sa.ColumnElement[bool]]] = {
        "user": lambda value: log.user_id == value,
        "actor": lambda value: log.actor == value,
        "ip": lambda value: is_within(log.ip, value),
        "actions": lambda value: _of_action(_names(value)),
        "client": lambda value: log.client_id == value,
        "success": lambda value: log.success if value else sa.not_(log.success),
        "request": lambda value: log.details[REQUEST].as_string() == value,
        "error": lambda value: log.error_code == value,
    }
    given = {name: getattr(filters, name) for name in by_name}
    return {name: by_name[name](value) for name, value in given.items() if value is not None}


def _names(actions: Sequence[str] | None) -> list[str]:
    """The actions; beginnings are those of the actions that this version knows."""
    found: dict[str, None] = {}
    for each in actions or ():
        known = [event.value for event in Event if event.value.startswith(each)] if each.endswith(":") else [each]
        found |= dict.fromkeys(known)
    return list(found)


def _of_action(names: Sequence[str]) -> "sa.ColumnElement[bool]":
    if len(names) != 1:
        return _log.c.action.in_(names)
    (name,) = names
    return _log.c.action == name if name in ROUTINE else sa.and_(_log.c.action == name, NOT_ROUTINE)
