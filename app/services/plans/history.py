"""What a person's quota went into, for as long as it is on record."""

from dataclasses import dataclass
from datetime import datetime
from typing import cast

import sqlalchemy as sa

from app.models import Client, QuotaUse
from app.services.foundation import cursors
from app.services.foundation.environment import Database
from app.services.foundation.texts import shown

_use = cast(sa.Table, QuotaUse.__table__)
_client = cast(sa.Table, Client.__table__)


@dataclass(frozen=True, slots=True)
class Use:
    """What was taken at once; ``app`` is the name of who took it, empty if that is not known any more."""

    id: str
    app: str
    amount: int
    given_back: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class UsePage:
    """A page of it; ``next`` is the cursor of the following one."""

    items: list[Use]
    next: str | None


class History:
    """Reads uses of one person."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def page(self, user_id: str, *, limit: int = 50, after: str | None = None) -> UsePage:
        """The person's uses, the latest first; raises :class:`InvalidInput` for a cursor that is none."""
        query = (
            sa.select(
                _use.c.id,
                _client.c.name,
                _client.c.client_id,
                _use.c.amount,
                _use.c.given_back,
                _use.c.created_at,
            )
            .outerjoin(_client, _client.c.client_id == _use.c.client_id)
            .where(_use.c.user_id == user_id)
            .order_by(_use.c.created_at.desc(), _use.c.id.desc())
            .limit(limit + 1)
        )
        if after is not None:
            query = query.where(cursors.behind(after, _use.c.created_at, _use.c.id))
        rows = self.db.session.execute(query).all()
        items = [
            Use(row.id, shown(row.name or "") or row.client_id or "", row.amount, row.given_back or 0, row.created_at)
            for row in rows[:limit]
        ]
        return UsePage(items, cursors.written(items[-1].created_at, items[-1].id) if len(rows) > limit else None)
