"""The tokens of mailed links: good once, for one purpose, one person and one address, and only the newest of them."""

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

import sqlalchemy as sa

from app.errors import LinkGone
from app.models import OneTimeToken
from app.services.environment import Clock, Database, random_token, sha256

_token = cast(sa.Table, OneTimeToken.__table__)


class Purpose(enum.StrEnum):
    """What a link is for; one made for one purpose is nothing to another."""

    VERIFY_EMAIL = "verify_email"
    CHANGE_EMAIL = "change_email"
    RESTORE_EMAIL = "restore_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105


LIVES = {
    Purpose.VERIFY_EMAIL: timedelta(days=1),
    Purpose.CHANGE_EMAIL: timedelta(hours=1),
    Purpose.RESTORE_EMAIL: timedelta(days=7),
    Purpose.RESET_PASSWORD: timedelta(hours=1),
}


@dataclass(frozen=True, slots=True)
class Proof:
    """What a good token says: its person holds the mailbox of ``email``."""

    user_id: str
    email: str
    expires_at: datetime


class OneTimeTokens:
    """Issues and takes tokens; only hashes are kept."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self.db = db
        self.clock = clock

    def issue(self, purpose: Purpose, user_id: str, email: str) -> str:
        """A token of 256 bits for a link to ``email``; those of the same purpose that were sent before are void."""
        self.void(user_id, purpose)
        token, now = random_token(256), self.clock()
        self.db.session.execute(
            sa.insert(_token).values(
                token_hash=sha256(token),
                purpose=purpose.value,
                user_id=user_id,
                email=email,
                created_at=now,
                expires_at=now + LIVES[purpose],
            )
        )
        return token

    def peek(self, token: str, purpose: Purpose) -> Proof:
        """What the token says, without using it: opening a link changes nothing. Raises :class:`LinkGone`."""
        row = self.db.session.execute(sa.select(_token).where(*self._is_good(token, purpose))).first()
        if row is None:
            raise LinkGone
        return Proof(row.user_id, row.email, row.expires_at)

    def take(self, token: str, purpose: Purpose) -> Proof:
        """Use the token: of many who try at once one gets what it says, the others :class:`LinkGone`."""
        row = self.db.session.execute(
            sa.update(_token)
            .where(*self._is_good(token, purpose))
            .values(used_at=self.clock())
            .returning(_token.c.user_id, _token.c.email, _token.c.expires_at)
        ).first()
        if row is None:
            raise LinkGone
        return Proof(row.user_id, row.email, row.expires_at)

    def void(self, user_id: str, *purposes: Purpose) -> None:
        """Make links that were sent for these purposes worthless."""
        names = [purpose.value for purpose in purposes]
        self.db.session.execute(sa.delete(_token).where(_token.c.user_id == user_id, _token.c.purpose.in_(names)))

    def _is_good(self, token: str, purpose: Purpose) -> tuple[sa.ColumnElement[bool], ...]:
        return (
            _token.c.token_hash == sha256(token),
            _token.c.purpose == purpose.value,
            _token.c.used_at.is_(None),
            _token.c.expires_at > self.clock(),
        )
