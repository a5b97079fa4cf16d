"""What can be changed of who is where."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import sqlalchemy as sa

from app.errors import InvalidInput, sentence
from app.models import User
from app.services.tenancy.catalogue import ADMIN_ROLE, MEMBER_ROLE, PRIMARY_GROUP
from app.services.tenancy.changes import ITSELF, Change, Row, known_group, literally
from app.services.tenancy.role_changes import known_role
from app.services.tenancy.world import Place, World, primary_of

PRIMARY_TAKEN = sentence("This is the primary group of the person. Say which one is the primary group then.")
NOT_A_MEMBER = sentence("The person is not in that group.")
_user = cast(sa.Table, User.__table__)


@dataclass(frozen=True, slots=True)
class Placement(Change):
    """Somebody is in a group with this role from now on; it is the primary group if it is to be, or the only one.

    Without a group it is the primary one, without a role the one the person has there, or `member`. Unless somebody
    ``joins``, only who is in the group already may be meant.
    """

    user_id: str
    group_id: str | None = None
    role_id: str | None = None
    becomes_primary: bool = False
    joins: bool = True

    def require(self, world: World) -> None:
        """The role and the group are there, and the person in it where nobody joins."""
        places = _places(world, self.user_id)
        group_id = self._group_id(world, places)
        known_group(world, group_id)
        if not self.joins and group_id not in places:
            raise InvalidInput(NOT_A_MEMBER, "group")
        known_role(world, self._role_id(world, places.get(group_id)))

    def touched(self, world: World) -> sa.Subquery:
        """The place there, and the one that was primary."""
        places = _places(world, self.user_id)
        group_id, primary = self._group_id(world, places), primary_of(places.values())
        here = places.get(group_id)
        before, was_primary = (here.role.id, here.is_primary) if here else (None, False)
        after = self._role_id(world, here)
        is_primary = self.becomes_primary or primary is None or was_primary
        is_same = (before, was_primary) == (after, is_primary)
        if is_same and not (is_primary and self._is_out_of_step(world, after)):
            return literally([])
        rows: list[Row] = [(self.user_id, group_id, before, after, was_primary, is_primary)]
        if primary is not None and is_primary and not was_primary:
            rows.append((self.user_id, primary.group.id, primary.role.id, primary.role.id, True, False))
        return literally(rows)

    def _group_id(self, world: World, places: Mapping[str, Place]) -> str:
        if self.group_id is not None:
            return self.group_id
        primary = primary_of(places.values())
        group = primary.group if primary else world.group_called(PRIMARY_GROUP)
        return group.id if group else ""

    def _role_id(self, world: World, here: Place | None) -> str:
        return self.role_id or (here.role.id if here else world.role_called(MEMBER_ROLE)) or ""

    def _is_out_of_step(self, world: World, role_id: str) -> bool:
        """Whether older code left the person's own row say otherwise than the role."""
        is_admin = role_id == world.role_called(ADMIN_ROLE)
        flags = sa.select(_user.c.is_superuser, _user.c.is_staff).where(_user.c.id == self.user_id)
        return any(flag != is_admin for row in world.db.session.execute(flags) for flag in row)


@dataclass(frozen=True, slots=True)
class Displacement(Change):
    """Somebody is not in a group from now on; if it is the primary one, ``next_id`` becomes that."""

    user_id: str
    group_id: str
    next_id: str | None = None

    def require(self, world: World) -> None:
        """Whoever is in other groups keeps a primary one, which has to be named."""
        places = _places(world, self.user_id)
        here = places.pop(self.group_id, None)
        if self.next_id == self.group_id:
            raise InvalidInput(ITSELF, "primary_group_id")
        if here is None or not here.is_primary or not places:
            return
        if self.next_id is None:
            raise InvalidInput(PRIMARY_TAKEN, "primary_group_id")
        if self.next_id not in places:
            raise InvalidInput(NOT_A_MEMBER, "primary_group_id")

    def touched(self, world: World) -> sa.Subquery:
        """The place there, and the one that is primary then."""
        places = _places(world, self.user_id)
        if (here := places.get(self.group_id)) is None:
            return literally([])
        rows: list[Row] = [(self.user_id, self.group_id, here.role.id, None, here.is_primary, False)]
        if here.is_primary and (following := places.get(self.next_id or "")):
            role_id = following.role.id
            rows.append((self.user_id, following.group.id, role_id, role_id, following.is_primary, True))
        return literally(rows)


def _places(world: World, user_id: str) -> dict[str, Place]:
    """Where somebody is, by the ids of the groups."""
    return {place.group.id: place for place in world.of([user_id])[user_id]}
