"""The scopes there are and what each says to people: adding one, saying it otherwise, removing one nobody registers.

What a scope is called stays: it stands in tokens and in what applications ask for.
"""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

import sqlalchemy as sa

from app.errors import InvalidFields, InvalidInput, NotFound, sentence
from app.models import Client, Scope
from app.services.clients.scopes import PERMISSION_PREFIX, SERVICE_PREFIX
from app.services.foundation.environment import Caller, Database
from app.services.foundation.texts import MOST_TYPED, holds_controls, one_line
from app.services.record.audit import Audit, Event

LONGEST_NAME, LONGEST_SENTENCE = 64, 200
UNKNOWN = sentence("There is no scope of that name.")
KNOWN = sentence("There is a scope of that name already.")
NO_NAME = sentence(
    "A scope is written like reports or read:reports: small letters, digits, dashes and underscores, 64 at most."
)
OF_SERVICES = sentence("Scopes that begin with admin: are those of the portal's own API. There are no others.")
NO_SENTENCE = sentence("Say in one line, of at most 200 characters, what an application may do by it.")
BUILTIN = sentence("This scope is one that every portal has. It stays.")
IN_USE = sentence("An application is registered for this scope. Take it from the application first.")
_scope = cast(sa.Table, Scope.__table__)
_client = cast(sa.Table, Client.__table__)
_NAME = re.compile(r"[a-z][a-z0-9_-]*(:[a-z][a-z0-9_-]*)*")
_STANDARD = ("openid", "profile", "email", "offline_access", "address", "phone")


class Kind(StrEnum):
    """What sort of scope it is."""

    STANDARD = "standard"
    """One of OpenID Connect."""
    DATA = "data"
    PERMISSION = "permission"
    """It counts only for people who hold the permission of the same name."""
    SERVICE = "service"
    """For backends that act for themselves."""


@dataclass(frozen=True, slots=True)
class ListedScope:
    """A scope, and what it says to people in each language."""

    name: str
    sentence_en: str
    sentence_ko: str
    kind: Kind
    is_builtin: bool


class ScopeCatalogue:
    """Lists, adds, words and removes scopes; ``builtin`` are the names of those that every portal has."""

    def __init__(self, db: Database, audit: Audit, builtin: Collection[str]) -> None:
        self.db = db
        self.audit = audit
        self.builtin = frozenset(builtin)

    def all(self) -> list[ListedScope]:
        """All scopes in the order in which people read them."""
        rows = self.db.session.execute(sa.select(_scope).order_by(_scope.c.position, _scope.c.name))
        return [self._listed(row) for row in rows]

    def get(self, name: str) -> ListedScope:
        """The one of that name; raises :class:`NotFound`."""
        return self._listed(self._row(sa.select(_scope).where(_scope.c.name == name)))

    def add(self, name: str, english: str, korean: str, caller: Caller) -> ListedScope:
        """Add a scope, which applications can be registered for from now on; raises :class:`InvalidInput`."""
        problems, said = _judged(english, korean)
        kept = unicodedata.normalize("NFKC", name[:MOST_TYPED]).strip()
        if not _NAME.fullmatch(kept) or len(kept) > LONGEST_NAME:
            problems = {"name": NO_NAME, **problems}
        elif kept.startswith(SERVICE_PREFIX):
            problems = {"name": OF_SERVICES, **problems}
        if problems:
            raise InvalidFields(problems)
        self.db.take_turn()
        if kept in self.db.session.scalars(sa.select(_scope.c.name)).all():
            raise InvalidInput(KNOWN, "name")
        last = self.db.session.scalar(sa.select(sa.func.max(_scope.c.position))) or 0
        values = {"name": kept, "sentence_en": said[0], "sentence_ko": said[1]}
        self.db.session.execute(sa.insert(_scope).values(**values, is_service=False, position=last + 1))
        self.audit.record(Event.SCOPE_ADDED, caller, scope=kept)
        return self.get(kept)

    def word(self, name: str, english: str, korean: str, caller: Caller) -> ListedScope:
        """Have a scope say something else to people from now on; answers what it said before.

        What people allowed stays allowed. Raises :class:`NotFound`, :class:`InvalidInput` and, for scopes of services
        unless the caller administers the platform, :class:`app.errors.OutOfPower`.
        """
        problems, (english, korean) = _judged(english, korean)
        before = self._held(name)
        caller.require_full_if(before.kind is Kind.SERVICE)
        if problems:
            raise InvalidFields(problems)
        if (english, korean) != (before.sentence_en, before.sentence_ko):
            change = sa.update(_scope).where(_scope.c.name == before.name)
            self.db.session.execute(change.values(sentence_en=english, sentence_ko=korean))
            self.audit.record(Event.SCOPE_WORDED, caller, scope=before.name)
        return before

    def remove(self, name: str, caller: Caller) -> ListedScope:
        """Remove a scope that no application is registered for; answers what it said.

        Raises :class:`NotFound` and :class:`InvalidInput`.
        """
        found = self._held(name)
        if found.is_builtin:
            raise InvalidInput(BUILTIN, "name")
        if any(
            found.name in (allowed or ()) for allowed in self.db.session.scalars(sa.select(_client.c.allowed_scopes))
        ):
            raise InvalidInput(IN_USE, "name")
        self.db.session.execute(sa.delete(_scope).where(_scope.c.name == found.name))
        self.audit.record(Event.SCOPE_REMOVED, caller, scope=found.name)
        return found

    def _held(self, name: str) -> ListedScope:
        """The one of that name, which nobody else changes or registers until the transaction ends."""
        return self._listed(self._row(sa.select(_scope).where(_scope.c.name == name).with_for_update()))

    def _row(self, statement: "sa.Select[Any]") -> Any:
        if (row := self.db.session.execute(statement).first()) is None:
            raise NotFound(UNKNOWN)
        return row

    def _listed(self, row: Any) -> ListedScope:
        return ListedScope(row.name, row.sentence_en, row.sentence_ko, _kind(row), row.name in self.builtin)


def _kind(row: Any) -> Kind:
    if row.is_service:
        return Kind.SERVICE
    if row.name in _STANDARD:
        return Kind.STANDARD
    return Kind.PERMISSION if row.name.startswith(PERMISSION_PREFIX) else Kind.DATA


def _judged(english: str, korean: str) -> tuple[dict[str, str], tuple[str, str]]:
    """What is wrong with the sentences, by field, and both as they are kept."""
    said = tuple("" if len(each) > MOST_TYPED or holds_controls(each) else one_line(each) for each in (english, korean))
    named = zip(("sentence_en", "sentence_ko"), said, strict=True)
    return {name: NO_SENTENCE for name, text in named if not 0 < len(text) <= LONGEST_SENTENCE}, (said[0], said[1])
