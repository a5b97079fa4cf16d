"""All people with an account: found by what is known of them, and one of them whole."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa

from app.errors import NotFound
from app.models import Group, Identity, Membership, Role, User
from app.services.foundation.environment import Clock, Database
from app.services.foundation.person import UNKNOWN
from app.services.foundation.texts import shown
from app.services.oversight.pages import Page, holds, page_of
from app.services.people.email_names import fold
from app.services.plans.effective import plan_at

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


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which people: those of whom all hold that is not None. ``search`` is a part of a name or an address, or an id.

    ``plan`` is what was set or paid for, ``effective_plan`` what counts now.
    """

    search: str | None = None
    is_active: bool | None = None
    is_verified: bool | None = None
    is_admin: bool | None = None
    plan: str | None = None
    effective_plan: str | None = None


class Directory:
    """Finds people."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self.db = db
        self.clock = clock

    def page(self, wanted: Wanted, *, limit: int, after: str | None = None) -> Page[Entry]:
        """People, the newest account first; raises :class:`app.errors.InvalidInput` for a cursor that is none."""
        now = self.clock()
        query = sa.select(_user, plan_at(now).label("effective_plan")).where(*_conditions(wanted, now))
        return page_of(self.db, query, _user.c.created_at, _user.c.id, _entry, limit=limit, after=after)

    def one(self, user_id: str) -> Whole:
        """The person of that id; raises :class:`NotFound`."""
        query = sa.select(_user, plan_at(self.clock()).label("effective_plan")).where(_user.c.id == user_id)
        row = self.db.session.execute(query).first()
        if row is None:
            raise NotFound(UNKNOWN)
        return Whole(_entry(row), self._groups(user_id), self._identities(user_id))

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


def _conditions(wanted: Wanted, now: datetime) -> list[sa.ColumnElement[bool]]:
    found = []
    if wanted.search:
        of_provider = sa.select(_identity.c.user_id).where(_identity.c.subject == wanted.search)
        # As they are kept: addresses and user names in one spelling, names as they were typed, composed.
        spelled, composed = (unicodedata.normalize(form, wanted.search) for form in ("NFKC", "NFC"))
        named = sa.or_(holds([_user.c.email, _user.c.username], spelled), holds([_user.c.full_name], composed))
        ids = (_user.c.id == wanted.search, _user.c.email == fold(wanted.search), _user.c.id.in_(of_provider))
        found.append(sa.or_(named, *ids))
    for column, value in (
        (_user.c.is_active, wanted.is_active),
        (_user.c.email_verified, wanted.is_verified),
        (_user.c.is_superuser, wanted.is_admin),
        (_user.c.plan, wanted.plan),
        (plan_at(now), wanted.effective_plan),
    ):
        if value is not None:
            found.append(column == value)
    return found


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
