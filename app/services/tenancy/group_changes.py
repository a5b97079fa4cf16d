"""What can be changed of groups."""

from dataclasses import dataclass
from typing import ClassVar, cast

import sqlalchemy as sa

from app.errors import InvalidInput, sentence
from app.models import Group
from app.services.foundation.environment import Database
from app.services.record.audit import Event
from app.services.tenancy.catalogue import PRIMARY_GROUP
from app.services.tenancy.changes import ITSELF, Change, given, known_group, row, together, unmoved
from app.services.tenancy.names import group_name, key
from app.services.tenancy.world import World

OWN = sentence("The platform's own group keeps its name and stays.")
TAKEN = sentence("There is a group of that name already.")
PRIMARY = sentence("For some people this is the primary group. Say which one is theirs then.")
_group = cast(sa.Table, Group.__table__)


@dataclass(frozen=True, slots=True)
class GroupName(Change):
    """A group is called so from now on."""

    moves: ClassVar[bool] = False
    group_id: str
    name: str

    def require(self, world: World) -> None:
        """No other group is called so; the platform's own keeps its name."""
        name, present = group_name(self.name), known_group(world, self.group_id)
        if present == PRIMARY_GROUP and name != present:
            raise InvalidInput(OWN, "name")
        require_free(world.db, name, but=self.group_id)

    def is_needed(self, world: World) -> bool:
        """Whether it is called something else now."""
        return known_group(world, self.group_id) != group_name(self.name)

    def touched(self, world: World) -> sa.Subquery:
        """Whoever is in it."""
        return unmoved(world, world.places.c.group_id == self.group_id, is_needed=self.is_needed(world))

    def groups(self, world: World) -> sa.FromClause:
        """With this one renamed."""
        groups, name = world.groups, group_name(self.name)
        is_this = groups.c.id == self.group_id
        called = [
            sa.case((is_this, sa.cast(text, column.type)), else_=column).label(column.name)
            for column, text in ((groups.c.name, name), (groups.c.name_key, key(name)))
        ]
        return sa.select(groups.c.id, *called, groups.c.kind, groups.c.allows_acting).subquery()

    def write(self, world: World) -> None:
        """Its row."""
        name = group_name(self.name)
        values = {"name": name, "name_key": key(name)}
        world.db.session.execute(sa.update(_group).where(_group.c.id == self.group_id).values(values))

    def event(self, world: World) -> tuple[Event, dict[str, str]]:
        """What it was called."""
        return Event.GROUP_CHANGED, {"group": group_name(self.name), "former": known_group(world, self.group_id)}


@dataclass(frozen=True, slots=True)
class GroupActing(Change):
    """Administrators may see the portal as the people do for whom this is the primary group, or may no more."""

    moves: ClassVar[bool] = False
    group_id: str
    is_allowed: bool

    def require(self, world: World) -> None:
        """The group is there."""
        known_group(world, self.group_id)

    def is_needed(self, world: World) -> bool:
        """Whether it is otherwise now."""
        group = world.group(self.group_id)
        return group is not None and group.allows_acting != self.is_allowed

    def touched(self, world: World) -> sa.Subquery:
        """For whom it is the primary one."""
        places = world.places
        is_theirs = sa.and_(places.c.group_id == self.group_id, places.c.is_primary)
        return unmoved(world, is_theirs, is_needed=self.is_needed(world))

    def groups(self, world: World) -> sa.FromClause:
        """With this one saying so."""
        groups = world.groups
        said = sa.case((groups.c.id == self.group_id, sa.literal(self.is_allowed)), else_=groups.c.allows_acting)
        columns = (groups.c.id, groups.c.name, groups.c.name_key, groups.c.kind)
        return sa.select(*columns, said.label("allows_acting")).subquery()

    def write(self, world: World) -> None:
        """Its row."""
        changed = sa.update(_group).where(_group.c.id == self.group_id).values(allows_acting=self.is_allowed)
        world.db.session.execute(changed)

    def event(self, world: World) -> tuple[Event, dict[str, str]]:
        """What it says."""
        said = "allowed" if self.is_allowed else "forbidden"
        return Event.GROUP_CHANGED, {"group": known_group(world, self.group_id), "acting": said}


@dataclass(frozen=True, slots=True)
class GroupRemoval(Change):
    """A group goes; for whom it is the primary one, the heir is then, with the role they had unless in it already."""

    group_id: str
    heir_id: str | None = None

    def require(self, world: World) -> None:
        """Not the platform's own, and none that is somebody's primary one, unless another takes its place."""
        if known_group(world, self.group_id) == PRIMARY_GROUP:
            raise InvalidInput(OWN, "group")
        if self.heir_id == self.group_id:
            raise InvalidInput(ITSELF, "primary_group_id")
        if self.heir_id is not None:
            known_group(world, self.heir_id)
            return
        places = world.places
        settled = sa.select(places.c.user_id).where(places.c.group_id == self.group_id, places.c.is_primary).limit(1)
        if world.db.session.execute(settled).first():
            raise InvalidInput(PRIMARY, "primary_group_id")

    def is_needed(self, world: World) -> bool:
        """A group that is there is to go."""
        return True

    def touched(self, world: World) -> sa.Subquery:
        """Whoever is in it, and where those are afterwards for whom it is the primary one."""
        here = world.places
        is_here = here.c.group_id == self.group_id
        person, role, is_primary = here.c.user_id, here.c.role_id, here.c.is_primary
        leave = row(person, here.c.group_id, role, given(None), is_primary, sa.false()).where(is_here)
        if self.heir_id is None:
            return together(leave)
        there = world.places.alias("there")
        joined = here.outerjoin(
            there, sa.and_(there.c.user_id == here.c.user_id, there.c.group_id == sa.literal(self.heir_id))
        )
        kept = sa.func.coalesce(there.c.role_id, role)
        go = row(person, given(self.heir_id), there.c.role_id, kept, sa.false(), sa.true()).select_from(joined)
        return together(leave, go.where(is_here, is_primary))

    def groups(self, world: World) -> sa.FromClause:
        """Without it."""
        groups = world.groups
        return sa.select(groups).where(groups.c.id != self.group_id).subquery()

    def write(self, world: World) -> None:
        """Its row, which nothing refers to any more."""
        world.db.session.execute(sa.delete(_group).where(_group.c.id == self.group_id))

    def event(self, world: World) -> tuple[Event, dict[str, str]]:
        """What took its place."""
        more = {"primary": known_group(world, self.heir_id)} if self.heir_id else {}
        return Event.GROUP_DELETED, {"group": known_group(world, self.group_id), **more}


def require_free(db: Database, name: str, *, but: str | None = None) -> None:
    """Raise :class:`InvalidInput` if another group is called so, or as good as."""
    is_so = sa.or_(_group.c.name_key == key(name), _group.c.name == name)
    query = sa.select(_group.c.id).where(is_so, *([_group.c.id != but] if but else []))
    if db.session.execute(query).first():
        raise InvalidInput(TAKEN, "name")
