"""Policies as tests: whether what is expected of people's rights holds, now or after a change that is not made yet."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import sqlalchemy as sa

from app.errors import PortalError
from app.models import Permission, User
from app.services.foundation.environment import Database
from app.services.foundation.person import Person, person_at, person_of
from app.services.people.email_names import fold
from app.services.tenancy.expectations import Expectation
from app.services.tenancy.groups import UNKNOWN as NO_GROUP
from app.services.tenancy.roles import UNKNOWN as NO_ROLE
from app.services.tenancy.world import GroupRecord, Place, RoleRecord, World

NO_PERMISSION = "There is no permission of that name."
NO_PERSON = "There is no account of that e-mail, id or username."
_user = cast(sa.Table, User.__table__)
_permission = cast(sa.Table, Permission.__table__)


class Unknown(PortalError):
    """The sentence names what there is not; so it holds neither way."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an expectation holds, and what was found."""

    line: int
    text: str
    holds: bool
    reason: str


class Policies:
    """Judges expectations."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def judge(self, expectations: Iterable[Expectation], world: World | None = None) -> list[Verdict]:
        """A verdict for each, in their order; what names somebody or something unknown does not hold."""
        judge = _Judge(self.db, world or World.present(self.db))
        return [judge.verdict(each) for each in expectations]


class _Judge:
    """Judges expectations of one world, of which what was asked once is remembered."""

    def __init__(self, db: Database, world: World) -> None:
        self.db = db
        self.world = world
        self._groups: dict[str, GroupRecord | None] = {}
        self._declared = set(db.session.scalars(sa.select(_permission.c.name)))

    def verdict(self, each: Expectation) -> Verdict:
        """Whether it holds."""
        try:
            if each.permission not in self._declared:
                raise Unknown(NO_PERMISSION)
            is_so, reason = self._found(each)
        except Unknown as unknown:
            return Verdict(each.line, each.text, False, unknown.message)
        return Verdict(each.line, each.text, is_so == each.is_allowed, reason)

    def _found(self, each: Expectation) -> tuple[bool, str]:
        """Whether it is permitted to whom the sentence is about, and why."""
        if each.role is not None:
            role = self._role(each.role)
            carries = each.permission in role.permissions
            return carries, f"The role {role.name} {'carries' if carries else 'does not carry'} it."
        if each.person is not None:
            return self._of_person(each, each.person)
        return self._of_anybody(each)

    def _of_person(self, each: Expectation, who: str) -> tuple[bool, str]:
        person = self._person(who)
        group = None if each.group is None else self._group(each.group)
        if not person.is_active:
            return False, "The account is disabled."
        places = [
            place
            for place in self.world.of([person.id])[person.id]
            if each.anywhere or (place.is_primary if group is None else place.group.id == group.id)
        ]
        if not places:
            return False, "The person is not in that group." if group else "The person is in no group."
        carrying = [place for place in places if each.permission in place.role.permissions]
        told = "; ".join(_told(place) for place in carrying or places)
        return bool(carrying), f"By {told}." if carrying else f"Not by {told}."

    def _of_anybody(self, each: Expectation) -> tuple[bool, str]:
        but = None if each.but is None else self._role(each.but).name
        places, groups = self.world.places, self.world.groups
        where: sa.ColumnElement[bool] = places.c.is_primary
        if each.anywhere:
            where = sa.true()
        elif each.group is not None:
            where = places.c.group_id == self._group(each.group).id
        query = (
            sa.select(_user.c.email, places.c.role_id, groups.c.name)
            .select_from(places)
            .join(_user, _user.c.id == places.c.user_id)
            .join(groups, groups.c.id == places.c.group_id)
            .where(places.c.role_id.in_(self.world.carrying(each.permission, but=but)), where, _user.c.is_active)
        )
        row = self.db.session.execute(query.order_by(_user.c.email, groups.c.name).limit(1)).first()
        if row is None:
            return False, "Nobody may."
        return True, f"{row.email} may, by the role {self.world.roles[row.role_id].name} in {row.name}."

    def _person(self, who: str) -> Person:
        # By the username last: people choose it themselves, and one may look like an id.
        if found := person_at(self.db, fold(who)) or person_of(self.db, who):
            return found
        is_called = _user.c.username == unicodedata.normalize("NFKC", who).lower()
        user_id = self.db.session.scalar(sa.select(_user.c.id).where(is_called))
        if user_id is None or (named := person_of(self.db, user_id)) is None:
            raise Unknown(NO_PERSON)
        return named

    def _role(self, name: str) -> RoleRecord:
        if found := self.world.role_meant(name):
            return found
        raise Unknown(NO_ROLE)

    def _group(self, name: str) -> GroupRecord:
        if name not in self._groups:
            self._groups[name] = self.world.group_called(name)
        if found := self._groups[name]:
            return found
        raise Unknown(NO_GROUP)


def _told(place: Place) -> str:
    return f"the role {place.role.name} in {place.group.name}"
