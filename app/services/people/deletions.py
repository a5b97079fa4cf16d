"""The end of an account: asked for, taken back within some days, or carried out. Audit records stay, without a trace of
the person in them but the id, which then names nobody.
"""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import cast

import sqlalchemy as sa

from app.errors import InvalidInput, NotFound, sentence
from app.models import (
    AuthorizationCode,
    Consent,
    Delivery,
    Interaction,
    TokenFamily,
    User,
    UserSession,
)
from app.services.delivery.mail import MAIL, Mail
from app.services.foundation.environment import Caller, Clock, Database
from app.services.foundation.person import Person, lock_person
from app.services.people.email_names import fold
from app.services.photos.photos import Photos
from app.services.record.audit import Audit, Event
from app.services.record.chain import Chain
from app.services.revocation.revocations import Revocations
from app.services.sessions.sessions import Sessions
from app.services.tenancy.administrators import Administrators

BATCH = 100
DELETER = Caller(actor="deletion")
_user = cast(sa.Table, User.__table__)
_consent = cast(sa.Table, Consent.__table__)
_session = cast(sa.Table, UserSession.__table__)
_family = cast(sa.Table, TokenFamily.__table__)
_code = cast(sa.Table, AuthorizationCode.__table__)
_interaction = cast(sa.Table, Interaction.__table__)
_delivery = cast(sa.Table, Delivery.__table__)
_SESSIONS_OF_REQUESTS = (
    _interaction.c.authenticated_session_id,
    _interaction.c.selected_session_id,
    _interaction.c.consented_session_id,
    _interaction.c.denied_session_id,
)
logger = logging.getLogger("portal.deletions")


class Deletions:
    """Schedules, cancels and carries out deletions; ``cooling_off`` of zero deletes at once."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        audit: Audit,
        chain: Chain,
        administrators: Administrators,
        sessions: Sessions,
        revocations: Revocations,
        photos: Photos,
        mail: Mail,
        cooling_off: timedelta,
        link: str,
    ) -> None:
        self.db = db
        self.clock = clock
        self.audit = audit
        self.chain = chain
        self.administrators = administrators
        self.sessions = sessions
        self.revocations = revocations
        self.photos = photos
        self.mail = mail
        self.cooling_off = cooling_off
        self.link = link
        self._attendants: list[Callable[[str], None]] = []

    def attend(self, action: Callable[[str], None]) -> None:
        """Have ``action`` called with the id of whoever is removed, in that transaction, before their rows go."""
        self._attendants.append(action)

    def request(self, user_id: str, typed_email: str, caller: Caller, *, keep_session_id: str | None) -> bool:
        """Schedule the end of an account; answers whether it is gone already, which is so without a cooling-off.

        What is signed in elsewhere, every token and every consent ends now. Raises :class:`InvalidInput` unless the
        account's own address was typed, and for the last administrator.
        """
        is_last = self.administrators.is_last(user_id)
        person = self._locked(user_id)
        if fold(typed_email) != person.email:
            raise InvalidInput(sentence("This is not the e-mail address of your account."), "email")
        if is_last:
            raise InvalidInput(sentence("You are the only administrator. Make somebody else one first."), "email")
        if not self.cooling_off:
            self._close(user_id)
            self._remove(person)
            return True
        if person.deletes_at is None:
            self._schedule(person, caller, keep_session_id)
        return False

    def cancel(self, user_id: str, caller: Caller) -> bool:
        """Keep the account after all; answers whether it was to be deleted."""
        person = self._locked(user_id)
        if person.deletes_at is None:
            return False
        self._update(user_id, deletion_requested_at=None, deletes_at=None)
        self.audit.record(Event.DELETION_CANCELLED, caller, user_id=user_id)
        self.mail.send("deletion_cancelled", person)
        return True

    def delete(self, user_id: str, caller: Caller) -> None:
        """Delete an account now, by an operator's hand; raises :class:`InvalidInput` for the last administrator.

        It is closed in a transaction of its own first, so that nothing new can begin while its rows go. Commits.
        """
        self.administrators.require_another(user_id)
        person = self._locked(user_id)
        self._close(user_id)
        self.db.commit()
        self._remove(person, caller)
        self.db.commit()

    def run(self) -> int:
        """Delete the accounts whose day has come, each by itself; answers how many. Commits."""
        deleted, after = 0, ""
        due = sa.select(_user.c.id).where(_user.c.deletes_at <= self.clock()).order_by(_user.c.id).limit(BATCH)
        while ids := list(self.db.session.scalars(due.where(_user.c.id > after))):
            self.db.rollback()
            deleted += sum(self._delete_due(user_id) for user_id in ids)
            after = ids[-1]
        self.db.rollback()
        return deleted

    def _delete_due(self, user_id: str) -> bool:
        """Delete one account, unless it was kept a moment ago or nobody could administer the platform any more.

        It is closed in a transaction of its own first, so that nothing new can begin while its rows go.
        """
        is_last = self.administrators.is_last(user_id)
        person = lock_person(self.db, user_id)
        is_due = person is not None and person.deletes_at is not None and person.deletes_at <= self.clock()
        if person is None or not is_due or is_last:
            self.db.rollback()
            if is_due:
                logger.warning("deletion_waits", extra={"user_id": user_id, "reason": "last_administrator"})
            return False
        self._close(user_id)
        self.db.commit()
        self._remove(person)
        self.db.commit()
        return True

    def _schedule(self, person: Person, caller: Caller, keep_session_id: str | None) -> None:
        now = self.clock()
        deletes_at = now + self.cooling_off
        self._update(person.id, deletion_requested_at=now, deletes_at=deletes_at)
        self.sessions.end_all(person.id, "deletion_requested", caller, except_id=keep_session_id)
        self.revocations.end_user(person.id, "deletion_requested", caller)
        self._withdraw_consents(person.id, caller)
        self.audit.record(Event.DELETION_REQUESTED, caller, user_id=person.id)
        self.mail.send("deletion_requested", person, deletes_at=deletes_at, link=self.link)

    def _close(self, user_id: str) -> None:
        """End whatever the person could still act by: tokens are denied before their rows go."""
        self._update(user_id, is_active=False)
        self.sessions.end_everything(user_id, "account_deleted", DELETER)

    def _remove(self, person: Person, caller: Caller = DELETER) -> None:
        """Take the person out of every table; the database's own rules do so for what is not named here."""
        execute, is_theirs = self.db.session.execute, person.id
        own_sessions = sa.select(_session.c.id).where(_session.c.user_id == is_theirs)
        execute(sa.delete(_interaction).where(sa.or_(*(column.in_(own_sessions) for column in _SESSIONS_OF_REQUESTS))))
        for act in self._attendants:
            act(is_theirs)
        for table in (_family, _code, _session):
            execute(sa.delete(table).where(table.c.user_id == is_theirs))
        self.photos.drop(is_theirs)
        execute(sa.delete(_delivery).where(_delivery.c.user_id == is_theirs, _delivery.c.kind == MAIL))
        self.chain.erase(is_theirs, caller)
        execute(sa.delete(_user).where(_user.c.id == is_theirs))
        self.mail.send("account_deleted", person)

    def _withdraw_consents(self, user_id: str, caller: Caller) -> None:
        clients = self.db.session.scalars(
            sa.update(_consent)
            .where(_consent.c.user_id == user_id, _consent.c.withdrawn_at.is_(None))
            .values(withdrawn_at=self.clock())
            .returning(_consent.c.client_id)
        ).all()
        for client_id in clients:
            self.audit.record(Event.CONSENT_WITHDRAWN, caller, user_id=user_id, client_id=client_id)

    def _locked(self, user_id: str) -> Person:
        person = lock_person(self.db, user_id)
        if person is None:
            raise NotFound
        return person

    def _update(self, user_id: str, **values: object) -> None:
        self.db.session.execute(sa.update(_user).where(_user.c.id == user_id).values(updated_at=self.clock(), **values))
