"""All people with an account: found by what is known of them, and one of them whole."""

import enum
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa

from app.errors import NotFound
from app.models import Group, Identity, Membership, Role, User
from app.services.foundation.environment import Clock, Database
from app.services.foundation.pages import Count, Order, Page, count_of, is_among, page_of
from app.services.foundation.person import UNKNOWN
from app.services.foundation.search import begins, between, holds
from app.services.foundation.texts import shown
from app.services.people.email_names import fold
from app.services.plans.effective import plan_at
from app.services.tenancy.names import key as key_of

_user = cast(sa.Table, User.__table__)
_identity = cast(sa.Table, Identity.__table__)
_membership = cast(sa.Table, Membership.__table__)
_group = cast(sa.Table, Group.__table__)
_role = cast(sa.Table, Role.__table__)


@dataclass(frozen=True, slots=True)
class Entry:
    """A person in the list."""

    id: str
    email: str
    email_verified: bool
    username: str
    full_name: str
    has_password: bool
    is_active: bool
    is_admin: bool
    plan: str
    plan_status: str
    plan_started_at: datetime | None
    plan_ends_at: datetime | None
    effective_plan: str
    billing_customer_id: str | None
    billing_subscription_id: str | None
    locale: str
    timezone: str
    created_at: datetime
    updated_at: datetime
    last_login_at: datetime | None
    deletes_at: datetime | None


@dataclass(frozen=True, slots=True)
class Place:
    """A group somebody is in, and the role there."""

    group: str
    kind: str
    role: str
    is_primary: bool


@dataclass(frozen=True, slots=True)
class Link:
    """An identity at a provider by which somebody comes in."""

    provider: str
    subject: str
    email: str
    created_at: datetime
    last_used_at: datetime


@dataclass(frozen=True, slots=True)
class Whole:
    """A person with groups and identities."""

    entry: Entry
    groups: list[Place]
    identities: list[Link]


class Sort(enum.StrEnum):
    """By what a list of people is sorted."""

    NEWEST = "newest"
    EMAIL = "email"
    LAST_LOGIN = "last_login"


ORDERS = {
    Sort.NEWEST: Order("created", _user.c.created_at, _user.c.id),
    Sort.EMAIL: Order("email", _user.c.email, _user.c.id, is_falling=False),
    Sort.LAST_LOGIN: Order("login", _user.c.last_login_at, _user.c.id, has_gaps=True),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which people: those of whom all hold that is not None.

    ``search`` is a part of a name or an address, or an id, here or at a provider, whole; ``email`` the beginning of an
    address. ``plan`` is what was set or paid for, ``effective_plan`` what counts now. ``role`` and ``group`` are ids or
    names: who holds the role somewhere, who is in the group, or, where both are given, holds the role there. Times
    are not before ``since`` and before ``until``.
    """

    search: str | None = None
    is_active: bool | None = None
    is_verified: bool | None = None
    is_admin: bool | None = None
    plan: str | None = None
    effective_plan: str | None = None
    email: str | None = None
    is_leaving: bool | None = None
    role: str | None = None
    group: str | None = None
    provider: str | None = None
    created_since: datetime | None = None
    created_until: datetime | None = None
    login_since: datetime | None = None
    login_until: datetime | None = None
    has_logged_in: bool | None = None


class Directory:
    """Finds people."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self.db = db
        self.clock = clock

    def page(self, wanted: Wanted, *, limit: int, after: str | None = None, sort: Sort = Sort.NEWEST) -> Page[Entry]:
        """People as they are sorted; raises :class:`app.errors.InvalidInput` for a cursor that is none of such a list.

        Newest is the latest account first, and last login the latest one; e-mails rise.
        """
        now = self.clock()
        whole = sa.select(_user, plan_at(now).label("effective_plan"))
        return page_of(self.db, whole, self._conditions(wanted, now), ORDERS[sort], _entry, limit=limit, after=after)

    def count(self, wanted: Wanted) -> Count:
        """How many people those are, up to a bound."""
        return count_of(self.db, _user.c.id, self._conditions(wanted, self.clock()))

    def one(self, user_id: str) -> Whole:
        """The person of that id; raises :class:`NotFound`."""
        query = sa.select(_user, plan_at(self.clock()).label("effective_plan")).where(_user.c.id == user_id)
        row = self.db.session.execute(query).first()
        if row is None:
            raise NotFound(UNKNOWN)
        return Whole(_entry(row), self._groups(user_id), self._identities(user_id))

    def names(self, user_ids: Collection[str]) -> dict[str, str]:
        """What people are called, by their ids; those who are not there are left out."""
        query = sa.select(_user.c.id, _user.c.full_name, _user.c.username).where(_user.c.id.in_(set(user_ids)))
        return {row.id: shown(row.full_name) or row.username for row in self.db.session.execute(query)}

    def _conditions(self, wanted: Wanted, now: datetime) -> list[sa.ColumnElement[bool]]:
        found = [
            *between(_user.c.created_at, wanted.created_since, wanted.created_until),
            *between(_user.c.last_login_at, wanted.login_since, wanted.login_until),
        ]
        for column, value in (
            (_user.c.is_active, wanted.is_active),
            (_user.c.email_verified, wanted.is_verified),
            (_user.c.is_superuser, wanted.is_admin),
            (_user.c.plan, wanted.plan),
            (_user.c.deletes_at.is_not(None), wanted.is_leaving),
            (_user.c.last_login_at.is_not(None), wanted.has_logged_in),
            (plan_at(now), wanted.effective_plan),
        ):
            if value is not None:
                found.append(_is(column, value))
        if wanted.email:
            found.append(begins(_user.c.email, fold(wanted.email)))
        if wanted.provider:
            of_provider = sa.select(_identity.c.user_id).where(_identity.c.provider == wanted.provider)
            found.append(is_among(self.db, _user.c.id, of_provider, _identity.c.user_id))
        if wanted.role or wanted.group:
            found.append(is_among(self.db, _user.c.id, _in_places(wanted), _membership.c.user_id))
        if wanted.search:
            found.append(searched(wanted.search))
        return found

    def _groups(self, user_id: str) -> list[Place]:
        query = (
            sa.select(_group.c.name, _group.c.kind, _role.c.name, _membership.c.is_primary)
            .select_from(_membership.join(_group).join(_role))
            .where(_membership.c.user_id == user_id)
            .order_by(_group.c.name)
        )
        return [Place(*row) for row in self.db.session.execute(query)]

    def _identities(self, user_id: str) -> list[Link]:
        columns = (_identity.c.provider, _identity.c.subject, _identity.c.email)
        times = (_identity.c.created_at, _identity.c.last_used_at)
        query = sa.select(*columns, *times).where(_identity.c.user_id == user_id).order_by(_identity.c.created_at)
        return [Link(*row) for row in self.db.session.execute(query)]


def _is(column: "sa.ColumnElement[Any]", value: object) -> sa.ColumnElement[bool]:
    return column == value if not isinstance(value, bool) else column if value else sa.not_(column)


def _in_places(wanted: Wanted) -> "sa.Select[Any]":
    query = sa.select(_membership.c.user_id)
    for table, column, text in (
        (_role, _membership.c.role_id, wanted.role),
        (_group, _membership.c.group_id, wanted.group),
    ):
        if text:
            named = sa.or_(table.c.id == text, table.c.name == text, table.c.name_key == key_of(text))
            query = query.where(column.in_(sa.select(table.c.id).where(named)))
    return query


def searched(text: str) -> sa.ColumnElement[bool]:
    """The condition of people of whom a part of a name or an address is ``text``, or an id, whole."""
    of_provider = sa.select(_identity.c.user_id).where(_identity.c.subject == text)
    small = [holds(column, text, is_small=True) for column in (_user.c.email, _user.c.username)]
    named = [*small, holds(_user.c.full_name, text)]
    return sa.or_(*named, _user.c.id == text, _user.c.email == fold(text), _user.c.id.in_(of_provider))


def _entry(row: Any) -> Entry:
    return Entry(
        row.id,
        row.email,
        row.email_verified,
        row.username,
        shown(row.full_name),
        row.password_hash is not None,
        row.is_active,
        row.is_superuser,
        row.plan,
        row.plan_status,
        row.plan_started_at,
        row.plan_ends_at,
        row.effective_plan,
        row.billing_customer_id,
        row.billing_subscription_id,
        row.locale,
        row.timezone,
        row.created_at,
        row.updated_at,
        row.last_login_at,
        row.deletes_at,
    )
