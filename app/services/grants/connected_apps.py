"""Applications that may act for a person: by a consent, by living tokens, or both."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa

from app.errors import NotFound
from app.models import Consent, RefreshToken, TokenFamily
from app.services.clients.clients import ClientRecord, Clients
from app.services.clients.scopes import split
from app.services.foundation.environment import Caller, Clock, Database
from app.services.grants.consents import Consents
from app.services.revocation.families import is_living

_consent = cast(sa.Table, Consent.__table__)
_family = cast(sa.Table, TokenFamily.__table__)
_refresh = cast(sa.Table, RefreshToken.__table__)
LATELY = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class ConnectedApp:
    """An application with access; ``used_at`` is None when it never got a token that still lives."""

    client: ClientRecord
    scopes: tuple[str, ...]
    since: datetime
    used_at: datetime | None


class ConnectedApps:
    """Lists a person's connected applications and takes their access away."""

    def __init__(self, db: Database, clock: Clock, clients: Clients, consents: Consents) -> None:
        self.db = db
        self.clock = clock
        self.clients = clients
        self.consents = consents

    def of(self, user_id: str) -> list[ConnectedApp]:
        """The applications that have access now, the latest used first."""
        consented = {row.client_id: row for row in self._consented(user_id)}
        holding = {row.client_id: row for row in self._holding(user_id)}
        scopes = self._scopes_held(user_id)
        apps = [
            _app(client, consented.get(client.client_id), holding.get(client.client_id), scopes)
            for client_id in consented.keys() | holding.keys()
            if (client := self.clients.find(client_id))
        ]
        return sorted(apps, key=lambda app: (app.used_at or app.since, app.client.client_id), reverse=True)

    def count(self, user_id: str) -> int:
        """How many there are."""
        return len(self._connected_ids(user_id))

    def lately_used(self, user_id: str, limit: int, among: Collection[str]) -> list[str]:
        """Which ``among`` these ids were let in last, the latest first, whether or not they still are."""
        last = sa.func.max(_family.c.created_at)
        query = sa.select(_family.c.client_id).where(
            _family.c.user_id == user_id,
            _family.c.created_at > self.clock() - LATELY,
            _family.c.client_id.in_(among),
        )
        query = query.group_by(_family.c.client_id).order_by(last.desc(), _family.c.client_id)
        return list(self.db.session.scalars(query.limit(limit)))

    def remove(self, user_id: str, client_id: str, caller: Caller) -> None:
        """End the consent and every token of one application at once; raises :class:`NotFound` if it has neither."""
        if client_id not in self._connected_ids(user_id):
            raise NotFound
        self.consents.withdraw(user_id, client_id, caller)

    def _is_given(self, user_id: str) -> tuple[sa.ColumnElement[bool], ...]:
        return (_consent.c.user_id == user_id, _consent.c.withdrawn_at.is_(None))

    def _is_living(self, user_id: str) -> tuple[sa.ColumnElement[bool], ...]:
        return (_family.c.user_id == user_id, is_living(self.clock()))

    def _connected_ids(self, user_id: str) -> set[str]:
        holding = sa.select(_family.c.client_id).where(*self._is_living(user_id))
        consented = sa.select(_consent.c.client_id).where(*self._is_given(user_id))
        return set(self.db.session.scalars(holding.union(consented)))

    def _consented(self, user_id: str) -> list[Any]:
        query = sa.select(_consent.c.client_id, _consent.c.scopes, _consent.c.granted_at)
        return list(self.db.session.execute(query.where(*self._is_given(user_id))))

    def _holding(self, user_id: str) -> list[Any]:
        """Per application: since when it holds tokens, and when it got the last one."""
        query = (
            sa.select(
                _family.c.client_id,
                sa.func.min(_family.c.created_at).label("since"),
                sa.func.max(sa.func.coalesce(_refresh.c.created_at, _family.c.created_at)).label("used_at"),
            )
            .select_from(_family.outerjoin(_refresh, _refresh.c.family_id == _family.c.id))
            .where(*self._is_living(user_id))
            .group_by(_family.c.client_id)
        )
        return list(self.db.session.execute(query))

    def _scopes_held(self, user_id: str) -> dict[str, set[str]]:
        query = sa.select(_family.c.client_id, _family.c.scope).where(*self._is_living(user_id)).distinct()
        held: dict[str, set[str]] = {}
        for client_id, scope in self.db.session.execute(query):
            held.setdefault(client_id, set()).update(split(scope))
        return held


def _app(client: ClientRecord, consent: Any, tokens: Any, held: dict[str, set[str]]) -> ConnectedApp:
    moments = [*([consent.granted_at] if consent else []), *([tokens.since] if tokens else [])]
    # Tokens are worth no more than the consent; what was left out of it later may still stand in them.
    is_asked = consent is not None and not client.is_first_party
    scopes = {*(consent.scopes if consent else ()), *(() if is_asked else held.get(client.client_id, ()))}
    return ConnectedApp(client, tuple(sorted(scopes)), min(moments), tokens.used_at if tokens else None)
