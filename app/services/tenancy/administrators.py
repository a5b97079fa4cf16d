"""Who administers the platform, and that somebody always does."""

from collections.abc import Collection
from dataclasses import replace
from typing import cast

import sqlalchemy as sa

from app.errors import AdministratorsOnly, InvalidInput, sentence
from app.models import Membership, Role, User
from app.services.foundation.environment import Caller, Database
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

    def acting(self, user_id: str, caller: Caller) -> Caller:
        """``caller`` as this administrator, for what changes in this transaction; raises :class:`AdministratorsOnly`.

        Whoever stops the account or takes the role away waits until that is done, or comes first.
        """
        theirs = sa.select(_user.c.id).where(_user.c.id == user_id)
        # Asked once it is locked: whoever was waited for may have taken the role away, which stands in another row.
        self.db.session.execute(theirs.with_for_update(key_share=True))
        if self.db.session.execute(theirs.where(_user.c.is_active, ADMINISTERS)).first() is None:
            raise AdministratorsOnly
        return replace(caller, actor=user_id, user_id=user_id)

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
