"""Roles: found, and made. What changes about one is a :mod:`app.services.tenancy.role_changes`."""

from collections.abc import Iterable
from typing import cast

import sqlalchemy as sa

from app.errors import NotFound, sentence
from app.models import Role, new_id
from app.services.foundation.environment import Caller, Clock, Database
from app.services.foundation.powers import is_powerful
from app.services.record.audit import Audit, Event
from app.services.tenancy.names import key, role_name
from app.services.tenancy.permissions import declared
from app.services.tenancy.role_changes import require_administration, require_free
from app.services.tenancy.turns import take_turn
from app.services.tenancy.world import RoleRecord, World

UNKNOWN = sentence("There is no role of that name.")
_role = cast(sa.Table, Role.__table__)


class Roles:
    """Finds and makes roles."""

    def __init__(self, db: Database, clock: Clock, audit: Audit) -> None:
        self.db = db
        self.clock = clock
        self.audit = audit

    def all(self) -> list[RoleRecord]:
        """All of them by name."""
        return sorted(World.present(self.db).roles.values(), key=lambda role: role.name)

    def get(self, name: str) -> RoleRecord:
        """The role of that name, however its letters were typed; raises :class:`NotFound`."""
        if found := World.present(self.db).role_meant(name):
            return found
        raise NotFound(UNKNOWN)

    def of(self, role_id: str) -> RoleRecord:
        """The role of that id; raises :class:`NotFound`."""
        if found := World.present(self.db).roles.get(role_id):
            return found
        raise NotFound(UNKNOWN)

    def create(self, name: str, permissions: Iterable[str], caller: Caller) -> RoleRecord:
        """Make a role that permits these; raises :class:`InvalidInput`."""
        kept = role_name(name)
        take_turn(self.db)
        require_free(World.present(self.db), kept)
        carried = declared(self.db, permissions)
        require_administration(kept, carried)
        caller.require_full_if(is_powerful(carried))
        made = RoleRecord(new_id(), kept, carried)
        row = {"id": made.id, "name": kept, "name_key": key(kept), "permissions": sorted(carried)}
        self.db.session.execute(sa.insert(_role).values(**row, created_at=self.clock()))
        self.audit.record(Event.ROLE_CREATED, caller, role=kept, permissions=" ".join(sorted(carried)))
        return made
