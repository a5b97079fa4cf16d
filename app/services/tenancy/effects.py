"""What a change would do: who gains and loses what, whose claims change, who comes to administer and who does not.

Nothing is written and nothing locked. People are counted by the database and the first of them told one by one, so it
takes no longer where a role is everybody's than a few statements do.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa

from app.models import User
from app.services.foundation.environment import Database
from app.services.tenancy.administrators import ADMINISTERS
from app.services.tenancy.catalogue import ADMIN_ROLE
from app.services.tenancy.changes import Change
from app.services.tenancy.world import Place, RoleRecord, Standing, World, standing

MOST_LISTED = 50
_user = cast(sa.Table, User.__table__)


@dataclass(frozen=True, slots=True)
class PlaceEffect:
    """What becomes of somebody's place in a group: the names of the roles, None for no place, and what these permit."""

    group: str
    role_before: str | None
    role_after: str | None
    gains: tuple[str, ...]
    losses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PersonEffect:
    """One person it concerns: what is said of them before and after, and what becomes of their places."""

    user_id: str
    email: str
    before: Standing
    after: Standing
    places: tuple[PlaceEffect, ...]
    is_logged_out: bool

    @property
    def gains(self) -> tuple[str, ...]:
        """What the portal and tokens permit afterwards and not before."""
        return tuple(sorted({*self.after.permissions} - {*self.before.permissions}))

    @property
    def losses(self) -> tuple[str, ...]:
        """What they permitted before and not afterwards."""
        return tuple(sorted({*self.before.permissions} - {*self.after.permissions}))


@dataclass(frozen=True, slots=True)
class Effects:
    """What a change does. Names of people are the first :data:`MOST_LISTED` by e-mail; counts are of everybody.

    ``gains`` and ``losses`` count, by permission, the people of whose primary group's role it is.
    """

    people: int
    listed: tuple[PersonEffect, ...]
    gains: dict[str, int]
    losses: dict[str, int]
    logged_out: int
    administrators_come: tuple[str, ...]
    administrators_go: tuple[str, ...]


def effects_of(world: World, change: Change) -> Effects:
    """What ``change`` would do to ``world``."""
    touched = change.touched(world)
    moved = primary_moves(touched)
    gains, losses, everybody = _counted(world.db, moved, world.roles, change.roles(world))
    return Effects(
        world.db.session.scalar(sa.select(sa.func.count(touched.c.user_id.distinct()))) or 0,
        tuple(_listed(world, change, touched, moved)),
        gains,
        losses,
        everybody if change.moves else 0,
        *(_administrators(world, moved) if change.moves else ((), ())),
    )


def primary_moves(touched: sa.Subquery) -> sa.Subquery:
    """Whose place in the primary group is touched: ``user_id``, and the role there before and after."""

    def role(column: str, is_primary: str) -> sa.ColumnElement[Any]:
        return sa.func.max(sa.case((touched.c[is_primary], touched.c[column]))).label(column)

    roles = role("role_before", "primary_before"), role("role_after", "primary_after")
    is_primary = sa.or_(touched.c.primary_before, touched.c.primary_after)
    return sa.select(touched.c.user_id, *roles).where(is_primary).group_by(touched.c.user_id).subquery("moved")


def _counted(
    db: Database, moved: sa.Subquery, before: Mapping[str, RoleRecord], after: Mapping[str, RoleRecord]
) -> tuple[dict[str, int], dict[str, int], int]:
    """By permission how many people gain and how many lose it; and how many it is about."""
    kinds = (moved.c.role_before, moved.c.role_after)
    gains: Counter[str] = Counter()
    losses: Counter[str] = Counter()
    everybody = 0
    for row in db.session.execute(sa.select(*kinds, sa.func.count().label("people")).group_by(*kinds)):
        had = before[row.role_before].permissions if row.role_before else frozenset()
        has = after[row.role_after].permissions if row.role_after else frozenset()
        gains.update(dict.fromkeys(has - had, row.people))
        losses.update(dict.fromkeys(had - has, row.people))
        everybody += row.people
    return dict(sorted(gains.items())), dict(sorted(losses.items())), everybody


def _listed(world: World, change: Change, touched: sa.Subquery, moved: sa.Subquery) -> Iterator[PersonEffect]:
    is_theirs = _user.c.id.in_(sa.select(touched.c.user_id))
    query = sa.select(_user.c.id, _user.c.email, _user.c.is_superuser).where(is_theirs).order_by(_user.c.email)
    people = world.db.session.execute(query.limit(MOST_LISTED)).all()
    ids = [row.id for row in people]
    places, later = world.of(ids), change.after(world).of(ids)
    over = set(world.db.session.scalars(sa.select(moved.c.user_id).where(moved.c.user_id.in_(ids))))
    for row in people:
        is_over = change.moves and row.id in over
        yield PersonEffect(
            row.id,
            row.email,
            standing(places[row.id], is_superuser=row.is_superuser),
            # Whose primary place changes administers by the role there, and by nothing else.
            standing(later[row.id], is_superuser=row.is_superuser and not is_over),
            tuple(_places(places[row.id], later[row.id])),
            is_over,
        )


def _places(before: tuple[Place, ...], after: tuple[Place, ...]) -> Iterator[PlaceEffect]:
    """The places that are not what they were."""
    had, has = ({place.group.id: place for place in places} for places in (before, after))
    for group_id in {**had, **has}:
        old, new = had.get(group_id), has.get(group_id)
        if old == new:
            continue
        permitted = old.role.permissions if old else frozenset()
        permits = new.role.permissions if new else frozenset()
        yield PlaceEffect(
            (new or cast(Place, old)).group.name,
            old.role.name if old else None,
            new.role.name if new else None,
            tuple(sorted(permits - permitted)),
            tuple(sorted(permitted - permits)),
        )


def _administrators(world: World, moved: sa.Subquery) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Who comes to administer and who does no more, by e-mail."""
    is_admin = sa.func.coalesce(moved.c.role_after, "") == world.role_called(ADMIN_ROLE)
    people = sa.select(_user.c.email).join(moved, moved.c.user_id == _user.c.id).order_by(_user.c.email)
    come, go = people.where(is_admin, ~ADMINISTERS), people.where(~is_admin, ADMINISTERS)
    found = [tuple(world.db.session.scalars(query.limit(MOST_LISTED))) for query in (come, go)]
    return found[0], found[1]
