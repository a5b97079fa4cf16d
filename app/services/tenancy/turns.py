"""One at a time: whoever changes roles, groups or memberships has the turn until the transaction ends."""

from typing import cast

import sqlalchemy as sa

from app.models import Tenancy
from app.services.foundation.environment import Database

ROW = 1
_tenancy = cast(sa.Table, Tenancy.__table__)
VERSION = sa.select(_tenancy.c.version).where(_tenancy.c.id == ROW).scalar_subquery().label("tenancy_version")
"""For statements that are run anyway: another number once the name or permissions of a role, or a group's name, are."""


def take_turn(db: Database) -> None:
    """Wait until nobody else changes roles, groups or memberships, and have others wait from now on.

    It comes before any row of a person is locked.
    """
    db.session.execute(sa.select(_tenancy.c.version).where(_tenancy.c.id == ROW).with_for_update())


def move_version(db: Database) -> None:
    """Have every copy of what is said about people be made anew at its next use, in every process."""
    db.session.execute(sa.update(_tenancy).where(_tenancy.c.id == ROW).values(version=_tenancy.c.version + 1))
