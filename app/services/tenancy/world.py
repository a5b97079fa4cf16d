"""Roles, groups, and who holds which role where: as they are, or as they would be after a change.

Whoever asks something asks it of a :class:`World`, so what is answered about the future is found as about the present.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import cast

import sqlalchemy as sa

from app.models import Group, Membership, Role
from app.services.foundation.environment import Database
from app.services.tenancy.catalogue import ADMIN_ROLE, BUILTIN_ROLES, WORKSPACE
from app.services.tenancy.names import key

_group = cast(sa.Table, Group.__table__)
_membership = cast(sa.Table, Membership.__table__)
_role = cast(sa.Table, Role.__table__)


@dataclass(frozen=True, slots=True)
class RoleRecord:
    """A role and what it permits."""

    id: str
    name: str
    permissions: frozenset[str]

    @property
    def is_builtin(self) -> bool:
        """Whether every portal has it."""
        return self.name in BUILTIN_ROLES


@dataclass(frozen=True, slots=True)
class GroupRecord:
    """A group."""

    id: str
    name: str
    kind: str
    allows_acting: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """A group somebody is in, and the role there."""

    group: GroupRecord
    role: RoleRecord
    is_primary: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """What is said of a person: by the primary group what the portal and tokens permit, and where they belong."""

    group: str | None
    role: str | None
    permissions: tuple[str, ...]
    groups: tuple[str, ...]
    workspaces: tuple[str, ...]
    is_admin: bool


class World:
    """Roles by id, and rows: ``groups`` with their names, ``places`` (user_id, group_id, role_id, is_primary)."""

    def __init__(
        self, db: Database, roles: Mapping[str, RoleRecord], groups: sa.FromClause, places: sa.FromClause
    ) -> None:
        self.db = db
        self.roles = roles
        self.groups = groups
        self.places = places

    @classmethod
    def present(cls, db: Database) -> "World":
        """As it is now; roles are read at once, all else when it is asked for."""
        rows = db.session.execute(sa.select(_role.c.id, _role.c.name, _role.c.permissions))
        roles = {row.id: RoleRecord(row.id, row.name, frozenset(row.permissions or ())) for row in rows}
        named = (_group.c.id, _group.c.name, _group.c.name_key, _group.c.kind, _group.c.allows_acting)
        groups = sa.select(*named).subquery("all_groups")
        columns = (_membership.c.user_id, _membership.c.group_id, _membership.c.role_id, _membership.c.is_primary)
        return cls(db, roles, groups, sa.select(*columns).subquery("places"))

    def group(self, group_id: str) -> GroupRecord | None:
        """The group of that id."""
        row = self.db.session.execute(sa.select(self.groups).where(self.groups.c.id == group_id)).first()
        return GroupRecord(row.id, row.name, row.kind, row.allows_acting) if row else None

    def of(self, user_ids: Collection[str]) -> dict[str, tuple[Place, ...]]:
        """Where each of these people is, by the names of the groups."""
        places, groups = self.places, self.groups
        query = (
            sa.select(places, groups.c.name, groups.c.kind, groups.c.allows_acting)
            .join(groups, groups.c.id == places.c.group_id)
            .where(places.c.user_id.in_(user_ids))
            .order_by(groups.c.name)
        )
        found: defaultdict[str, list[Place]] = defaultdict(list)
        for row in self.db.session.execute(query):
            group = GroupRecord(row.group_id, row.name, row.kind, row.allows_acting)
            found[row.user_id].append(Place(group, self.roles[row.role_id], bool(row.is_primary)))
        return {user_id: tuple(found[user_id]) for user_id in user_ids}

    def carrying(self, permission: str, *, but: str | None = None) -> list[str]:
        """The ids of the roles that carry a permission, without the one called ``but``."""
        return [each.id for each in self.roles.values() if permission in each.permissions and each.name != but]

    def role_called(self, name: str) -> str | None:
        """The id of the role of that very name."""
        return next((each.id for each in self.roles.values() if each.name == name), None)

    def role_meant(self, name: str) -> RoleRecord | None:
        """The role of that name, however its letters were typed."""
        if exact := self.role_called(name):
            return self.roles[exact]
        meant = key(name)
        return next((each for each in self.roles.values() if key(each.name) == meant), None)

    def group_called(self, name: str) -> GroupRecord | None:
        """The group of that name, however its letters were typed."""
        is_exact, is_meant = self.groups.c.name == name, self.groups.c.name_key == key(name)
        query = sa.select(self.groups).where(sa.or_(is_exact, is_meant)).order_by(sa.case((is_exact, 0), else_=1))
        row = self.db.session.execute(query.limit(1)).first()
        return GroupRecord(row.id, row.name, row.kind, row.allows_acting) if row else None


def primary_of(places: Iterable[Place]) -> Place | None:
    """The place in the primary group."""
    return next((each for each in places if each.is_primary), None)


def standing(places: Collection[Place], *, is_superuser: bool) -> Standing:
    """What is said of a person who is in these places. Pure."""
    primary = primary_of(places)
    is_admin = is_superuser or (primary is not None and primary.role.name == ADMIN_ROLE)
    return Standing(
        primary.group.name if primary else None,
        primary.role.name if primary else None,
        tuple(sorted(primary.role.permissions)) if primary else (),
        tuple(sorted(each.group.name for each in places if each.group.kind != WORKSPACE)),
        tuple(sorted(each.group.name for each in places if each.group.kind == WORKSPACE)),
        is_admin,
    )
