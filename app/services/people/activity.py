"""What happened with a person's account, as the audit records say."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa

from app.models import AuditLog, Client
from app.services.foundation import cursors
from app.services.foundation.environment import Database
from app.services.record.audit import Event

_log = cast(sa.Table, AuditLog.__table__)
_client = cast(sa.Table, Client.__table__)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One thing that happened; ``event`` is a value of :class:`app.services.record.audit.Event`."""

    id: str
    event: str
    client_id: str | None
    client_name: str | None
    is_success: bool
    error: str | None
    actor: str
    ip_address: str
    user_agent: str
    details: dict[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ActivityPage:
    """A page of it; ``next`` is the cursor of the following one."""

    items: list[Occurrence]
    next: str | None


_COLUMNS = (
    _log.c.id,
    _log.c.action,
    _log.c.client_id,
    _client.c.name,
    _log.c.success,
    _log.c.error_code,
    _log.c.actor,
    _log.c.ip,
    _log.c.user_agent,
    _log.c.details,
    _log.c.created_at,
)


class Activity:
    """Reads audit records of one person."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def latest(self, user_id: str, event: Event) -> Occurrence | None:
        """The last time something went well."""
        query = self._of(user_id).where(_log.c.action == event.value, _log.c.success).limit(1)
        row = self.db.session.execute(query).first()
        return None if row is None else Occurrence(*row)

    def page(self, user_id: str, *, limit: int = 50, after: str | None = None) -> ActivityPage:
        """The person's own records, the latest first; raises :class:`InvalidInput` for a cursor that is none."""
        query = self._of(user_id).limit(limit + 1)
        if after:
            query = query.where(cursors.behind(after, _log.c.created_at, _log.c.id))
        found = [Occurrence(*row) for row in self.db.session.execute(query)]
        items = found[:limit]
        following = cursors.written(items[-1].created_at, items[-1].id) if len(found) > limit else None
        return ActivityPage(items, following)

    def _of(self, user_id: str) -> sa.Select[Any]:
        return (
            sa.select(*_COLUMNS)
            .select_from(_log.outerjoin(_client, _client.c.client_id == _log.c.client_id))
            .where(_log.c.user_id == user_id)
            .order_by(_log.c.created_at.desc(), _log.c.id.desc())
        )
