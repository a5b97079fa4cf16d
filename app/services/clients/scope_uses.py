"""Who uses scopes: the applications registered for each, the latest logins that had it, the people who allowed it."""

from collections import Counter
from dataclasses import dataclass
from typing import cast

import sqlalchemy as sa

from app.models import Client, Consent, TokenFamily
from app.services.clients.scopes import split
from app.services.foundation.environment import Database
from app.services.foundation.pages import Count, count_of

LATEST = 1_000
_client = cast(sa.Table, Client.__table__)
_consent = cast(sa.Table, Consent.__table__)
_family = cast(sa.Table, TokenFamily.__table__)


@dataclass(frozen=True, slots=True)
class Using:
    """An application that is registered for a scope."""

    client_id: str
    name: str
    is_active: bool
    is_optional: bool


@dataclass(frozen=True, slots=True)
class Latest:
    """The latest logins in applications: how many there were, at most :data:`LATEST`, and of these by scope."""

    logins: int
    by_scope: Counter[str]


class ScopeUses:
    """Counts the uses of scopes, in a bounded time each."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def clients(self) -> dict[str, list[Using]]:
        """By scope, the applications registered for it, by name."""
        found: dict[str, list[Using]] = {}
        columns = (_client.c.client_id, _client.c.name, _client.c.is_active)
        lists = (_client.c.allowed_scopes, _client.c.optional_scopes)
        for row in self.db.session.execute(sa.select(*columns, *lists).order_by(_client.c.name, _client.c.client_id)):
            for scope in row.allowed_scopes or ():
                is_optional = scope in (row.optional_scopes or ())
                found.setdefault(scope, []).append(Using(row.client_id, row.name, row.is_active, is_optional))
        return found

    def latest(self) -> Latest:
        """What was granted lately: the logins whose tokens last the longest from now."""
        query = sa.select(_family.c.scope).order_by(_family.c.expires_at.desc()).limit(LATEST)
        granted = [split(scope) for scope in self.db.session.scalars(query)]
        return Latest(len(granted), Counter(name for names in granted for name in names))

    def consents(self, scope: str, clients: "list[Using]") -> Count:
        """How many consents of people to these applications cover the scope."""
        # A list as text: each of its words in quotes, and no word that may stand in one holds a quote.
        return count_of(
            self.db,
            _consent.c.id,
            [
                _consent.c.client_id.in_([each.client_id for each in clients]),
                _consent.c.withdrawn_at.is_(None),
                sa.cast(_consent.c.scopes, sa.Text).contains(f'"{scope}"', autoescape=True),
            ],
        )
