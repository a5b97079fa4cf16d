"""Permissions: the one place where they are declared, with what they mean to people."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa

from app.errors import InvalidInput, NotFound, sentence
from app.models import Permission, Role
from app.services.foundation.environment import Caller, Clock, Database
from app.services.foundation.texts import MOST_TYPED, holds_controls, one_line
from app.services.record.audit import Audit, Event
from app.services.tenancy.names import permission_name
from app.services.tenancy.turns import take_turn

LONGEST_SENTENCE = 200
UNDECLARED = sentence("There is no permission of that name. Declare it first.")
DECLARED = sentence("There is a permission of that name already.")
BUILTIN = sentence("This permission is one that every portal has. It stays.")
IN_USE = sentence("A role carries this permission. Take it from the role first.")
NO_SENTENCE = sentence("Say in one line, of at most 200 characters, what the permission allows, in both languages.")
_permission = cast(sa.Table, Permission.__table__)
_role = cast(sa.Table, Role.__table__)


@dataclass(frozen=True, slots=True)
class DeclaredPermission:
    """A permission, and what it allows in the words of people."""

    name: str
    sentence_en: str
    sentence_ko: str
    is_builtin: bool


class Permissions:
    """Lists, declares and removes permissions."""

    def __init__(self, db: Database, clock: Clock, audit: Audit) -> None:
        self.db = db
        self.clock = clock
        self.audit = audit

    def all(self) -> list[DeclaredPermission]:
        """All of them by name."""
        rows = self.db.session.execute(sa.select(_permission).order_by(_permission.c.name))
        return [_declared(row) for row in rows]

    def get(self, name: str) -> DeclaredPermission:
        """The one of that name; raises :class:`NotFound`."""
        try:
            row = self._row(permission_name(name))
        except InvalidInput:
            row = None
        if row is None:
            raise NotFound(UNDECLARED)
        return _declared(row)

    def declare(self, name: str, english: str, korean: str, caller: Caller) -> DeclaredPermission:
        """Declare a permission, which roles can carry from now on; raises :class:`InvalidInput`."""
        kept = permission_name(name)
        said = _sentence(english, "sentence_en"), _sentence(korean, "sentence_ko")
        made = DeclaredPermission(kept, said[0], said[1], is_builtin=False)
        take_turn(self.db)
        if self._row(kept) is not None:
            raise InvalidInput(DECLARED, "permission")
        add(self.db, self.clock, made)
        self.audit.record(Event.PERMISSION_DECLARED, caller, permission=kept)
        return made

    def remove(self, name: str, caller: Caller) -> None:
        """Remove a permission that no role carries; raises :class:`NotFound` and :class:`InvalidInput`."""
        take_turn(self.db)
        found = self.get(name)
        if found.is_builtin:
            raise InvalidInput(BUILTIN, "permission")
        if any(found.name in (carried or ()) for carried in self.db.session.scalars(sa.select(_role.c.permissions))):
            raise InvalidInput(IN_USE, "permission")
        self.db.session.execute(sa.delete(_permission).where(_permission.c.name == found.name))
        self.audit.record(Event.PERMISSION_REMOVED, caller, permission=found.name)

    def _row(self, name: str) -> Any:
        return self.db.session.execute(sa.select(_permission).where(_permission.c.name == name)).first()


def add(db: Database, clock: Clock, permission: DeclaredPermission) -> None:
    """Write one that is not there yet."""
    values = {name: getattr(permission, name) for name in DeclaredPermission.__slots__}
    db.session.execute(sa.insert(_permission).values(**values, created_at=clock()))


def declared(db: Database, names: Iterable[str]) -> frozenset[str]:
    """These permissions as they are called; raises :class:`InvalidInput` unless each is declared."""
    wanted = frozenset(map(permission_name, names))
    known = db.session.scalars(sa.select(_permission.c.name).where(_permission.c.name.in_(wanted)))
    if wanted.difference(known):
        raise InvalidInput(UNDECLARED, "permissions")
    return wanted


def _sentence(typed: str, field: str) -> str:
    text = "" if len(typed) > MOST_TYPED or holds_controls(typed) else one_line(typed)
    if not 0 < len(text) <= LONGEST_SENTENCE:
        raise InvalidInput(NO_SENTENCE, field)
    return text


def _declared(row: Any) -> DeclaredPermission:
    return DeclaredPermission(row.name, row.sentence_en, row.sentence_ko, row.is_builtin)
