"""Groups: found, made, and joined. What changes about one is a :mod:`app.services.tenancy.group_changes`."""

from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa

from app.errors import InvalidInput, NotFound, sentence
from app.models import Group, Membership, Role, new_id
from app.services.foundation.environment import Caller, Clock, Database
from app.services.foundation.texts import one_line
from app.services.record.audit import Audit, Event
from app.services.tenancy.catalogue import GROUP, KINDS, PRIMARY_GROUP
from app.services.tenancy.group_changes import require_free
from app.services.tenancy.names import group_name, key
from app.services.tenancy.turns import take_turn
from app.services.tenancy.world import GroupRecord

UNKNOWN = sentence("There is no group of that name.")
NO_KIND = sentence("A group is a group or a workspace.")
_group = cast(sa.Table, Group.__table__)
_membership = cast(sa.Table, Membership.__table__)
_role = cast(sa.Table, Role.__table__)
_COLUMNS = (_group.c.id, _group.c.name, _group.c.kind, _group.c.allows_acting)


class Groups:
    """Finds and makes groups."""

    def __init__(self, db: Database, clock: Clock, audit: Audit) -> None:
        self.db = db
        self.clock = clock
        self.audit = audit

    def get(self, name: str) -> GroupRecord:
        """The group of that name, however its letters were typed, or of that id; raises :class:`NotFound`."""
        text = one_line(name)
        for is_meant in (_group.c.name == text, _group.c.name_key == key(text), _group.c.id == text):
            if row := self._row(is_meant):
                return GroupRecord(*row)
        raise NotFound(UNKNOWN)

    def of(self, group_id: str) -> GroupRecord:
        """The group of that id; raises :class:`NotFound`."""
        if row := self._row(_group.c.id == group_id):
            return GroupRecord(*row)
        raise NotFound(UNKNOWN)

    def create(self, name: str, kind: str, caller: Caller) -> GroupRecord:
        """Make a group without members; raises :class:`InvalidInput`."""
        kept = group_name(name)
        if kind not in KINDS:
            raise InvalidInput(NO_KIND, "kind")
        take_turn(self.db)
        require_free(self.db, kept)
        made = GroupRecord(new_id(), kept, kind)
        add(self.db, made, self.clock())
        self.audit.record(Event.GROUP_CREATED, caller, group=kept, kind=kind)
        return made

    def _row(self, is_meant: sa.ColumnElement[bool]) -> Any:
        return self.db.session.execute(sa.select(*_COLUMNS).where(is_meant)).first()


def add(db: Database, group: GroupRecord, now: datetime) -> None:
    """Write one that is not there yet."""
    row = {"id": group.id, "name": group.name, "name_key": key(group.name), "kind": group.kind}
    db.session.execute(sa.insert(_group).values(**row, created_at=now))


def join(db: Database, user_id: str, role: str, now: datetime) -> None:
    """Have a new person be in the platform's own group with this role, if group and role were seeded."""
    group_id = db.session.scalar(sa.select(_group.c.id).where(_group.c.name == PRIMARY_GROUP, _group.c.kind == GROUP))
    role_id = db.session.scalar(sa.select(_role.c.id).where(_role.c.name == role))
    if group_id and role_id:
        row = {"user_id": user_id, "group_id": group_id, "role_id": role_id, "is_primary": True, "created_at": now}
        db.session.execute(sa.insert(_membership).values(id=new_id(), **row))


def place(db: Database, user_id: str, group_id: str, role_id: str, now: datetime) -> None:
    """Have a new person, whose primary group is another one, be in a group with this role."""
    row = {"user_id": user_id, "group_id": group_id, "role_id": role_id, "is_primary": False, "created_at": now}
    db.session.execute(sa.insert(_membership).values(id=new_id(), **row))
