"""Changes are made here, one at a time, just as they are described: what a preview tells is what is written."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa

from app.errors import InvalidInput, sentence
from app.models import Membership, User, new_id
from app.services.foundation.environment import Caller, Clock, Database
from app.services.foundation.powers import is_powerful
from app.services.record.audit import Audit, Event
from app.services.tenancy.administrators import ADMINISTERS, LAST, Administrators, has_role_among
from app.services.tenancy.catalogue import ADMIN_ROLE
from app.services.tenancy.changes import Change
from app.services.tenancy.effects import primary_moves
from app.services.tenancy.turns import move_version, take_turn
from app.services.tenancy.world import RoleRecord, World

MOST_AT_ONCE = 500
"""So many people are moved in one transaction, which others wait for."""
TOO_MANY = sentence("More than 500 people would be moved at once. The command does it in steps.")
_user = cast(sa.Table, User.__table__)
_membership = cast(sa.Table, Membership.__table__)


@dataclass(frozen=True, slots=True)
class Moved:
    """Somebody whose primary place changed: the group and the role now, empty for none, and whether the role is new."""

    user_id: str
    group: str
    role: str
    is_other_role: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done: how many people it touched, whose primary place changed; whether that was all of it."""

    is_changed: bool
    people: int = 0
    moved: tuple[Moved, ...] = ()
    is_finished: bool = True


class Tenancy:
    """Makes changes of roles, groups and memberships."""

    def __init__(self, db: Database, clock: Clock, audit: Audit, administrators: Administrators) -> None:
        self.db = db
        self.clock = clock
        self.audit = audit
        self.administrators = administrators

    def world(self) -> World:
        """Roles, groups and memberships as they are."""
        return World.present(self.db)

    def begin(self) -> World:
        """The same, changed by nobody else until the transaction ends."""
        take_turn(self.db)
        return self.world()

    def check(self, world: World, change: Change) -> None:
        """Raise what :meth:`make` would raise about ``change`` itself."""
        change.require(world)
        if change.moves:
            self._require_administrator(world, primary_moves(change.touched(world)))

    def concerns_administrators(self, world: World, change: Change) -> bool:
        """Whether the change makes an administrator, or is about one, or about what administrators may do.

        An administrator is also who administers a part of the portal by what the role permits.
        """
        touched = change.touched(world)
        before, after = world.roles, change.roles(world)
        powerful = [each.id for each in {**before, **after}.values() if _is_powerful(each)]
        powerful += [each.id for each in before.values() if _is_powerful(each)]
        if any(before.get(role_id) != after.get(role_id) for role_id in powerful):
            return True
        if not change.moves:
            return False
        made = sa.select(touched.c.user_id).where(touched.c.role_after.in_(powerful))
        administers = sa.or_(ADMINISTERS, has_role_among(powerful))
        theirs = sa.select(_user.c.id).join(touched, touched.c.user_id == _user.c.id).where(administers)
        return any(self.db.session.execute(query.limit(1)).first() is not None for query in (made, theirs))

    def make(self, change: Change, caller: Caller, *, in_steps: bool = False) -> Outcome:
        """Make a change, whose turn it is until the transaction ends; raises :class:`InvalidInput`.

        Of people whose memberships change there are at most :data:`MOST_AT_ONCE`. ``in_steps`` so many are done, and
        the rest by doing it again; else it is refused.
        """
        world = self.begin()
        if change.moves:
            # Before any other row of a person: whoever counts administrators takes all of theirs, in one order.
            self.administrators.lock()
        self.check(world, change)
        rows, is_all = self._rows(world, change) if change.moves else ([], True)
        if not is_all and not in_steps:
            raise InvalidInput(TOO_MANY)
        moved = tuple(self._moved(world, change, rows, caller))
        is_written = is_all and change.is_needed(world)
        if is_written:
            event, details = change.event(world)
            self.audit.record(event, caller, **cast(dict[str, Any], details))
            change.write(world)
            move_version(self.db)
        people = len({row.user_id for row in rows})
        return Outcome(is_written or bool(rows), people, moved, is_all)

    def _rows(self, world: World, change: Change) -> tuple[list[Any], bool]:
        """The memberships to write, of people who are there and are now locked; and whether these are all."""
        touched = change.touched(world)
        people = sa.select(touched.c.user_id).distinct().order_by(touched.c.user_id).limit(MOST_AT_ONCE + 1)
        ids = list(self.db.session.scalars(people))
        locked = sa.select(_user.c.id).where(_user.c.id.in_(ids[:MOST_AT_ONCE])).order_by(_user.c.id)
        there = list(self.db.session.scalars(locked.with_for_update(key_share=True)))
        theirs = sa.select(touched).where(touched.c.user_id.in_(there)).order_by(touched.c.user_id)
        return list(self.db.session.execute(theirs)), len(ids) <= MOST_AT_ONCE

    def _moved(self, world: World, change: Change, rows: Collection[Any], caller: Caller) -> Iterator[Moved]:
        """Write the memberships, put that on record, and tell whose primary place changed."""
        roles = {**world.roles, **change.roles(world)}
        self._write_places(rows)
        groups = {group_id: world.group(group_id) for group_id in {row.group_id for row in rows}}
        names = {group_id: group.name if group else "" for group_id, group in groups.items()}
        of_people: defaultdict[str, list[Any]] = defaultdict(list)
        for row in rows:
            of_people[row.user_id].append(row)
            for event, details in _told(row, names[row.group_id], roles):
                self.audit.record(event, caller, user_id=row.user_id, **cast(dict[str, Any], details))
        for user_id, theirs in of_people.items():
            before = next((roles[row.role_before] for row in theirs if row.primary_before), None)
            after = next((roles[row.role_after] for row in theirs if row.primary_after), None)
            is_moved = before is not None or after is not None
            self._write_person(user_id, is_moved=is_moved, role=after)
            if is_moved:
                group_id = next((row.group_id for row in theirs if row.primary_after), "")
                group_stays = any(row.primary_before and row.group_id == group_id for row in theirs)
                is_other_role = before != after or group_stays
                yield Moved(user_id, names.get(group_id, ""), after.name if after else "", is_other_role)

    def _write_places(self, rows: Iterable[Any]) -> None:
        """One primary place at most at any time: what is taken comes before what is given."""
        now, execute = self.clock(), self.db.session.execute
        for row in sorted(rows, key=lambda each: bool(each.primary_after)):
            this = sa.and_(_membership.c.user_id == row.user_id, _membership.c.group_id == row.group_id)
            values = {"role_id": row.role_after, "is_primary": row.primary_after}
            if row.role_after is None:
                execute(sa.delete(_membership).where(this))
            elif row.role_before is not None:
                execute(sa.update(_membership).where(this).values(values))
            else:
                new = {"id": new_id(), "user_id": row.user_id, "group_id": row.group_id, "created_at": now}
                execute(sa.insert(_membership).values({**new, **values}))

    def _write_person(self, user_id: str, *, is_moved: bool, role: RoleRecord | None) -> None:
        """Copies of what is said of the person are known by when the row changed; administering stands in it, too."""
        is_admin = role is not None and role.name == ADMIN_ROLE
        flags = {"is_superuser": is_admin, "is_staff": is_admin} if is_moved else {}
        values = {"updated_at": self.clock(), **flags}
        self.db.session.execute(sa.update(_user).where(_user.c.id == user_id).values(values))

    def _require_administrator(self, world: World, moved: sa.Subquery) -> None:
        """Raise :class:`InvalidInput` if nobody would administer any more."""
        no_more = sa.func.coalesce(moved.c.role_after, "") != world.role_called(ADMIN_ROLE)
        leave = sa.select(_user.c.id).join(moved, moved.c.user_id == _user.c.id).where(ADMINISTERS, no_more)
        leaving = set(self.db.session.scalars(leave))
        if leaving and self.administrators.are_last(leaving):
            raise InvalidInput(LAST)


def _told(row: Any, group: str, roles: dict[str, RoleRecord]) -> Iterator[tuple[Event, dict[str, str]]]:
    """What goes on record about the person of a place that changed."""
    if row.role_after is None:
        yield Event.GROUP_LEFT, {"group": group}
        return
    role = roles[row.role_after].name
    if row.role_before is None:
        yield Event.GROUP_JOINED, {"group": group, "role": role}
    elif row.role_before != row.role_after or row.primary_before == row.primary_after:
        yield Event.ROLE_SET, {"role": role, "group": group}
    if row.primary_after and not row.primary_before:
        yield Event.PRIMARY_GROUP_SET, {"group": group}


def _is_powerful(role: RoleRecord) -> bool:
    return role.name == ADMIN_ROLE or is_powerful(role.permissions)
