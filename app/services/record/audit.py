"""The record of security-relevant actions, written in the transaction of the action itself."""

import enum
import logging
from collections.abc import Mapping, Sequence
from typing import cast

import sqlalchemy as sa

from app.models import AuditLog, new_id
from app.services.foundation.environment import NOBODY, Caller, Clock, Database
from app.services.foundation.statements import Statement
from app.services.record.parts import parts_of
from app.services.record.tally import Fact, Happening, Tally

logger = logging.getLogger("portal.audit")
_TABLE = cast(sa.Table, AuditLog.__table__)
_INSERT = Statement(sa.insert(_TABLE), [column.name for column in _TABLE.columns])


class Event(enum.StrEnum):
    """Everything that is recorded; add an event by adding a member."""

    ACCOUNT_REGISTERED = "account:registered"
    ACCOUNT_CREATED = "account:created"
    ACCOUNT_IMPORTED = "account:imported"
    ACCOUNT_INVITED = "account:invited"
    ACCOUNT_DISABLED = "account:disabled"
    ACCOUNT_ENABLED = "account:enabled"
    ACCOUNT_CHANGED = "account:changed"
    ROLE_SET = "account:role:set"
    GROUP_JOINED = "account:group:joined"
    GROUP_LEFT = "account:group:left"
    PRIMARY_GROUP_SET = "account:group:primary"
    PASSWORD_SET = "account:password:set"  # noqa: S105
    PASSWORD_CHANGED = "account:password:changed"  # noqa: S105
    PASSWORD_RESET_REQUESTED = "account:password:reset_requested"  # noqa: S105
    PASSWORD_RESET = "account:password:reset"  # noqa: S105
    PASSWORD_CONFIRMED = "account:password:confirmed"  # noqa: S105
    EMAIL_CONFIRMED = "account:email:confirmed"
    EMAIL_VERIFIED = "account:email:verified"
    EMAIL_CHANGE_REQUESTED = "account:email:change_requested"
    EMAIL_CHANGED = "account:email:changed"
    EMAIL_RESTORED = "account:email:restored"
    DEVICE_ADDED = "account:device:added"
    PROFILE_CHANGED = "account:profile:changed"
    PHOTO_CHANGED = "account:photo:changed"
    PHOTO_REMOVED = "account:photo:removed"
    ACCOUNT_EXPORTED = "account:exported"
    DELETION_REQUESTED = "account:deletion:requested"
    DELETION_CANCELLED = "account:deletion:cancelled"
    ACCOUNT_DELETED = "account:deleted"
    ACCOUNT_DISPLACED = "account:displaced"
    IDENTITY_LINKED = "account:identity:linked"
    IDENTITY_UNLINKED = "account:identity:unlinked"
    IDENTITY_CONFIRMED = "account:identity:confirmed"
    IDENTITY_REFUSED = "account:identity:refused"
    PLAN_SET = "account:plan:set"
    PLAN_BILLED = "account:plan:billed"
    OVERRIDE_SET = "account:plan:override_set"
    OVERRIDE_ENDED = "account:plan:override_ended"
    QUOTA_RESET = "account:quota:reset"
    LOGIN_SUCCEEDED = "account:login:succeeded"
    LOGIN_FAILED = "account:login:failed"
    SESSION_ENDED = "session:ended"
    PEOPLE_IMPORTED = "people:imported"
    ACTING_STARTED = "acting:started"
    ACTING_USED = "acting:used"
    ACTING_REFUSED = "acting:refused"
    ACTING_ENDED = "acting:ended"
    CONSENT_GRANTED = "consent:granted"
    CONSENT_DENIED = "consent:denied"
    CONSENT_WITHDRAWN = "consent:withdrawn"
    CODE_REDEEMED = "oauth:code:redeemed"
    CODE_REUSED = "oauth:code:reused"
    CODE_FOREIGN = "oauth:code:foreign_client"
    REFRESH_REUSED = "oauth:refresh:reused"
    REFRESH_FOREIGN = "oauth:refresh:foreign_client"
    TOKEN_REVOKED = "oauth:token:revoked"  # noqa: S105
    SERVICE_TOKEN_ISSUED = "oauth:service_token:issued"  # noqa: S105
    TOKEN_PREVIEWED = "oauth:token:previewed"  # noqa: S105
    CLIENT_AUTHENTICATION_FAILED = "oauth:client:authentication_failed"
    CLIENT_CREATED = "client:created"
    CLIENT_CHANGED = "client:changed"
    CLIENT_DISABLED = "client:disabled"
    CLIENT_ENABLED = "client:enabled"
    CLIENT_DELETED = "client:deleted"
    CLIENT_SECRET_ROTATED = "client:secret_rotated"  # noqa: S105
    CLIENT_SECRET_ENDED = "client:secret_ended"  # noqa: S105
    SCOPE_ADDED = "scope:added"
    SCOPE_WORDED = "scope:worded"
    SCOPE_REMOVED = "scope:removed"
    PERMISSION_DECLARED = "permission:declared"
    PERMISSION_REMOVED = "permission:removed"
    ROLE_CREATED = "role:created"
    ROLE_CHANGED = "role:changed"
    ROLE_DELETED = "role:deleted"
    GROUP_CREATED = "group:created"
    GROUP_CHANGED = "group:changed"
    GROUP_DELETED = "group:deleted"
    PLAN_LIMIT_SET = "plan:limit_set"
    BILLING_IGNORED = "billing:ignored"
    KEY_CREATED = "key:created"
    KEY_ROTATED = "key:rotated"
    KEY_RETIRED = "key:retired"
    KEY_EXPIRED = "key:expired"
    KEYS_RESEALED = "key:resealed"
    AUDIT_READ = "audit:read"
    AUDIT_EXPORTED = "audit:exported"
    AUDIT_TRIMMED = "audit:trimmed"
    AUDIT_KEY_CREATED = "audit:key:created"
    AUDIT_KEY_ROTATED = "audit:key:rotated"
    SELFCHECK_RUN = "selfcheck:run"
    DELIVERY_RETRIED = "delivery:retried"
    DELIVERY_DROPPED = "delivery:dropped"
    DELIVERY_TESTED = "delivery:tested"
    PROVIDER_TESTED = "provider:tested"


ROUTINE = frozenset({Event.CODE_REDEEMED, Event.SERVICE_TOKEN_ISSUED})
"""Goes on record thousands of times an hour; the log has the line of the request already, and tokens are counted."""

REQUEST = "request"
"""The detail that names the request in which something was recorded, as its log lines and ``X-Request-ID`` do."""


class Audit:
    """Writes audit rows and their log lines, and tells who counts."""

    def __init__(self, db: Database, clock: Clock, tally: Tally) -> None:
        self.db = db
        self.clock = clock
        self.tally = tally

    def record(
        self,
        event: Event,
        caller: Caller = NOBODY,
        *,
        user_id: str | None = None,
        client_id: str | None = None,
        error: str | None = None,
        is_alone: bool = False,
        **details: str | int | bool | None,
    ) -> str:
        """Add one row to the current transaction. ``error`` marks a failure; ``details`` must hold no secret.

        ``is_alone`` says that nothing else is written with it. Answers the id of the row. Raises
        :class:`app.errors.OutOfPower` for what the caller's powers do not cover, so that nothing of it stays.
        """
        if caller.powers is not None:
            caller.powers.require(*parts_of(event))
        write = _INSERT.run_alone if is_alone else _INSERT.run_later
        record_id, user_id = new_id(), user_id or caller.user_id or None
        if caller.request_id:
            details[REQUEST] = caller.request_id
        write(
            self.db,
            id=record_id,
            action=event.value,
            client_id=client_id,
            user_id=user_id,
            actor=caller.actor or user_id or client_id or "",
            success=error is None,
            error_code=error,
            ip=caller.ip_address,
            user_agent=caller.user_agent,
            details=details,
            created_at=self.clock(),
        )
        if event not in ROUTINE:
            self.tally.count_if_kept(_counted(event, error, details))
            logger.info(event.value, extra={"client_id": client_id, "user_id": user_id, "error": error})
        return record_id

    def record_refusal(
        self,
        event: Event,
        caller: Caller = NOBODY,
        *,
        error: str,
        user_id: str | None = None,
        client_id: str | None = None,
        **details: str | int | bool | None,
    ) -> None:
        """Record a failure and commit by itself: the refusal rolls its request back, its trace must stay."""
        self.record(event, caller, user_id=user_id, client_id=client_id, error=error, is_alone=True, **details)
        self.db.commit()


def _counted(event: Event, error: str | None, details: Mapping[str, str | int | bool | None]) -> Sequence[Happening]:
    """What an entry means to who counts."""
    if error is None and (known := _PLAIN.get(event)):
        return known
    found: list[Happening] = [(Fact.EVENT, (event.value, error or "ok"), 1)]
    if event in _LOGINS:
        found.append((Fact.LOGIN, (str(details.get("provider", "password")), error or "succeeded"), 1))
    elif event is Event.SESSION_ENDED:
        reason, sessions = str(details.get("reason") or "unknown"), int(details.get("sessions") or 1)
        found.append((Fact.SESSION_ENDED, (reason,), sessions))
    elif event in _REFRESHES:
        found.append((Fact.REFRESH, (_REFRESHES[event],), 1))
    return found


_LOGINS = frozenset({Event.LOGIN_SUCCEEDED, Event.LOGIN_FAILED})
_REFRESHES = {Event.REFRESH_REUSED: "reused", Event.REFRESH_FOREIGN: "foreign"}
_PLAIN: dict[Event, Sequence[Happening]] = {
    event: ((Fact.EVENT, (event.value, "ok"), 1),) for event in set(Event) - _LOGINS - {Event.SESSION_ENDED}
}
"""What it means when it succeeded, of those of which nothing else has to be known."""
