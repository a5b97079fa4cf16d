"""All registered applications, found by a part of their id or name."""

import unicodedata
from typing import cast

import sqlalchemy as sa

from app.models import Client
from app.services.clients.records import ClientRecord
from app.services.foundation.environment import Database
from app.services.oversight.pages import Page, holds, page_of

_client = cast(sa.Table, Client.__table__)


class Applications:
    """Finds clients."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def page(
        self, *, search: str | None = None, is_active: bool | None = None, limit: int, after: str | None = None
    ) -> Page[ClientRecord]:
        """Clients, the newest first; raises :class:`app.errors.InvalidInput` for a cursor that is none."""
        query = sa.select(_client)
        if search:
            # As they are kept: ids in ASCII, names as they were typed, composed.
            spelled, composed = (unicodedata.normalize(form, search) for form in ("NFKC", "NFC"))
            query = query.where(sa.or_(holds([_client.c.client_id], spelled), holds([_client.c.name], composed)))
        if is_active is not None:
            query = query.where(_client.c.is_active == is_active)
        return page_of(
            self.db,
            query,
            _client.c.created_at,
            _client.c.client_id,
            lambda row: ClientRecord.from_row(row._asdict()),
            limit=limit,
            after=after,
        )
