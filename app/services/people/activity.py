"""What happened with a person's account, as the audit records say."""

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

import sqlalchemy as sa

from app.models import AuditLog, Client
from app.services.foundation import cursors
from app.services.foundation.environment import Database
from app.services.record.audit import Event

_log = cast(sa.Table, AuditLog.__table__)
_client = cast(sa.Table, Client.__table__)
OPERATOR, ADMINISTRATOR = "operator", "administrator"
BY_ITSELF = frozenset({"billing", "deletion", "kakao", "retention", "seed", "selfcheck"})
"""Actors that are nobody: what the portal does by itself, or because somebody outside told it."""
_IS_THEIRS = _log.c.actor.in_([_log.c.user_id, ""])
_ACTOR = sa.case(
    (sa.or_(_IS_THEIRS, _log.c.actor.in_([OPERATOR, *sorted(BY_ITSELF)])), _log.c.actor), else_=ADMINISTRATOR
)
TOLD = {
    "actor": _ACTOR.label("actor"),
    "ip": sa.case((_IS_THEIRS, _log.c.ip), else_="").label("ip"),
    "user_agent": sa.case((_IS_THEIRS, _log.c.user_agent), else_="").label("user_agent"),
}
"""What a record says to whom it concerns of who did it: of anybody else neither id nor address nor browser.

The trail has these as they were (``docs/audit.md``). A service token is an administrator as a person is one.
"""


class Kind(enum.StrEnum):
    """What a person may want to see alone."""

    LOGINS = "logins"
    CHANGES = "changes"
    APPLICATIONS = "applications"
    REFUSED = "refused"


EVENTS: Final[dict[Kind, frozenset[Event]]] = {
    Kind.LOGINS: frozenset(
        {
            Event.LOGIN_SUCCEEDED,
            Event.LOGIN_FAILED,
            Event.DEVICE_ADDED,
            Event.SESSION_ENDED,
            Event.ACTING_STARTED,
            Event.ACTING_REFUSED,
            Event.ACTING_ENDED,
        }
    ),
    Kind.CHANGES: frozenset(
        {
            Event.ACCOUNT_REGISTERED,
            Event.ACCOUNT_CREATED,
            Event.ACCOUNT_IMPORTED,
            Event.ACCOUNT_INVITED,
            Event.ACCOUNT_DISABLED,
            Event.ACCOUNT_ENABLED,
            Event.ACCOUNT_CHANGED,
            Event.ROLE_SET,
            Event.GROUP_JOINED,
            Event.GROUP_LEFT,
            Event.PRIMARY_GROUP_SET,
            Event.PASSWORD_SET,
            Event.PASSWORD_CHANGED,
            Event.PASSWORD_RESET_REQUESTED,
            Event.PASSWORD_RESET,
            Event.PASSWORD_CONFIRMED,
            Event.EMAIL_CONFIRMED,
            Event.EMAIL_VERIFIED,
            Event.EMAIL_CHANGE_REQUESTED,
            Event.EMAIL_CHANGED,
            Event.EMAIL_RESTORED,
            Event.PROFILE_CHANGED,
            Event.PHOTO_CHANGED,
            Event.PHOTO_REMOVED,
            Event.ACCOUNT_EXPORTED,
            Event.DELETION_REQUESTED,
            Event.DELETION_CANCELLED,
            Event.ACCOUNT_DELETED,
            Event.ACCOUNT_DISPLACED,
            Event.IDENTITY_LINKED,
            Event.IDENTITY_UNLINKED,
            Event.IDENTITY_CONFIRMED,
            Event.IDENTITY_REFUSED,
            Event.PLAN_SET,
            Event.PLAN_BILLED,
            Event.OVERRIDE_SET,
            Event.OVERRIDE_ENDED,
            Event.QUOTA_RESET,
            Event.KEY_CREATED,
            Event.KEY_ROTATED,
            Event.KEY_RETIRED,
            Event.KEY_EXPIRED,
            Event.DELIVERY_RETRIED,
            Event.DELIVERY_DROPPED,
            Event.DELIVERY_TESTED,
            Event.PROVIDER_TESTED,
            Event.AUDIT_READ,
            Event.AUDIT_EXPORTED,
        }
    ),
    Kind.APPLICATIONS: frozenset(
        {
            Event.ACTING_USED,
            Event.CONSENT_GRANTED,
            Event.CONSENT_DENIED,
            Event.CONSENT_WITHDRAWN,
            Event.CODE_REDEEMED,
            Event.CODE_REUSED,
            Event.CODE_FOREIGN,
            Event.REFRESH_REUSED,
            Event.REFRESH_FOREIGN,
            Event.TOKEN_REVOKED,
            Event.TOKEN_PREVIEWED,
            Event.CLIENT_CHANGED,
        }
    ),
}
"""Which events are of a kind, each of one; what was refused is of its kind and of :attr:`Kind.REFUSED`."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One thing that happened; ``event`` is a value of :class:`app.services.record.audit.Event`.

    ``actor`` is the person, :data:`OPERATOR`, :data:`ADMINISTRATOR` or one of :data:`BY_ITSELF`; address and browser
    are empty unless it is the person (:data:`TOLD`).
    """

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
    *TOLD.values(),
    _log.c.details,
    _log.c.created_at,
)


class Activity:
    """Reads audit records of one person."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def latest(self, user_id: str, event: Event) -> Occurrence | None:
        """The last time something went well."""
        found = self._place(user_id).where(_log.c.action == event.value, _log.c.success).limit(1)
        row = self.db.session.execute(_told(found)).first()
        return None if row is None else Occurrence(*row)

    def page(
        self, user_id: str, *, limit: int = 50, after: str | None = None, kind: Kind | None = None
    ) -> ActivityPage:
        """The person's own records, the latest first, of one kind or all.

        Reads about as many records as it answers, however many the person has. Raises :class:`InvalidInput` for a
        cursor that is none.
        """
        place = self._place(user_id)
        if after:
            place = place.where(cursors.behind(after, _log.c.created_at, _log.c.id))
        if kind is Kind.REFUSED:
            place = place.where(sa.not_(_log.c.success))
        if kind in EVENTS:
            place = _latest_of(place, EVENTS[kind], limit + 1)
        found = [Occurrence(*row) for row in self.db.session.execute(_told(place.limit(limit + 1)))]
        items = found[:limit]
        following = cursors.written(items[-1].created_at, items[-1].id) if len(found) > limit else None
        return ActivityPage(items, following)

    def _place(self, user_id: str) -> "sa.Select[Any]":
        return (
            sa.select(_log.c.id, _log.c.created_at)
            .where(_log.c.user_id == user_id)
            .order_by(_log.c.created_at.desc(), _log.c.id.desc())
        )


def _latest_of(place: "sa.Select[Any]", events: Iterable[Event], limit: int) -> "sa.Select[Any]":
    """The latest of several events: those of each, which an index has in order, put together."""
    each = [place.where(_log.c.action == event.value).limit(limit).subquery() for event in sorted(events)]
    found = sa.union_all(*(sa.select(one.c.id, one.c.created_at) for one in each)).subquery()
    return sa.select(found.c.id, found.c.created_at).order_by(found.c.created_at.desc(), found.c.id.desc())


def _told(place: "sa.Select[Any]") -> "sa.Select[Any]":
    """What is on record there; only what is shown is read whole."""
    found = place.subquery()
    return (
        sa.select(*_COLUMNS)
        .select_from(found)
        .join(_log, _log.c.id == found.c.id)
        .outerjoin(_client, _client.c.client_id == _log.c.client_id)
        .order_by(_log.c.created_at.desc(), _log.c.id.desc())
    )
