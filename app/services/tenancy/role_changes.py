"""What can be changed of roles."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, cast

import sqlalchemy as sa

from app.errors import InvalidInput, sentence
from app.models import Role
from app.services.record.audit import Event
from app.services.tenancy.catalogue import ADMIN_ACCESS, ADMIN_ROLE
from app.services.tenancy.changes import GONE, ITSELF, Change, given, row, together, unmoved
from app.services.tenancy.names import key, permission_name, role_name
from app.services.tenancy.permissions import declared
from app.services.tenancy.world import RoleRecord, World

OF_ADMINISTRATORS = sentence("The permission admin:access belongs to the role admin, and to it alone.")
BUILTIN = sentence("The roles admin and member keep their names and stay.")
TAKEN = sentence("There is a role of that name already.")
HELD = sentence("People hold this role. Say which one they get in its place.")
_role = cast(sa.Table, Role.__table__)


@dataclass(frozen=True, slots=True)
class RolePermissions(Change):
    """A role permits what it did and ``add``, without ``remove``; or, with ``to``, these instead of what it did."""

    moves: ClassVar[bool] = False
    role_id: str
    to: frozenset[str] | None = None
    add: frozenset[str] = frozenset()
    remove: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls, role_id: str, *, to: Iterable[str] | None = None, add: Iterable[str] = (), remove: Iterable[str] = ()
    ) -> "RolePermissions":
        """The change, of permissions as somebody typed them; raises :class:`InvalidInput`."""
        whole = None if to is None else frozenset(map(permission_name, to))
        return cls(role_id, whole, frozenset(map(permission_name, add)), frozenset(map(permission_name, remove)))

    def require(self, world: World) -> None:
        """Only declared ones; ``admin:access`` is of the role ``admin``."""
        # Of what the role carries already nothing is asked: older code knew no declarations.
        before = known_role(world, self.role_id)
        declared(world.db, (self._wanted(world) | self.remove) - before.permissions)
        require_administration(before.name, self._wanted(world))

    def is_needed(self, world: World) -> bool:
        """Whether the role permits anything else now."""
        return known_role(world, self.role_id).permissions != self._wanted(world)

    def touched(self, world: World) -> sa.Subquery:
        """Whoever holds it."""
        return unmoved(world, world.places.c.role_id == self.role_id, is_needed=self.is_needed(world))

    def roles(self, world: World) -> Mapping[str, RoleRecord]:
        """With this one changed."""
        changed = replace(known_role(world, self.role_id), permissions=self._wanted(world))
        return {**world.roles, self.role_id: changed}

    def write(self, world: World) -> None:
        """Its row."""
        values = {"permissions": sorted(self._wanted(world))}
        world.db.session.execute(sa.update(_role).where(_role.c.id == self.role_id).values(values))

    def event(self, world: World) -> tuple[Event, dict[str, str]]:
        """What it gained and lost."""
        role, after = known_role(world, self.role_id), self._wanted(world)
        gained, lost = " ".join(sorted(after - role.permissions)), " ".join(sorted(role.permissions - after))
        return Event.ROLE_CHANGED, {"role": role.name, "gained": gained, "lost": lost}

    def _wanted(self, world: World) -> frozenset[str]:
        kept = known_role(world, self.role_id).permissions if self.to is None else self.to
        return (kept - self.remove) | self.add


@dataclass(frozen=True, slots=True)
class RoleName(Change):
    """A role is called so from now on."""

    moves: ClassVar[bool] = False
    role_id: str
    name: str

    def require(self, world: World) -> None:
        """No other role is called so; those every portal has keep theirs."""
        name, role = role_name(self.name), known_role(world, self.role_id)
        if role.is_builtin and name != role.name:
            raise InvalidInput(BUILTIN, "name")
        require_free(world, name, but=self.role_id)

    def is_needed(self, world: World) -> bool:
        """Whether it is called something else now."""
        return known_role(world, self.role_id).name != role_name(self.name)

    def touched(self, world: World) -> sa.Subquery:
        """Whoever holds it."""
        return unmoved(world, world.places.c.role_id == self.role_id, is_needed=self.is_needed(world))

    def roles(self, world: World) -> Mapping[str, RoleRecord]:
        """With this one renamed."""
        renamed = replace(known_role(world, self.role_id), name=role_name(self.name))
        return {**world.roles, self.role_id: renamed}

    def write(self, world: World) -> None:
        """Its row."""
        name = role_name(self.name)
        values = {"name": name, "name_key": key(name)}
        world.db.session.execute(sa.update(_role).where(_role.c.id == self.role_id).values(values))

    def event(self, world: World) -> tuple[Event, dict[str, str]]:
        """What it was called."""
        former = known_role(world, self.role_id).name
        return Event.ROLE_CHANGED, {"role": role_name(self.name), "former": former}


@dataclass(frozen=True, slots=True)
class RoleRemoval(Change):
    """A role goes; whoever holds it gets the other one, where one is named."""

    role_id: str
    replacement_id: str | None = None

    def require(self, world: World) -> None:
        """None that every portal has, and none that people hold, unless they get another one."""
        if known_role(world, self.role_id).is_builtin:
            raise InvalidInput(BUILTIN, "role")
        if self.replacement_id == self.role_id:
            raise InvalidInput(ITSELF, "replacement")
        if self.replacement_id is not None:
            known_role(world, self.replacement_id)
            return
        held = sa.select(world.places.c.user_id).where(world.places.c.role_id == self.role_id).limit(1)
        if world.db.session.execute(held).first():
            raise InvalidInput(HELD, "replacement")

    def is_needed(self, world: World) -> bool:
        """A role that is there is to go."""
        return True

    def touched(self, world: World) -> sa.Subquery:
        """Whoever holds it."""
        places, to = world.places, given(self.replacement_id)
        role, is_primary = places.c.role_id, places.c.is_primary
        found = row(places.c.user_id, places.c.group_id, role, to, is_primary, is_primary)
        return together(found.where(role == self.role_id))

    def roles(self, world: World) -> Mapping[str, RoleRecord]:
        """Without it."""
        return {role_id: role for role_id, role in world.roles.items() if role_id != self.role_id}

    def write(self, world: World) -> None:
        """Its row, which nothing refers to any more."""
        world.db.session.execute(sa.delete(_role).where(_role.c.id == self.role_id))

    def event(self, world: World) -> tuple[Event, dict[str, str]]:
        """What took its place."""
        more = {"replacement": known_role(world, self.replacement_id).name} if self.replacement_id else {}
        return Event.ROLE_DELETED, {"role": known_role(world, self.role_id).name, **more}


def known_role(world: World, role_id: str) -> RoleRecord:
    """A role that is there; raises :class:`InvalidInput`."""
    if (role := world.roles.get(role_id)) is None:
        raise InvalidInput(GONE, "role")
    return role


def require_administration(role: str, permissions: frozenset[str]) -> None:
    """Raise :class:`InvalidInput` unless ``admin:access`` is just where it belongs."""
    if (ADMIN_ACCESS in permissions) != (role == ADMIN_ROLE):
        raise InvalidInput(OF_ADMINISTRATORS, "permissions")


def require_free(world: World, name: str, *, but: str | None = None) -> None:
    """Raise :class:`InvalidInput` if another role is called so, or as good as."""
    if any(key(role.name) == key(name) for role in world.roles.values() if role.id != but):
        raise InvalidInput(TAKEN, "name")
