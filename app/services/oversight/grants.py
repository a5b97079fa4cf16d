"""Sessions and tokens across all people: what is open, what was ended, and which access tokens are denied."""

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa

from app.errors import NotFound, sentence
from app.models import RevokedToken, TokenFamily, UserSession
from app.services.clients.scopes import split
from app.services.foundation.environment import Clock, Database
from app.services.foundation.pages import Count, Order, Page, count_of, is_among, page_of
from app.services.foundation.search import is_within
from app.services.revocation.families import is_living
from app.services.sessions.policy import SessionPolicy

_session = cast(sa.Table, UserSession.__table__)
_family = cast(sa.Table, TokenFamily.__table__)
_of = _session.alias()
_revoked = cast(sa.Table, RevokedToken.__table__)
SESSIONS = Order("session", _session.c.expires_at, _session.c.id)
FAMILIES = Order("family", _family.c.expires_at, _family.c.id)
NO_SESSION = sentence("There is no session of this ID. Sessions are removed 30 days after they are over.")
NO_GRANT = sentence("There are no tokens of this ID. They are removed a day after they have expired.")
DENIED = Order("denied", _revoked.c.blacklisted_at, _revoked.c.jti)


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


@dataclass(frozen=True, slots=True)
class WantedSessions:
    """Which sessions: those of which all hold that is not None.

    ``client_id`` is an application that holds or held tokens of the session, ``network`` an address or a network.
    """

    user_id: str | None = None
    client_id: str | None = None
    network: str | None = None
    state: State | None = None


@dataclass(frozen=True, slots=True)
class WantedGrants:
    """Which grants: those of which all hold that is not None; ``jti`` is of the latest access token."""

    user_id: str | None = None
    client_id: str | None = None
    session_id: str | None = None
    jti: str | None = None
    state: State | None = None


@dataclass(frozen=True, slots=True)
class WantedDenied:
    """Which denied tokens: those of which all hold that is not None."""

    user_id: str | None = None
    client_id: str | None = None
    jti: str | None = None
    reason: str | None = None


class Grants:
    """Lists sessions, grants and denied tokens; what would last longest stands first."""

    def __init__(self, db: Database, clock: Clock, policy: SessionPolicy) -> None:
        self.db = db
        self.clock = clock
        self.policy = policy

    def sessions(self, wanted: WantedSessions, *, limit: int, after: str | None = None) -> Page[SeenSession]:
        """Sessions; raises :class:`app.errors.InvalidInput` for a bad cursor or for what is no network."""
        conditions = self._of_sessions(wanted)
        return page_of(self.db, sa.select(_session), conditions, SESSIONS, self._seen, limit=limit, after=after)

    def session(self, session_id: str) -> SeenSession:
        """The session of that id; raises :class:`NotFound`."""
        row = self.db.session.execute(sa.select(_session).where(_session.c.id == session_id)).first()
        if row is None:
            raise NotFound(NO_SESSION)
        return self._seen(row)

    def grant(self, grant_id: str) -> Grant:
        """The grant of that id; raises :class:`NotFound`."""
        whole = sa.select(_family, is_living(self.clock()).label("is_open")).where(_family.c.id == grant_id)
        row = self.db.session.execute(whole).first()
        if row is None:
            raise NotFound(NO_GRANT)
        return _grant(row)

    def count_sessions(self, wanted: WantedSessions) -> Count:
        """How many those are, up to a bound."""
        return count_of(self.db, _session.c.id, self._of_sessions(wanted))

    def grants(self, wanted: WantedGrants, *, limit: int, after: str | None = None) -> Page[Grant]:
        """Grants; raises :class:`app.errors.InvalidInput` for a bad cursor."""
        whole = sa.select(_family, is_living(self.clock()).label("is_open"))
        return page_of(self.db, whole, self._of_grants(wanted), FAMILIES, _grant, limit=limit, after=after)

    def count_grants(self, wanted: WantedGrants) -> Count:
        """How many those are, up to a bound."""
        return count_of(self.db, _family.c.id, self._of_grants(wanted))

    def denied(self, wanted: WantedDenied, *, limit: int, after: str | None = None) -> Page[DeniedToken]:
        """Access tokens that were ended before their time and have not expired, the last denied first."""
        columns = (_revoked.c.jti, _revoked.c.user_id, _revoked.c.client_id, _revoked.c.reason)
        whole, conditions = (
            sa.select(*columns, _revoked.c.blacklisted_at, _revoked.c.expires_at),
            self._of_denied(wanted),
        )
        return page_of(self.db, whole, conditions, DENIED, lambda row: DeniedToken(*row), limit=limit, after=after)

    def count_denied(self, wanted: WantedDenied) -> Count:
        """How many those are, up to a bound."""
        return count_of(self.db, _revoked.c.jti, self._of_denied(wanted))

    def _of_sessions(self, wanted: WantedSessions) -> list[sa.ColumnElement[bool]]:
        is_open, is_ended = self.policy.open_rows(self.clock()), _session.c.ended_at.is_not(None)
        found = [*_is_of(wanted.user_id, _session.c.user_id), *_in_state(wanted.state, is_open, is_ended)]
        if wanted.client_id is not None:
            of_client = sa.select(_family.c.session_id).where(_family.c.client_id == wanted.client_id)
            found.append(is_among(self.db, _session.c.id, of_client, _family.c.session_id))
        if wanted.network is not None:
            # In no order: along the index of their ends each of them would be fetched by itself.
            found.append(_session.c.id.in_(sa.select(_of.c.id).where(is_within(_of.c.ip_address, wanted.network))))
        return found

    def _of_grants(self, wanted: WantedGrants) -> list[sa.ColumnElement[bool]]:
        return [
            *_is_of(wanted.user_id, _family.c.user_id),
            *_is_of(wanted.client_id, _family.c.client_id),
            *_is_of(wanted.session_id, _family.c.session_id),
            *([] if wanted.jti is None else [_family.c.id.in_(_with_token(wanted.jti))]),
            *_in_state(wanted.state, is_living(self.clock()), _family.c.revoked_at.is_not(None)),
        ]

    def _of_denied(self, wanted: WantedDenied) -> list[sa.ColumnElement[bool]]:
        return [
            _revoked.c.expires_at > self.clock(),
            *_is_of(wanted.user_id, _revoked.c.user_id),
            *_is_of(wanted.client_id, _revoked.c.client_id),
            *_is_of(wanted.jti, _revoked.c.jti),
            *_is_of(wanted.reason, _revoked.c.reason),
        ]

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


def _with_token(jti: str) -> "sa.Select[Any]":
    """Looked at in no order, as that is several times quicker than along an index which does not tell."""
    other = _family.alias()
    return sa.select(other.c.id).where(other.c.access_jti == jti)


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
