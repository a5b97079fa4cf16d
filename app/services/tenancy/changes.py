"""What can be changed of roles, groups and memberships, each described by what it touches.

A change says whether it may be made (``require``), which memberships it touches and how they are afterwards
(``touched``), what it writes besides these (``write``). Nothing here locks, :mod:`app.services.tenancy.tenancy` does.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import sqlalchemy as sa

from app.errors import InvalidInput, sentence
from app.services.record.audit import Event
from app.services.tenancy.world import RoleRecord, World

ITSELF = sentence("Nothing can take the place of itself.")
GONE = sentence("There is no such role or group any more.")
_ID = sa.String(36)
_TRUTH = (sa.false(), sa.true())
Row = tuple[str, str, str | None, str | None, bool, bool]
"""A membership that is touched: the person, the group, the role before and after, whether primary before and after."""
_NAMES = ("user_id", "group_id", "role_before", "role_after", "primary_before", "primary_after")


class Change:
    """A change; ``moves`` whether it is one of memberships, whose people are told and may be logged out."""

    moves: ClassVar[bool] = True

    def require(self, world: World) -> None:
        """Raise :class:`InvalidInput` if it may not be made."""

    def is_needed(self, world: World) -> bool:
        """Whether there is anything to write besides memberships."""
        return False

    def touched(self, world: World) -> sa.Subquery:
        """The memberships it touches, in the columns of :data:`Row`."""
        raise NotImplementedError

    def roles(self, world: World) -> Mapping[str, RoleRecord]:
        """The roles as they are afterwards."""
        return world.roles

    def groups(self, world: World) -> sa.FromClause:
        """The groups as they are afterwards."""
        return world.groups

    def after(self, world: World) -> World:
        """All of it as it would be."""
        return World(world.db, self.roles(world), self.groups(world), self._places(world))

    def write(self, world: World) -> None:
        """Write what it changes besides memberships, after these; ``world`` is as it was before."""

    def event(self, world: World) -> tuple[Event, dict[str, str]]:
        """What goes on record about the role or group itself, where there is something to write of that."""
        raise NotImplementedError

    def _places(self, world: World) -> sa.FromClause:
        if not self.moves:
            return world.places
        places, touched = world.places, self.touched(world)
        is_touched = sa.exists().where(touched.c.user_id == places.c.user_id, touched.c.group_id == places.c.group_id)
        stay = sa.select(places.c.user_id, places.c.group_id, places.c.role_id, places.c.is_primary)
        moved = sa.select(touched.c.user_id, touched.c.group_id, touched.c.role_after, touched.c.primary_after)
        return sa.union_all(stay.where(~is_touched), moved.where(touched.c.role_after.is_not(None))).subquery()


def row(*columns: Any) -> "sa.Select[Any]":
    """A query of memberships in the columns of :data:`Row`."""
    return sa.select(*(column.label(name) for name, column in zip(_NAMES, columns, strict=True)))


def together(*queries: "sa.Select[Any]") -> sa.Subquery:
    """The rows of several queries of that form, as what a change touches."""
    return sa.union_all(*queries).subquery("touched")


def unmoved(world: World, condition: sa.ColumnElement[bool], *, is_needed: bool) -> sa.Subquery:
    """Memberships that stay what they are, while what they refer to changes."""
    places = world.places
    role, is_primary = places.c.role_id, places.c.is_primary
    found = row(places.c.user_id, places.c.group_id, role, role, is_primary, is_primary).where(condition)
    return together(found if is_needed else found.where(sa.false()))


def literally(rows: Sequence[Row]) -> sa.Subquery:
    """Rows that are known, as a query."""
    known = [row(*map(given, each[:4]), *(_TRUTH[is_so] for is_so in each[4:])) for each in rows]
    nothing = row(*[given(None)] * 4, *_TRUTH).where(sa.false())
    return together(*(known or [nothing]))


def given(value: str | None) -> sa.ColumnElement[str | None]:
    """An id that is known, or none, as a column."""
    return sa.cast(sa.literal(value, _ID), _ID)


def known_group(world: World, group_id: str) -> str:
    """The name of a group that is there; raises :class:`InvalidInput`."""
    if (group := world.group(group_id)) is None:
        raise InvalidInput(GONE, "group")
    return group.name
