"""Who may do something, and why somebody may or may not; who is in a group; all groups and roles."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa

from app.errors import NotFound
from app.models import Group, Membership, Role, User
from app.services.foundation.environment import Database
from app.services.foundation.pages import Order, Page, page_of
from app.services.foundation.person import UNKNOWN
from app.services.foundation.search import holds
from app.services.foundation.texts import shown
from app.services.oversight.directory import searched
from app.services.tenancy.catalogue import BUILTIN_ROLES
from app.services.tenancy.groups import UNKNOWN as NO_GROUP
from app.services.tenancy.names import key
from app.services.tenancy.roles import UNKNOWN as NO_ROLE
from app.services.tenancy.world import Place, World, primary_of

_user = cast(sa.Table, User.__table__)
_membership = cast(sa.Table, Membership.__table__)
_group = cast(sa.Table, Group.__table__)
_role = cast(sa.Table, Role.__table__)
NEWEST = Order("created", _user.c.created_at, _user.c.id)
GROUPS = Order("group", _group.c.created_at, _group.c.id)
ROLES = Order("role", _role.c.created_at, _role.c.id)
_INSIDE = sa.select(sa.func.count()).where(_membership.c.group_id == _group.c.id).scalar_subquery()
_GROUPS = sa.select(
    _group.c.id,
    _group.c.name,
    _group.c.kind,
    _INSIDE.label("members"),
    _group.c.created_at,
    _group.c.allows_acting,
)
_PEOPLE = sa.select(sa.func.count(_membership.c.user_id.distinct())).where(_membership.c.role_id == _role.c.id)
_HOLDERS = _PEOPLE.scalar_subquery().label("holders")
_ROLES = sa.select(_role.c.id, _role.c.name, _role.c.permissions, _HOLDERS, _role.c.created_at)
_PERSON = (_user.c.id, _user.c.email, _user.c.full_name, _user.c.username, _user.c.is_active, _user.c.created_at)


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in a group, and the role there."""

    user_id: str
    email: str
    name: str
    is_active: bool
    role: str
    is_primary: bool
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who may do something, by a role in a group."""

    user_id: str
    email: str
    name: str
    role: str
    group: str


@dataclass(frozen=True, slots=True)
class ListedGroup:
    """A group and how many people are in it."""

    id: str
    name: str
    kind: str
    members: int
    created_at: datetime
    allows_acting: bool


@dataclass(frozen=True, slots=True)
class ListedRole:
    """A role, what it permits, and how many people hold it in some group."""

    id: str
    name: str
    permissions: tuple[str, ...]
    is_builtin: bool
    holders: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Reason:
    """One of somebody's places, and whether its role carries the permission."""

    group: str
    kind: str
    role: str
    is_primary: bool
    carries: bool


@dataclass(frozen=True, slots=True)
class Why:
    """Whether somebody may do something by what the portal and tokens say, and the reasons: all places, those too that
    do not decide. A stopped account may do nothing."""

    permission: str
    is_allowed: bool
    is_active: bool
    reasons: tuple[Reason, ...]


class Rights:
    """Answers questions about what people may do."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def who(
        self, permission: str, *, group_id: str | None = None, limit: int, after: str | None = None
    ) -> Page[Holder]:
        """Who may do something, by the role in the primary group or in one group; the newest account first.

        Raises :class:`app.errors.InvalidInput` for a cursor that is none.
        """
        carrying = World.present(self.db).carrying(permission)
        where = _membership.c.is_primary if group_id is None else _membership.c.group_id == group_id
        query = (
            sa.select(*_PERSON, _role.c.name.label("role"), _group.c.name.label("group"))
            .select_from(_user.join(_membership, _membership.c.user_id == _user.c.id).join(_role).join(_group))
            .where(_membership.c.role_id.in_(carrying), where, _user.c.is_active)
        )
        return page_of(self.db, query, None, NEWEST, _holder, limit=limit, after=after)

    def why(self, user_id: str, permission: str) -> Why:
        """Why somebody may do something, or may not; raises :class:`NotFound` where there is no such person."""
        is_active = self.db.session.scalar(sa.select(_user.c.is_active).where(_user.c.id == user_id))
        if is_active is None:
            raise NotFound(UNKNOWN)
        places = World.present(self.db).of([user_id])[user_id]
        primary = primary_of(places)
        is_allowed = is_active and primary is not None and permission in primary.role.permissions
        return Why(permission, is_allowed, is_active, tuple(_reason(place, permission) for place in places))

    def members(
        self,
        group_id: str,
        *,
        search: str | None = None,
        role_id: str | None = None,
        limit: int,
        after: str | None = None,
    ) -> Page[Member]:
        """Who is in a group, the newest account first; raises as :meth:`who` does.

        ``search`` is a part of a name or an address, or an id, whole; ``role_id`` the role they hold there.
        """
        columns = (_role.c.name.label("role"), _membership.c.is_primary, _membership.c.created_at.label("joined_at"))
        query = (
            sa.select(*_PERSON, *columns)
            .select_from(_membership.join(_user).join(_role))
            .where(_membership.c.group_id == group_id)
        )
        if search:
            query = query.where(searched(search))
        if role_id:
            query = query.where(_membership.c.role_id == role_id)
        return page_of(self.db, query, None, NEWEST, _member, limit=limit, after=after)

    def of_primary_group(self, group_id: str) -> int:
        """Of how many people it is the primary group."""
        theirs = sa.select(sa.func.count()).where(_membership.c.group_id == group_id, _membership.c.is_primary)
        return self.db.session.scalar(theirs) or 0

    def groups(
        self, *, search: str | None = None, kind: str | None = None, limit: int, after: str | None = None
    ) -> Page[ListedGroup]:
        """Groups, the newest first, of a kind or whose name holds ``search``; raises as :meth:`who` does."""
        query = _GROUPS
        if search:
            query = query.where(sa.or_(holds(_group.c.name_key, key(search)), holds(_group.c.name, search)))
        if kind:
            query = query.where(_group.c.kind == kind)
        return page_of(self.db, query, None, GROUPS, lambda row: ListedGroup(*row), limit=limit, after=after)

    def group_names(self, limit: int) -> list[str]:
        """The names of groups to choose from: of the newest ``limit``, in their order."""
        return self._names(_group, limit)

    def role_names(self, limit: int) -> list[str]:
        """The same of roles."""
        return self._names(_role, limit)

    def group(self, group_id: str) -> ListedGroup:
        """One group; raises :class:`NotFound`."""
        if row := self.db.session.execute(_GROUPS.where(_group.c.id == group_id)).first():
            return ListedGroup(*row)
        raise NotFound(NO_GROUP)

    def role(self, role_id: str) -> ListedRole:
        """One role; raises :class:`NotFound`."""
        if row := self.db.session.execute(_ROLES.where(_role.c.id == role_id)).first():
            return _listed(row)
        raise NotFound(NO_ROLE)

    def roles(self, *, limit: int, after: str | None = None) -> Page[ListedRole]:
        """Roles, the newest first; raises as :meth:`who` does."""
        return page_of(self.db, _ROLES, None, ROLES, _listed, limit=limit, after=after)

    def _names(self, table: sa.Table, limit: int) -> list[str]:
        newest = sa.select(table.c.name).order_by(table.c.created_at.desc(), table.c.id.desc()).limit(limit)
        return sorted(self.db.session.scalars(newest))


def _listed(row: Any) -> ListedRole:
    permissions = tuple(sorted(row.permissions or ()))
    return ListedRole(row.id, row.name, permissions, row.name in BUILTIN_ROLES, row.holders, row.created_at)


def _member(row: Any) -> Member:
    return Member(row.id, row.email, _name(row), row.is_active, row.role, row.is_primary, row.joined_at)


def _holder(row: Any) -> Holder:
    return Holder(row.id, row.email, _name(row), row.role, row.group)


def _name(row: Any) -> str:
    return shown(row.full_name) or str(row.username)


def _reason(place: Place, permission: str) -> Reason:
    carries = permission in place.role.permissions
    return Reason(place.group.name, place.group.kind, place.role.name, place.is_primary, carries)
