"""A person's password: whether it is the right one, and all that follows from a new one."""

from typing import cast

import sqlalchemy as sa

from app.models import User
from app.services.delivery.mail import Mail
from app.services.foundation.environment import Caller, Clock, Database
from app.services.foundation.person import Person
from app.services.people.devices import Devices
from app.services.people.one_time_tokens import SET_PASSWORD, OneTimeTokens, Purpose
from app.services.people.passwords import LONGEST_TYPED, Passwords
from app.services.revocation.revocations import Revocations
from app.services.sessions.sessions import Sessions

_user = cast(sa.Table, User.__table__)


class Credentials:
    """Checks and replaces passwords."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        passwords: Passwords,
        sessions: Sessions,
        revocations: Revocations,
        tokens: OneTimeTokens,
        devices: Devices,
        mail: Mail,
    ) -> None:
        self.db = db
        self.clock = clock
        self.passwords = passwords
        self.sessions = sessions
        self.revocations = revocations
        self.tokens = tokens
        self.devices = devices
        self.mail = mail

    def matches(self, person: Person | None, password: str) -> bool:
        """Whether this is the person's password; takes as long when there is no such person or none was set."""
        # Hashing takes long; no transaction, and so no lock, may wait for it.
        self.db.rollback()
        stored = person.password_hash if person else None
        return len(password) <= LONGEST_TYPED and self.passwords.matches(stored, password)

    def hashed(self, new: str, *personal: str) -> str:
        """The hash of a new password; raises :class:`InvalidInput` (``field="password"``) for a weak one."""
        self.passwords.require_strength(new, *personal)
        self.db.rollback()
        return self.passwords.hash(new)

    def replace(
        self, person: Person, hashed: str, reason: str, caller: Caller, *, keep_session_id: str | None = None
    ) -> None:
        """Give the person a new password: what the old one opened ends, but for one session.

        Links to set a password or to change the address that were sent before are void: an intruder may have asked for
        them.
        """
        now = self.clock()
        self.db.session.execute(
            sa.update(_user)
            .where(_user.c.id == person.id)
            .values(password_hash=hashed, password_changed_at=now, updated_at=now)
        )
        self.tokens.void(person.id, *SET_PASSWORD, Purpose.CHANGE_EMAIL)
        if keep_session_id is None:
            self.sessions.end_everything(person.id, reason, caller)
            self.devices.forget(person.id)
        else:
            self.sessions.end_all(person.id, reason, caller, except_id=keep_session_id)
            self.revocations.end_sessions(person.id, reason, caller, except_id=keep_session_id)

    def tell(self, person: Person, caller: Caller) -> None:
        """Mail the person that the password is another one now."""
        self.mail.send("password_changed", person, by=caller)
