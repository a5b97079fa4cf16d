"""Why something came about: what is on record about a request, a session, a grant or a person, in its order.

Sentences are English, as all that operators read on a terminal or programs read from the API.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa

from app.errors import NotFound
from app.models import AuditLog, TokenFamily, UserSession
from app.services.foundation.environment import Caller, Clock, Database
from app.services.people.accounts import Accounts
from app.services.record.audit import REQUEST, Audit, Event
from app.services.sessions.policy import SessionPolicy

MOST, LONGEST = 1000, 254
LOOKED_BACK = timedelta(days=30)
"""Requests are looked for in records of so many days: none is found by its id without a look at each."""
_log = cast(sa.Table, AuditLog.__table__)
_session = cast(sa.Table, UserSession.__table__)
_family = cast(sa.Table, TokenFamily.__table__)
ENDINGS: dict[str, str] = {
    "account_deleted": "the account was deleted",
    "account_disabled": "the account was disabled",
    "account_displaced": "somebody else proved the e-mail address of the account",
    "acting_ended": "the administrator who acted as the person was done",
    "acting_not_allowed": "the administrator may act as the person no more",
    "acting_replaced": "the administrator began anew to act as somebody",
    "address_proven": "the e-mail address was proven for the first time",
    "administrator_disabled": "the administrator who acted as the person was disabled",
    "administrator_left": "the session out of which an administrator acted as the person ended",
    "administrator_role": "who acted as the person administers no more",
    "client_changed": "the application was set up anew",
    "client_deleted": "the application was removed",
    "client_disabled": "the application was disabled",
    "code_reused": "the code of this login was presented a second time, so it may be stolen",
    "consent_withdrawn": "the person took the application's access back",
    "deletion_requested": "the person asked for the deletion of the account",
    "email_restored": "a change of the e-mail address was undone from the first mailbox",
    "ended_by_administrator": "an administrator ended it by the service API",
    "ended_by_operator": "an operator ended it on the command line",
    "ended_by_person": "the person ended it from another device, on the page of the devices",
    "expired": "the time was over for which an administrator acted as the person",
    "identity_unlinked": "the login of another provider was unlinked",
    "identity_unlinked_outside": "the link was ended at the other provider",
    "logout": "the person logged out, here or at an application",
    "logout_everywhere": "the person logged out everywhere",
    "password_changed": "the password was changed",
    "password_reset": "a new password was set by a mailed link",
    "refresh_reused": "a refresh token that was replaced before was used again, so it may be stolen",
    "replaced": "somebody else logged in in the same browser",
    "revoked_by_administrator": "an administrator revoked it by the service API",
    "revoked_by_client": "the application revoked its token",
    "revoked_by_operator": "an operator revoked it on the command line",
    "role_changed": "the person's role was changed",
    "group_changed": "another group became the person's primary one",
}
"""Why sessions and grants end."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One thing that was decided, when, by whom and in which request."""

    at: datetime
    what: str
    by: str
    success: bool
    reason: str
    sentence: str
    client_id: str | None
    user_id: str | None
    session_id: str | None
    grant_id: str | None
    request_id: str | None


@dataclass(frozen=True, slots=True)
class Trace:
    """What is on record about one thing; ``why`` says why it is over, if it is."""

    kind: str
    id: str
    why: list[str]
    decisions: list[Decision]


class Traces:
    """Puts traces together."""

    def __init__(self, db: Database, clock: Clock, audit: Audit, accounts: Accounts, policy: SessionPolicy) -> None:
        self.db = db
        self.clock = clock
        self.audit = audit
        self.accounts = accounts
        self.policy = policy

    def about(self, subject: str, caller: Caller) -> Trace:
        """The trace of the request, session, grant or person of that id, or of the person of that e-mail.

        Goes on record. Raises :class:`NotFound` where nothing is known of it.
        """
        is_name = subject.isprintable() and len(subject) <= LONGEST
        found = (self._of_row(subject) or self._of_person(subject) or self._of_request(subject)) if is_name else None
        if found is None:
            raise NotFound("There is no request, session, grant or account of that name.")
        self.audit.record(Event.AUDIT_READ, caller, trace=found.kind, of=found.id, count=len(found.decisions))
        return found

    def _of_row(self, subject: str) -> Trace | None:
        """Of a session or a grant."""
        if (row_id := _as_id(subject)) is None:
            return None
        session = self.db.session.execute(sa.select(_session).where(_session.c.id == row_id)).first()
        if session is not None:
            families = self._families(_family.c.session_id == row_id)
            decisions = self._recorded(session, {row_id}, families)
            return Trace("session", row_id, self._why_session(session), _ordered(decisions, [session], families))
        families = self._families(_family.c.id == row_id)
        if not families:
            return None
        (family,) = families
        session = self.db.session.execute(sa.select(_session).where(_session.c.id == family.session_id)).first()
        decisions = self._recorded(family, {session.id} if session else set(), families)
        why = self._why_family(family, session)
        return Trace("grant", row_id, why, _ordered(decisions, [session] if session else [], families))

    def _of_request(self, subject: str) -> Trace | None:
        since = self.clock() - LOOKED_BACK
        is_of_it = sa.and_(_log.c.created_at >= since, _log.c.details[REQUEST].as_string() == subject)
        rows = self._rows(is_of_it)
        return Trace("request", subject, [], [_recorded(row) for row in rows]) if rows else None

    def _of_person(self, subject: str) -> Trace | None:
        try:
            user_id = self.accounts.find(subject).id
        except NotFound:
            return None
        sessions = list(self.db.session.execute(sa.select(_session).where(_session.c.user_id == user_id).limit(MOST)))
        decisions = [_recorded(row) for row in self._rows(_log.c.user_id == user_id)]
        families = self._families(_family.c.user_id == user_id)
        return Trace("person", user_id, [], _ordered(decisions, sessions, families))

    def _families(self, condition: sa.ColumnElement[bool]) -> list[Any]:
        return list(self.db.session.execute(sa.select(_family).where(condition).limit(MOST)))

    def _rows(self, condition: sa.ColumnElement[bool]) -> list[Any]:
        """Records, the last ones where there are very many."""
        latest = sa.select(_log).where(condition).order_by(_log.c.created_at.desc(), _log.c.id.desc()).limit(MOST)
        return list(reversed(self.db.session.execute(latest).all()))

    def _recorded(self, of: Any, sessions: set[str], families: list[Any]) -> list[Decision]:
        """What is on record about a session and what came of it, among the records of its person."""
        rows = self._rows(sa.and_(_log.c.user_id == of.user_id, _log.c.created_at >= of.created_at))
        ids, clients = {family.id for family in families}, {family.client_id for family in families}
        return [_recorded(row) for row in rows if _is_about(row, sessions, ids, clients)]

    def _why_session(self, row: Any) -> list[str]:
        now = self.clock()
        if row.ended_at is not None:
            return [f"The session ended because {_because(row.end_reason)}."]
        if self.policy.is_open(row, now):
            return ["The session is open."]
        end = self.policy.end_of(row.authenticated_at, row.expires_at, is_remembered=row.is_remembered)
        if end <= now:
            return ["The session expired: its longest life was over."]
        return ["The session expired: it was not used for too long."]

    def _why_family(self, family: Any, session: Any) -> list[str]:
        if family.revoked_at is not None:
            said = [f"The grant ended because {_because(family.revoke_reason)}."]
        elif family.expires_at <= self.clock():
            said = ["The grant expired: its longest life was over."]
        else:
            said = ["Nobody ended the grant."]
        return said + (self._why_session(session) if session else [])


def _because(reason: str | None) -> str:
    return ENDINGS.get(reason or "", f"of «{reason}»")


def _as_id(subject: str) -> str | None:
    """An id of a row, as it is kept."""
    try:
        return str(UUID(subject)) if len(subject) == 36 else None
    except ValueError:
        return None


def _is_about(row: Any, sessions: set[str], families: set[str], clients: set[str]) -> bool:
    details: Mapping[str, Any] = row.details
    if "session" in details or "family" in details:
        return details.get("session") in sessions or details.get("family") in families
    if row.client_id is not None:
        return row.client_id in clients
    # All sessions of a person end in one record.
    return bool(row.action == Event.SESSION_ENDED)


def _recorded(row: Any) -> Decision:
    details: Mapping[str, Any] = row.details
    reason = str(details.get("reason") or row.error_code or "")
    return Decision(
        at=row.created_at,
        what=row.action,
        by=row.actor,
        success=row.success,
        reason=reason,
        sentence=f"Because {ENDINGS[reason]}." if reason in ENDINGS else "",
        client_id=row.client_id,
        user_id=row.user_id,
        session_id=details.get("session"),
        grant_id=details.get("family"),
        request_id=details.get(REQUEST),
    )


def _ordered(decisions: list[Decision], sessions: list[Any], families: list[Any]) -> list[Decision]:
    """The records together with what the rows of sessions and grants say of their beginning and end."""
    told = [*decisions]
    for row in sessions:
        ids = {"session_id": row.id, "user_id": row.user_id}
        told += _span("session", row.created_at, row.ended_at, row.end_reason, ids)
    for row in families:
        ids = {"session_id": row.session_id, "grant_id": row.id, "user_id": row.user_id, "client_id": row.client_id}
        told += _span("grant", row.created_at, row.revoked_at, row.revoke_reason, ids)
    return sorted(told, key=lambda each: each.at)[-MOST:]


def _span(
    what: str, begun_at: datetime, ended_at: datetime | None, reason: str | None, ids: dict[str, str | None]
) -> list[Decision]:
    empty: dict[str, Any] = dict.fromkeys(("client_id", "user_id", "session_id", "grant_id", "request_id"))
    same = {**empty, **ids, "by": "", "success": True}
    said = [Decision(at=begun_at, what=f"{what} began", reason="", sentence="", **same)]
    if ended_at is not None:
        sentence = f"Because {_because(reason)}."
        said.append(Decision(at=ended_at, what=f"{what} ended", reason=reason or "", sentence=sentence, **same))
    return said
