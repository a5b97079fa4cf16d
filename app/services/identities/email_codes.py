"""Codes in mails: six digits that are typed in the very window that asked for them.

Unlike a link, a code proves that whoever is at the window reads the mailbox: a click on a mail that somebody else
asked for gives that person nothing.
"""

import secrets
from datetime import timedelta
from typing import Any, cast

import sqlalchemy as sa

from app.errors import InvalidInput, sentence
from app.models import EmailCode
from app.services.foundation.environment import Clock, Database, sha256
from app.services.foundation.rate_limits import RateLimiter
from app.services.foundation.sealing import Sealer, Unopenable
from app.services.foundation.statements import insert_replacing

DIGITS = 6
LIFE = timedelta(minutes=15)
MOST_ATTEMPTS = 5
MAILS = "5/hour"
"""So many codes are mailed to one address."""
WRONG = sentence("This is not the code in the mail. Check it and try again.")
GONE = sentence("This code is no longer good. Have a new one sent.")
_code = cast(sa.Table, EmailCode.__table__)


def in_mail(code: str) -> dict[str, Any]:
    """What the mail says of a code: its digits in two halves, and for how many minutes it is good."""
    return {"code": f"{code[:3]} {code[3:]}", "minutes": int(LIFE.total_seconds() // 60)}


class EmailCodes:
    """Makes and checks codes; of each purpose (``key``) only the newest is good, for 15 minutes and five tries."""

    def __init__(self, db: Database, clock: Clock, sealer: Sealer, limits: RateLimiter) -> None:
        self.db = db
        self.clock = clock
        self.sealer = sealer
        self.limits = limits

    def issue(self, key: str, email: str) -> str:
        """A new code that is to be mailed to ``email``; raises ``TooManyAttempts`` after five within an hour."""
        self.limits.hit("code_mail", MAILS, email)
        code, now = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}", self.clock()
        values = {
            "key_hash": sha256(key),
            "email": email,
            "sealed_code": self.sealer.seal(code.encode()),
            "attempts": 0,
            "created_at": now,
            "expires_at": now + LIFE,
        }
        # Whoever asks twice at once is mailed two codes, of which the last one counts.
        self.db.session.execute(insert_replacing(self.db.dialect, _code, values))
        return code

    def address(self, key: str) -> str | None:
        """Where the code that is good was mailed to."""
        row = self._good(key)
        return row.email if row else None

    def take(self, key: str, typed: str) -> str:
        """The address the code was mailed to, once; raises :class:`InvalidInput` for another code or one that is gone.

        A try is counted, and committed, before it is looked at, so that many at once are no more than five.
        """
        counted = self.db.session.execute(
            sa.update(_code)
            .where(_code.c.key_hash == sha256(key), _code.c.expires_at > self.clock())
            .where(_code.c.attempts < MOST_ATTEMPTS)
            .values(attempts=_code.c.attempts + 1)
            .returning(_code.c.email, _code.c.sealed_code)
        ).first()
        self.db.commit()
        if counted is None:
            raise InvalidInput(GONE, "code")
        if not self._is_code(counted.sealed_code, typed):
            raise InvalidInput(WRONG, "code")
        used = sa.delete(_code).where(_code.c.key_hash == sha256(key), _code.c.sealed_code == counted.sealed_code)
        if self.db.session.execute(used.returning(_code.c.email)).first() is None:
            raise InvalidInput(GONE, "code")
        return str(counted.email)

    def void(self, key: str) -> None:
        """Make the code of this purpose worthless."""
        self.db.session.execute(sa.delete(_code).where(_code.c.key_hash == sha256(key)))

    def _good(self, key: str) -> "sa.Row[tuple[str]] | None":
        is_good = (_code.c.key_hash == sha256(key), _code.c.expires_at > self.clock())
        return self.db.session.execute(sa.select(_code.c.email).where(*is_good)).first()

    def _is_code(self, sealed: str, typed: str) -> bool:
        try:
            code = self.sealer.open(sealed)
        except Unopenable:
            return False
        # Full-width digits are digits; people type what the mail shows with a space in the middle.
        plain = "".join(str(int(each)) if each.isdecimal() else each for each in "".join(typed.split()))
        return secrets.compare_digest(code, plain.encode("utf-8", "surrogatepass"))
