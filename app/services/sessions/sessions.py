"""Single sign-on sessions: the row is the truth, the cookie's value is kept as a hash only."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa

from app.errors import NotFound, sentence
from app.models import Client, TokenFamily, User, UserSession, new_id
from app.services.clients.clients import PORTAL
from app.services.delivery.logout_notices import LogoutNotices
from app.services.foundation import cursors
from app.services.foundation.environment import Caller, Clock, Database, random_token, sha256
from app.services.foundation.statements import Statement
from app.services.foundation.texts import shown
from app.services.record.audit import Audit, Event
from app.services.record.tally import Fact
from app.services.revocation.families import is_living
from app.services.revocation.revocations import Revocations
from app.services.sessions import acting_rules
from app.services.sessions.copies import SessionCopies
from app.services.sessions.policy import Acting, ActiveSession, SessionPolicy
from app.services.sessions.user_agents import device_name
from app.services.tenancy.turns import VERSION
from app.services.tokens.claims import SUBJECT_COLUMNS, Subject, subject_from, with_subject

TOUCH_AFTER = timedelta(seconds=60)
_session = cast(sa.Table, UserSession.__table__)
_family = cast(sa.Table, TokenFamily.__table__)
_client = cast(sa.Table, Client.__table__)
_user = cast(sa.Table, User.__table__)
_ROW = (
    _session.c.id,
    _session.c.is_remembered,
    _session.c.authenticated_at,
    _session.c.last_used_at,
    _session.c.expires_at,
    _session.c.ended_at,
    _session.c.acted_by,
    _session.c.acting_session_id,
)
_FIND = Statement(
    sa.select(*_ROW, *SUBJECT_COLUMNS, VERSION)
    .select_from(with_subject(_session, _session.c.user_id))
    .where(_session.c.token_hash == sa.bindparam("token_hash"))
)
# What a copy is held to.
_CHECK = Statement(
    sa.select(
        *_ROW,
        _user.c.id.label("subject_id"),
        _user.c.is_active.label("subject_is_active"),
        _user.c.updated_at.label("subject_updated_at"),
        VERSION,
    )
    .join(_user, _user.c.id == _session.c.user_id)
    .where(_session.c.token_hash == sa.bindparam("token_hash"))
)


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session as lists show it; ``apps`` are the names of the applications that hold tokens of it."""

    id: str
    device_name: str
    ip_address: str
    user_agent: str
    is_remembered: bool
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    access_count: int
    apps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SessionPage:
    """Some of a person's open sessions, how many there are in all, and what to ask for the next ones with."""

    items: list[OpenSession]
    total: int
    next: str | None


class Sessions:
    """Starts, finds and ends sessions."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        audit: Audit,
        revocations: Revocations,
        notices: LogoutNotices,
        policy: SessionPolicy,
        copies: SessionCopies | None = None,
    ) -> None:
        self.db = db
        self.clock = clock
        self.audit = audit
        self.revocations = revocations
        self.notices = notices
        self.policy = policy
        self.copies = copies

    def start(
        self,
        user_id: str,
        caller: Caller,
        *,
        remember: bool = False,
        replaces: ActiveSession | None = None,
        identity_id: str | None = None,
    ) -> tuple[str, str]:
        """Begin a session after a successful login; answers its public id and the cookie's value.

        ``identity_id`` is by which identity at a provider the person came in, if by one. The session of the same
        person that the browser held before goes on under the new value: its id, and all that hangs on it, stays, the
        old value is dead.
        """
        token, now = random_token(256), self.clock()
        is_remembered = self.policy.is_remembered(remember)
        values: dict[str, Any] = {
            "token_hash": sha256(token),
            "device_name": device_name(caller.user_agent),
            "ip_address": caller.ip_address,
            "user_agent": caller.user_agent,
            "is_remembered": is_remembered,
            "identity_id": identity_id,
            "authenticated_at": now,
            "last_used_at": now,
            "expires_at": now + (self.policy.remembered if is_remembered else self.policy.absolute),
        }
        if replaces and replaces.user_id == user_id and self._change(replaces.id, **values):
            self.audit.tally.count_if_kept([(Fact.SESSION_STARTED, ("renewed",), 1)])
            return replaces.id, token
        session_id = new_id()
        self.db.session.execute(
            sa.insert(_session).values(id=session_id, user_id=user_id, created_at=now, access_count=1, **values)
        )
        self.audit.tally.count_if_kept([(Fact.SESSION_STARTED, ("new",), 1)])
        return session_id, token

    def rotate(self, session: ActiveSession) -> str | None:
        """Give an open session a new cookie value, after which the old one is dead; None when it has ended."""
        token = random_token(256)
        return token if self._change(session.id, token_hash=sha256(token)) else None

    def resolve(self, token: str) -> ActiveSession | None:
        """The session a cookie's value names, if it has not ended, expired or idled out and the person is active."""
        token_hash = sha256(token)
        row, subject = self._copied(token_hash) if self.copies else (None, None)
        if row is None:
            row = _FIND.first(self.db, token_hash=token_hash, plan_at=self.clock())
        if row is None or not row.subject_is_active or not self.policy.is_open(row, self.clock()):
            return None
        acting = self._acting(row) if row.acted_by else None
        if row.acted_by and acting is None:
            return None
        if subject is None:
            subject = subject_from(row)
            if self.copies:
                self.copies.keep(token_hash, row.id, subject, row.subject_updated_at, row.tenancy_version)
        return ActiveSession(
            row.id,
            subject,
            row.authenticated_at,
            row.last_used_at,
            self.policy.is_remembered(row.is_remembered),
            self.policy.end_of(row.authenticated_at, row.expires_at, is_remembered=row.is_remembered),
            acting,
        )

    def _acting(self, row: Any) -> Acting | None:
        """By whom a person is acted as in a session; None where that is over."""
        name, over = acting_rules.administrator_of(self.db, row)
        if over or acting_rules.against(self.db, row.subject_id):
            return None
        return Acting(row.acted_by, name, row.acting_session_id, row.expires_at)

    def _copied(self, token_hash: str) -> tuple[Any, Subject | None]:
        """The row of a session as it is now and the copy of its person, if there is one that still holds."""
        copy = self.copies.find(token_hash) if self.copies else None
        row = _CHECK.first(self.db, token_hash=token_hash) if copy else None
        if row is None or copy is None:
            return None, None
        if (copy.updated_at, copy.version) != (row.subject_updated_at, row.tenancy_version):
            return None, None
        # Whoever writes to Redis cannot make copies, but could move them.
        is_its_own = (copy.session_id, copy.subject.id) == (row.id, row.subject_id)
        return (row, copy.subject) if is_its_own else (None, None)

    def needs_touch(self, session: ActiveSession) -> bool:
        """Whether the last use on record is old enough to be written anew."""
        return self.clock() - session.last_used_at >= TOUCH_AFTER

    def touch(self, session: ActiveSession) -> None:
        """Put the use of a session on record, which moves its idle end."""
        self.db.session.execute(
            sa.update(_session)
            .where(_session.c.id == session.id, _session.c.ended_at.is_(None))
            .values(last_used_at=self.clock(), access_count=_session.c.access_count + 1)
        )

    def end(self, session_id: str, reason: str, caller: Caller) -> bool:
        """End a session and all that hangs on it; answers whether it was still open."""
        row = self.db.session.execute(
            sa.update(_session)
            .where(_session.c.id == session_id, _session.c.ended_at.is_(None))
            .values(ended_at=self.clock(), end_reason=reason)
            .returning(_session.c.user_id, _session.c.acted_by)
        ).first()
        if row is None:
            return False
        self.notices.queue(session_id)
        self.revocations.end_session(session_id, reason, caller)
        event = Event.ACTING_ENDED if row.acted_by else Event.SESSION_ENDED
        self.audit.record(event, caller, user_id=row.user_id, reason=reason, session=session_id)
        self._end_acting(row.user_id, reason, caller, _session.c.acting_session_id == session_id)
        return True

    def end_all(self, user_id: str, reason: str, caller: Caller, *, except_id: str | None = None) -> int:
        """End every session of a person but one; answers how many, without those in which somebody acted."""
        self.notices.queue_all(user_id, except_id=except_id)
        is_other = _session.c.id != except_id if except_id else sa.true()
        rows = self.db.session.execute(
            sa.update(_session)
            .where(_session.c.user_id == user_id, _session.c.ended_at.is_(None), is_other)
            .values(ended_at=self.clock(), end_reason=reason)
            .returning(_session.c.id, _session.c.acted_by)
        ).all()
        acted = [row.id for row in rows if row.acted_by]
        if rows:
            self.revocations.end_sessions(user_id, reason, caller, except_id=except_id)
        for session_id in acted:
            self.audit.record(Event.ACTING_ENDED, caller, user_id=user_id, reason=reason, session=session_id)
        if ended := len(rows) - len(acted):
            self.audit.record(Event.SESSION_ENDED, caller, user_id=user_id, reason=reason, sessions=ended)
            kept = _session.c.acting_session_id != except_id if except_id else sa.true()
            self._end_acting(user_id, reason, caller, kept)
        return ended

    def _end_acting(self, user_id: str, reason: str, caller: Caller, condition: sa.ColumnElement[bool]) -> None:
        """What this person does as others is over with the session it was begun in."""
        is_theirs = sa.and_(_session.c.acted_by == user_id, _session.c.ended_at.is_(None), condition)
        theirs = sa.select(_session.c.id).where(is_theirs)
        by = replace(caller.unlocated(), actor=caller.actor or user_id, user_id="")
        with self.db.reaching_all():
            for session_id in self.db.session.scalars(theirs).all():
                self.end(session_id, acting_rules.ENDINGS.get(reason, acting_rules.LEFT), by)

    def end_everything(self, user_id: str, reason: str, caller: Caller) -> int:
        """End every session and every token of a person, whatever it hangs on; answers how many sessions."""
        ended = self.end_all(user_id, reason, caller)
        self.revocations.end_user(user_id, reason, caller)
        return ended

    def end_own(self, user_id: str, session_id: str, reason: str, caller: Caller) -> None:
        """End an open session of that very person, as :meth:`end` does; raises :class:`NotFound` for any other."""
        owned = sa.select(_session.c.id).where(
            _session.c.id == session_id, _session.c.user_id == user_id, self._is_signed_in()
        )
        if self.db.session.scalar(owned) is None or not self.end(session_id, reason, caller):
            raise NotFound(sentence("There is no open session of that id."))

    def authenticated_at(self, user_id: str, session_id: str) -> datetime | None:
        """When that very person last proved to be there in that session; None if it has ended or is another's."""
        row = self.db.session.execute(
            sa.select(_session.c.authenticated_at).where(
                _session.c.id == session_id, _session.c.user_id == user_id, _session.c.ended_at.is_(None)
            )
        ).first()
        return row.authenticated_at if row else None

    def find_own(self, user_id: str, session_id: str) -> OpenSession | None:
        """One of the sessions that :meth:`page` lists."""
        query = sa.select(_session).where(
            _session.c.id == session_id, _session.c.user_id == user_id, self._is_signed_in()
        )
        row = self.db.session.execute(query).first()
        return None if row is None else _shown(row, self._apps(query).get(row.id, ()), self.policy)

    def page(
        self, user_id: str, *, limit: int = 20, after: str | None = None, without: str | None = None
    ) -> SessionPage:
        """Where a person is signed in, the latest used first, ``limit`` at most; ``without`` leaves out one session.

        Besides sessions that are good, those that idled out or expired while an application still holds tokens of
        theirs: the person must be able to end these as well. ``after`` is the ``next`` of the page before; anything
        else raises :class:`InvalidInput`.
        """
        is_other = _session.c.id != without if without else sa.true()
        is_theirs = sa.and_(_session.c.user_id == user_id, is_other, self._is_signed_in())
        query = sa.select(_session).where(is_theirs)
        if after is not None:
            # Both columns fall, so that the index is read backwards and nothing is sorted.
            place = sa.tuple_(_session.c.last_used_at, _session.c.id)
            query = query.where(place < sa.tuple_(*map(sa.literal, cursors.read(after), _PLACE)))
        query = query.order_by(_session.c.last_used_at.desc(), _session.c.id.desc()).limit(limit)
        rows = self.db.session.execute(query.limit(limit + 1)).all()
        total = self.db.session.scalar(sa.select(sa.func.count()).select_from(_session).where(is_theirs)) or 0
        apps = self._apps(query)
        items = [_shown(row, apps.get(row.id, ()), self.policy) for row in rows[:limit]]
        return SessionPage(
            items,
            total,
            cursors.written(rows[limit - 1].last_used_at, rows[limit - 1].id) if len(rows) > limit else None,
        )

    def _is_signed_in(self) -> sa.ColumnElement[bool]:
        now = self.clock()
        holds_tokens = sa.exists().where(_family.c.session_id == _session.c.id, is_living(now)).correlate(_session)
        return sa.and_(_session.c.ended_at.is_(None), sa.or_(self.policy.open_rows(now), holds_tokens))

    def _apps(self, page: "sa.Select[Any]") -> dict[str, tuple[str, ...]]:
        """The names of applications other than the portal with tokens of the sessions of a page, by session."""
        of_page = page.with_only_columns(_session.c.id).subquery()
        rows = self.db.session.execute(
            sa.select(_family.c.session_id, _client.c.name, _client.c.client_id)
            .join(of_page, of_page.c.id == _family.c.session_id)
            .join(_client, _client.c.client_id == _family.c.client_id)
            .where(is_living(self.clock()), _family.c.client_id != PORTAL)
            .distinct()
            .order_by(_client.c.name)
        )
        found: dict[str, tuple[str, ...]] = {}
        for session_id, name, client_id in rows:
            found[session_id] = (*found.get(session_id, ()), shown(name) or client_id)
        return found

    def _change(self, session_id: str, **values: object) -> bool:
        """Change the row of a session that has not ended; answers whether there was one."""
        changed = self.db.session.execute(
            sa.update(_session).where(_session.c.id == session_id, _session.c.ended_at.is_(None)).values(values)
        )
        return bool(cast(Any, changed).rowcount)

    def user_of(self, session_id: str) -> str | None:
        """Whose session it is, ended or not."""
        return self.db.session.scalar(sa.select(_session.c.user_id).where(_session.c.id == session_id))


_PLACE = (_session.c.last_used_at.type, _session.c.id.type)


def _shown(row: Any, apps: tuple[str, ...], policy: SessionPolicy) -> OpenSession:
    return OpenSession(
        id=row.id,
        device_name=row.device_name or device_name(row.user_agent),
        ip_address=row.ip_address,
        user_agent=row.user_agent,
        is_remembered=policy.is_remembered(row.is_remembered),
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        expires_at=policy.end_of(row.authenticated_at, row.expires_at, is_remembered=row.is_remembered),
        access_count=row.access_count,
        apps=apps,
    )
