"""Filters of the trail that administrators keep, each by a name and for nobody but whoever keeps it.

A filter is what the address of the list of records asks for, so it can be followed as a link. It is a bookmark and
changes nothing, so keeping one is not on record; reading by it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode

import sqlalchemy as sa

from app.errors import InvalidInput, NotFound, sentence
from app.models import SavedFilter, new_id
from app.services.foundation.environment import Caller, Clock, Database
from app.services.foundation.powers import AUDIT
from app.services.foundation.statements import insert_ignoring
from app.services.foundation.texts import MOST_TYPED, folded, one_line

MOST = 50
LONGEST_NAME, LONGEST_KEY, LONGEST_QUERY = 60, 200, 2000
NO_NAME = sentence("Give the filter a name.")
TOO_LONG = sentence("Use at most 60 characters.")
TAKEN = sentence("You have a filter of this name already.")
TOO_MANY = sentence("You have 50 saved filters, which is the most. Remove one first.")
ASKS_NOTHING = sentence("Filter the log first: as it is, this asks for everything.")
ASKS_TOO_MUCH = sentence("This filter is too long to be saved.")
_saved = cast(sa.Table, SavedFilter.__table__)


@dataclass(frozen=True, slots=True)
class Saved:
    """A filter that is kept; ``asks`` is what its address says, by name."""

    id: str
    name: str
    asks: Mapping[str, str]
    created_at: datetime


class SavedFilters:
    """Keeps them."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self.db = db
        self.clock = clock

    def all(self, user_id: str) -> list[Saved]:
        """Those of one administrator, by name."""
        rows = self.db.session.execute(sa.select(_saved).where(_saved.c.user_id == user_id))
        return [_read(row) for row in sorted(rows, key=lambda row: row.name_key)]

    def save(self, name: str, asks: Mapping[str, str | None], caller: Caller) -> Saved:
        """Keep what an address ``asks``; raises :class:`InvalidInput` for a name or a filter that cannot be kept."""
        owner, kept = _owner(caller), _name(name)
        query = urlencode(sorted((each, value) for each, value in asks.items() if value))
        if not query:
            raise InvalidInput(ASKS_NOTHING)
        if len(query) > LONGEST_QUERY:
            raise InvalidInput(ASKS_TOO_MUCH)
        there = {each.name_key for each in self.db.session.execute(sa.select(_saved).where(_saved.c.user_id == owner))}
        if folded(kept) not in there and len(there) >= MOST:
            raise InvalidInput(TOO_MANY)
        row = {"id": new_id(), "user_id": owner, "name": kept, "name_key": folded(kept), "query": query}
        made = insert_ignoring(self.db.dialect, _saved).values(**row, created_at=self.clock())
        self.db.session.execute(made)
        try:
            return self._one(row["id"], owner)
        except NotFound:
            raise InvalidInput(TAKEN, "name") from None

    def remove(self, filter_id: str, caller: Caller) -> Saved:
        """Forget one of one's own; answers what it was. Raises :class:`NotFound`."""
        owner = _owner(caller)
        was = self._one(filter_id, owner)
        self.db.session.execute(sa.delete(_saved).where(_saved.c.id == was.id, _saved.c.user_id == owner))
        return was

    def _one(self, filter_id: str, owner: str) -> Saved:
        row = self.db.session.execute(
            sa.select(_saved).where(_saved.c.id == filter_id, _saved.c.user_id == owner)
        ).first()
        if row is None:
            raise NotFound
        return _read(row)


def _owner(caller: Caller) -> str:
    """Whose filters these are; raises ``OutOfPower`` for whoever may not read the trail."""
    if caller.powers is not None:
        caller.powers.require(AUDIT)
    return caller.actor


def _name(typed: str) -> str:
    """The name as it is kept; raises :class:`InvalidInput`."""
    name = one_line(typed[: MOST_TYPED + 1])
    if not name:
        raise InvalidInput(NO_NAME, "name")
    if len(name) > LONGEST_NAME or len(folded(name)) > LONGEST_KEY:
        raise InvalidInput(TOO_LONG, "name")
    return name


def _read(row: Any) -> Saved:
    return Saved(row.id, row.name, dict(parse_qsl(row.query)), row.created_at)
