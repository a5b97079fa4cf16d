"""Browsers people have logged in with before, each known by a random cookie of which only the hash is kept.

A known browser has a count of attempts of its own (:mod:`app.services.people.attempts`), and a login from another one
is told to the person.
"""

from datetime import timedelta
from typing import cast

import sqlalchemy as sa

from app.errors import TooManyAttempts
from app.models import KnownDevice, User, new_id
from app.services.delivery.mail import Mail
from app.services.foundation.environment import Caller, Clock, Database, random_token, sha256
from app.services.foundation.person import person_of
from app.services.foundation.rate_limits import RateLimiter
from app.services.foundation.statements import Statement
from app.services.record.audit import Audit, Event

LIFE = timedelta(days=365)
MOST = 50
"""So many browsers are remembered for a person; the one that was not used for the longest time goes first."""
MAILS = "10/day"
"""Programs keep no cookies: each of their logins would be told about."""
_device = cast(sa.Table, KnownDevice.__table__)
_user = cast(sa.Table, User.__table__)
_IS_HERE = (_device.c.device_hash == sa.bindparam("device_hash"), _device.c.expires_at > sa.bindparam("now"))
_FIND = Statement(sa.select(_device.c.id).where(*_IS_HERE, _device.c.user_id == sa.bindparam("user_id")))
_FIND_BY_EMAIL = Statement(
    sa.select(_device.c.id)
    .join_from(_device, _user, _user.c.id == _device.c.user_id)
    .where(*_IS_HERE, _user.c.email == sa.bindparam("email"))
)


class Devices:
    """Knows, remembers and forgets browsers; ``device_token`` is the value of the browser's cookie, ``""`` for none."""

    def __init__(self, db: Database, clock: Clock, audit: Audit, mail: Mail, limits: RateLimiter, issuer: str) -> None:
        self.db = db
        self.clock = clock
        self.audit = audit
        self.mail = mail
        self.limits = limits
        self.issuer = issuer

    def is_known(self, user_id: str, device_token: str) -> bool:
        """Whether the person has logged in with this browser within a year."""
        return self._find(user_id, device_token) is not None

    def is_known_at(self, email: str, device_token: str) -> bool:
        """As :meth:`is_known`, for the person of a folded e-mail; as quick where there is none."""
        values = {"device_hash": sha256(device_token), "email": email, "now": self.clock()}
        return bool(device_token) and _FIND_BY_EMAIL.first(self.db, **values) is not None

    def remember(self, user_id: str, device_token: str) -> str:
        """Know this browser as the person's for a year from now; answers the value its cookie gets.

        A browser that was not known for the person gets a new value, under which it stays known for others: whoever
        planted the old one, or read it, does not become the person's browser.
        """
        now = self.clock()
        if known := self._find(user_id, device_token):
            values = {"last_used_at": now, "expires_at": now + LIFE}
            self.db.session.execute(sa.update(_device).where(_device.c.id == known).values(values))
            return device_token
        token = random_token(256)
        if device_token:
            here = _device.c.device_hash == sha256(device_token)
            self.db.session.execute(sa.delete(_device).where(here, _device.c.user_id == user_id))
            self.db.session.execute(sa.update(_device).where(here).values(device_hash=sha256(token)))
        self.db.session.execute(
            sa.insert(_device).values(
                id=new_id(),
                device_hash=sha256(token),
                user_id=user_id,
                created_at=now,
                last_used_at=now,
                expires_at=now + LIFE,
            )
        )
        self._forget_oldest(user_id)
        return token

    def admit(self, user_id: str, device_token: str, caller: Caller) -> str:
        """Take note of a login: as :meth:`remember`, and a browser that is new to the account is told to the person.

        The account's first one is not.
        """
        is_news = not self.is_known(user_id, device_token) and self._has_any(user_id)
        token = self.remember(user_id, device_token)
        if is_news:
            self.audit.record(Event.DEVICE_ADDED, caller, user_id=user_id)
            self._announce(user_id, caller)
        return token

    def forget(self, user_id: str) -> None:
        """Know none of the person's browsers any longer."""
        self.db.session.execute(sa.delete(_device).where(_device.c.user_id == user_id))

    def _announce(self, user_id: str, caller: Caller) -> None:
        person = person_of(self.db, user_id)
        if person is None:
            return
        try:
            self.limits.hit("new_device_mail", MAILS, user_id, must_count=False)
        except TooManyAttempts:
            return
        self.mail.send("new_device", person, by=caller, link=f"{self.issuer}/account/sessions")

    def _find(self, user_id: str, device_token: str) -> str | None:
        if not device_token:
            return None
        row = _FIND.first(self.db, device_hash=sha256(device_token), user_id=user_id, now=self.clock())
        return row.id if row else None

    def _has_any(self, user_id: str) -> bool:
        known = sa.select(_device.c.id).where(_device.c.user_id == user_id).limit(1)
        return self.db.session.execute(known).first() is not None

    def _forget_oldest(self, user_id: str) -> None:
        newest = sa.select(_device.c.id).where(_device.c.user_id == user_id)
        newest = newest.order_by(_device.c.last_used_at.desc(), _device.c.id).limit(MOST)
        self.db.session.execute(sa.delete(_device).where(_device.c.user_id == user_id, _device.c.id.not_in(newest)))
