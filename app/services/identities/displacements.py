"""Addresses that were never proven give way to whoever proves them.

Anybody may register with anybody's address. Whoever holds the mailbox gets an account of their own, never the one that
waited under their address with a password somebody else may know (pre-hijacking).
"""

from datetime import timedelta
from typing import cast

import sqlalchemy as sa

from app.models import Identity, User
from app.services.delivery.mail import Mail
from app.services.foundation.environment import Caller, Clock, Database
from app.services.foundation.person import Person
from app.services.people.devices import Devices
from app.services.people.one_time_tokens import OneTimeTokens, Purpose
from app.services.record.audit import Audit, Event
from app.services.sessions.sessions import Sessions
from app.services.tenancy.administrators import Administrators

KEPT = timedelta(days=30)
"""In which an operator can bring the account back, should it have been somebody's after all."""
NOWHERE = "displaced.invalid"
"""No mail goes there (:rfc:`2606#section-2`)."""
_user = cast(sa.Table, User.__table__)
_identity = cast(sa.Table, Identity.__table__)


class Displacements:
    """Takes an address from an account that never proved it."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        audit: Audit,
        administrators: Administrators,
        sessions: Sessions,
        tokens: OneTimeTokens,
        devices: Devices,
        mail: Mail,
    ) -> None:
        self.db = db
        self.clock = clock
        self.audit = audit
        self.administrators = administrators
        self.sessions = sessions
        self.tokens = tokens
        self.devices = devices
        self.mail = mail

    def may_displace(self, holder: Person) -> bool:
        """Whether the account gives its address up: it never proved it, and operators gave it no power.

        Where no mail leaves nobody could have proven one, nor be told of it.
        """
        is_claimed = holder.email_verified or not self.mail.is_possible
        return not is_claimed and not self.administrators.is_one(holder.id)

    def displace(self, holder: Person, caller: Caller) -> None:
        """Take address and password from the account, and end all that was opened with them.

        One that is entered by an identity goes on without an address; any other is closed, and removed after 30 days
        unless an operator brings it back. Whoever holds the mailbox is told: the account may have been their own.
        """
        now = self.clock()
        values: dict[str, object] = {
            "email": f"{holder.id}@{NOWHERE}",
            "password_hash": None,
            "password_changed_at": None,
            "updated_at": now,
        }
        if not self._has_identity(holder.id):
            values |= {"is_active": False, "deletion_requested_at": now, "deletes_at": now + KEPT}
        self.db.session.execute(sa.update(_user).where(_user.c.id == holder.id).values(**values))
        self.tokens.void(holder.id, *Purpose)
        self.devices.forget(holder.id)
        self.sessions.end_everything(holder.id, "account_displaced", caller)
        self.audit.record(Event.ACCOUNT_DISPLACED, caller, user_id=holder.id)
        self.mail.send("account_displaced", holder, keeps_days=KEPT.days)

    def _has_identity(self, user_id: str) -> bool:
        theirs = sa.select(_identity.c.id).where(_identity.c.user_id == user_id).limit(1)
        return self.db.session.execute(theirs).first() is not None
