"""Sessions and tokens across all people: what is open, what was ended, and which access tokens are denied."""

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa

from app.models import RevokedToken, TokenFamily, UserSession
from app.services.clients.scopes import split
from app.services.foundation.environment import Clock, Database
from app.services.oversight.pages import Page, page_of
from app.services.revocation.families import is_living
from app.services.sessions.sessions import SessionPolicy

_session = cast(sa.Table, UserSession.__table__)
_family = cast(sa.Table, TokenFamily.__table__)
_revoked = cast(sa.Table, RevokedToken.__table__)


class State(enum.StrEnum):
    """What has become of a session or a grant."""

    ACTIVE = "active"
    ENDED = "ended"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class SeenSession:
    """A session of anybody; ``state`` is as it is now."""

    id: str
    user_id: str
    device_name: str
    ip_address: str
    user_agent: str
    is_remembered: bool
    authenticated_at: datetime
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    access_count: int
    ended_at: datetime | None
    end_reason: str | None
    state: State


@dataclass(frozen=True, slots=True)
class Grant:
    """The tokens that one authorization led to (a family); ``state`` is as it is now."""

    id: str
    client_id: str
    user_id: str
    session_id: str | None
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    access_expires_at: datetime
    ended_at: datetime | None
    end_reason: str | None
    state: State


@dataclass(frozen=True, slots=True)
class DeniedToken:
    """An entry of the denylist as operators see it."""

    jti: str
    user_id: str | None
    client_id: str | None
    reason: str
    denied_at: datetime
    expires_at: datetime


class Grants:
    """Lists sessions, grants and denied tokens; what would last longest stands first."""

    def __init__(self, db: Database, clock: Clock, policy: SessionPolicy) -> None:
        self.db = db
        self.clock = clock
        self.policy = policy

    def sessions(
        self, *, user_id: str | None, state: State | None, limit: int, after: str | None = None
    ) -> Page[SeenSession]:
        """Sessions of everybody or of one person; raises :class:`app.errors.InvalidInput` for a bad cursor."""
        now = self.clock()
        is_open, is_ended = self.policy.open_rows(now), _session.c.ended_at.is_not(None)
        found = sa.select(_session).where(*_is_of(user_id, _session.c.user_id), *_in_state(state, is_open, is_ended))
        return page_of(self.db, found, _session.c.expires_at, _session.c.id, self._seen, limit=limit, after=after)

    def grants(
        self, *, user_id: str | None, client_id: str | None, state: State | None, limit: int, after: str | None = None
    ) -> Page[Grant]:
        """Grants of everybody, of one person or of one client; raises as :meth:`sessions` does."""
        is_open, is_ended = is_living(self.clock()), _family.c.revoked_at.is_not(None)
        found = sa.select(_family, is_open.label("is_open")).where(
            *_is_of(user_id, _family.c.user_id),
            *_is_of(client_id, _family.c.client_id),
            *_in_state(state, is_open, is_ended),
        )
        return page_of(self.db, found, _family.c.expires_at, _family.c.id, _grant, limit=limit, after=after)

    def denied(
        self, *, user_id: str | None, client_id: str | None, limit: int, after: str | None = None
    ) -> Page[DeniedToken]:
        """Access tokens that were ended before their time and have not expired, the last denied first."""
        columns = (_revoked.c.jti, _revoked.c.user_id, _revoked.c.client_id, _revoked.c.reason)
        found = sa.select(*columns, _revoked.c.blacklisted_at, _revoked.c.expires_at).where(
            _revoked.c.expires_at > self.clock(),
            *_is_of(user_id, _revoked.c.user_id),
            *_is_of(client_id, _revoked.c.client_id),
        )
        return page_of(
            self.db,
            found,
            _revoked.c.blacklisted_at,
            _revoked.c.jti,
            lambda row: DeniedToken(*row),
            limit=limit,
            after=after,
        )

    def _seen(self, row: Any) -> SeenSession:
        is_open = self.policy.is_open(row, self.clock())
        return SeenSession(
            row.id,
            row.user_id,
            row.device_name,
            row.ip_address,
            row.user_agent,
            row.is_remembered,
            row.authenticated_at,
            row.created_at,
            row.last_used_at,
            self.policy.end_of(row.authenticated_at, row.expires_at, is_remembered=row.is_remembered),
            row.access_count,
            row.ended_at,
            row.end_reason,
            _state(is_open, row.ended_at),
        )


def _grant(row: Any) -> Grant:
    return Grant(
        row.id,
        row.client_id,
        row.user_id,
        row.session_id,
        split(row.scope),
        row.created_at,
        row.expires_at,
        row.access_expires_at,
        row.revoked_at,
        row.revoke_reason,
        _state(row.is_open, row.revoked_at),
    )


def _is_of(wanted: str | None, column: sa.Column[Any]) -> list[sa.ColumnElement[bool]]:
    return [] if wanted is None else [column == wanted]


def _in_state(
    state: State | None, is_open: sa.ColumnElement[bool], is_ended: sa.ColumnElement[bool]
) -> list[sa.ColumnElement[bool]]:
    if state is None:
        return []
    return {State.ACTIVE: [is_open], State.ENDED: [is_ended], State.EXPIRED: [sa.not_(is_open), sa.not_(is_ended)]}[
        state
    ]


def _state(is_open: bool, ended_at: datetime | None) -> State:
    if ended_at is not None:
        return State.ENDED
    return State.ACTIVE if is_open else State.EXPIRED
