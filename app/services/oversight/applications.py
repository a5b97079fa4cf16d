"""All registered applications, found by what is registered about them."""

from dataclasses import dataclass
from datetime import timedelta
from typing import cast

import sqlalchemy as sa

from app.models import Client, ClientSecret
from app.services.clients.records import FIRST_PARTY, ClientRecord
from app.services.foundation.environment import Clock, Database
from app.services.foundation.pages import Count, Order, Page, count_of, page_of
from app.services.foundation.search import holds

_client = cast(sa.Table, Client.__table__)
_secret = cast(sa.Table, ClientSecret.__table__)
NEWEST = Order("created", _client.c.created_at, _client.c.client_id)


@dataclass(frozen=True, slots=True)
class WantedClients:
    """Which applications: those of which all hold that is not None.

    ``search`` is a part of the id, the name or a redirect URI; ``secret_ends_within`` finds those that have a secret
    which ends in that time.
    """

    search: str | None = None
    is_active: bool | None = None
    is_confidential: bool | None = None
    is_first_party: bool | None = None
    consent_policy: str | None = None
    in_development: bool | None = None
    owner_id: str | None = None
    scope: str | None = None
    grant_type: str | None = None
    secret_ends_within: timedelta | None = None


class Applications:
    """Finds clients."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self.db = db
        self.clock = clock

    def page(self, wanted: WantedClients, *, limit: int, after: str | None = None) -> Page[ClientRecord]:
        """Clients, the newest first; raises :class:`app.errors.InvalidInput` for a cursor that is none."""
        conditions = self._conditions(wanted)
        return page_of(self.db, sa.select(_client), conditions, NEWEST, _record, limit=limit, after=after)

    def count(self, wanted: WantedClients) -> Count:
        """How many clients those are, up to a bound."""
        return count_of(self.db, _client.c.client_id, self._conditions(wanted))

    def _conditions(self, wanted: WantedClients) -> list[sa.ColumnElement[bool]]:
        truths = (
            (_client.c.is_active, wanted.is_active),
            (_client.c.is_confidential, wanted.is_confidential),
            (_client.c.in_development, wanted.in_development),
            (_client.c.consent_policy == FIRST_PARTY, wanted.is_first_party),
        )
        found = [column if value else sa.not_(column) for column, value in truths if value is not None]
        if wanted.consent_policy is not None:
            found.append(_client.c.consent_policy == wanted.consent_policy)
        if wanted.owner_id is not None:
            found.append(_client.c.owner_id == wanted.owner_id)
        # Lists as text: each of their words in quotes, and no word that may stand in one holds a quote.
        for column, word in ((_client.c.allowed_scopes, wanted.scope), (_client.c.grant_types, wanted.grant_type)):
            if word is not None:
                found.append(sa.cast(column, sa.Text).contains(f'"{word}"', autoescape=True))
        if wanted.secret_ends_within is not None:
            now = self.clock()
            ending = sa.select(_secret.c.client_id).where(
                _secret.c.expires_at > now, _secret.c.expires_at <= now + wanted.secret_ends_within
            )
            found.append(_client.c.client_id.in_(ending))
        if wanted.search:
            texts = (_client.c.client_id, _client.c.name, sa.cast(_client.c.redirect_uris, sa.Text))
            found.append(sa.or_(*(holds(text, wanted.search) for text in texts)))
        return found


def _record(row: sa.Row[tuple[object, ...]]) -> ClientRecord:
    return ClientRecord.from_row(row._asdict())
