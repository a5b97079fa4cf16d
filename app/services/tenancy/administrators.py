"""Who administers the platform, and that somebody always does."""

from collections.abc import Collection
from dataclasses import replace
from typing import cast

import sqlalchemy as sa

from app.errors import AdministratorsOnly, InvalidInput, OutOfPower, sentence
from app.models import Membership, Role, User
from app.services.foundation.environment import Caller, Database
from app.services.foundation.powers import NO_POWERS, Powers, is_powerful, powers_by
from app.services.tenancy.catalogue import ADMIN_ROLE

LAST = sentence("This is the only active administrator. Make somebody else one first.")
_user = cast(sa.Table, User.__table__)
_membership = cast(sa.Table, Membership.__table__)
_role = cast(sa.Table, Role.__table__)
_BY_ROLE = sa.exists().where(
    _membership.c.user_id == _user.c.id,
    _membership.c.is_primary,
    _membership.c.role_id == _role.c.id,
    _role.c.name == ADMIN_ROLE,
)
ADMINISTERS = sa.or_(_user.c.is_superuser, _BY_ROLE)
"""The condition of people who administer."""


def has_role_among(role_ids: Collection[str]) -> sa.ColumnElement[bool]:
    """The condition of people who hold one of these roles in their primary group."""
    held = sa.exists().where(_membership.c.user_id == _user.c.id, _membership.c.is_primary)
    return held.where(_membership.c.role_id.in_(role_ids))


class Administrators:
    """The people who administer."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def exist(self) -> bool:
        """Whether anybody administers, be it somebody who was disabled."""
        with self.db.reaching_all():
            return self.db.session.execute(sa.select(_user.c.id).where(ADMINISTERS).limit(1)).first() is not None

    def is_one(self, user_id: str) -> bool:
        """Whether this person administers, or could without anybody's doing."""
        theirs = sa.select(_user.c.id).where(_user.c.id == user_id, sa.or_(ADMINISTERS, _user.c.is_staff))
        return self.db.session.execute(theirs).first() is not None

    def acting(self, user_id: str, caller: Caller, *parts: str) -> Caller:
        """``caller`` as this administrator, for what changes in this transaction; raises :class:`AdministratorsOnly`.

        One of ``parts`` is what is administered: its permission is needed, and without any the role ``admin``. Whoever
        stops the account or takes the role away waits until that is done, or comes first.
        """
        # Asked once it is locked: whoever was waited for may have taken the role away, which stands in another row.
        locked = sa.select(_user.c.id).where(_user.c.id == user_id).with_for_update(key_share=True)
        self.db.session.execute(locked)
        powers = self.powers(user_id)
        if not powers.is_any:
            raise AdministratorsOnly
        powers.require(*parts)
        return replace(caller, actor=user_id, user_id=user_id, powers=powers)

    def acting_on(self, person_id: str, user_id: str, caller: Caller, *parts: str) -> Caller:
        """The same for what is done to a person, whom the administrator's powers have to reach."""
        acting = self.acting(user_id, caller, *parts)
        self.require_reach(acting, person_id)
        return acting

    def powers(self, user_id: str) -> Powers:
        """How far somebody administers: by the role in the primary group, or as a superuser; nobody who is stopped."""
        role = sa.select(_role.c.permissions).join(_membership, _membership.c.role_id == _role.c.id)
        permissions = role.where(_membership.c.user_id == _user.c.id, _membership.c.is_primary).scalar_subquery()
        query = sa.select(ADMINISTERS, permissions.label("permissions"))
        row = self.db.session.execute(query.where(_user.c.id == user_id, _user.c.is_active)).first()
        if row is None:
            return NO_POWERS
        return powers_by(row.permissions or (), is_full=bool(row[0]))

    def require_reach(self, caller: Caller, user_id: str) -> None:
        """Raise :class:`app.errors.OutOfPower` where ``caller`` administers less than everything, and this person any.

        Nobody gets further by what belongs to somebody who administers, themselves included.
        """
        if caller.powers is not None and not caller.powers.is_full and self.has_powers(user_id):
            raise OutOfPower

    def has_powers(self, user_id: str) -> bool:
        """Whether this person administers anything, or would once they may log in again."""
        theirs = sa.select(_user.c.id).where(_user.c.id == user_id)
        if self.db.session.execute(theirs.where(sa.or_(ADMINISTERS, _user.c.is_staff))).first():
            return True
        return self.db.session.execute(theirs.where(has_role_among(self.powerful_roles()))).first() is not None

    def powerful_roles(self) -> list[str]:
        """The ids of the roles that open any part of the administration."""
        rows = self.db.session.execute(sa.select(_role.c.id, _role.c.name, _role.c.permissions))
        return [row.id for row in rows if row.name == ADMIN_ROLE or is_powerful(row.permissions or ())]

    def lock(self) -> None:
        """Have nobody stop administrators or take their role away before this transaction is over.

        It comes before any other row of a person is locked, and takes theirs in one order.
        """
        theirs = sa.select(_user.c.id).where(_user.c.is_active, ADMINISTERS).order_by(_user.c.id)
        with self.db.reaching_all():
            self.db.session.execute(theirs.with_for_update(key_share=True))

    def is_last(self, user_id: str) -> bool:
        """Whether only this person administers the platform; administrators who ask at once wait for each other here.

        Who is disabled or to be deleted does not count.
        """
        self.lock()
        return self.are_last({user_id})

    def are_last(self, user_ids: Collection[str]) -> bool:
        """Whether these people administer the platform and nobody else does, as far as can be seen without a lock."""
        counts = sa.or_(_user.c.deletes_at.is_(None), _user.c.id.in_(user_ids))
        with self.db.reaching_all():
            present = set(self.db.session.scalars(sa.select(_user.c.id).where(_user.c.is_active, counts, ADMINISTERS)))
        return bool(present) and present.issubset(user_ids)

    def require_another(self, user_id: str) -> None:
        """Raise :class:`InvalidInput` if nobody would administer the platform without this person."""
        if self.is_last(user_id):
            raise InvalidInput(LAST)
