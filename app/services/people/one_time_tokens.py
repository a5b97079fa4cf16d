"""The tokens of mailed links: good once, for one purpose, one person and one address, and only the newest of them."""

import enum
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from urllib.parse import urlencode

import sqlalchemy as sa

from app.errors import LinkGone
from app.models import OneTimeToken
from app.services.foundation.environment import Clock, Database, random_token, sha256

_token = cast(sa.Table, OneTimeToken.__table__)


class Purpose(enum.StrEnum):
    """What a link is for; one made for one purpose is nothing to another."""

    VERIFY_EMAIL = "verify_email"
    CHANGE_EMAIL = "change_email"
    RESTORE_EMAIL = "restore_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105
    ACCEPT_INVITATION = "accept_invitation"


LIVES = {
    Purpose.VERIFY_EMAIL: timedelta(days=1),
    Purpose.CHANGE_EMAIL: timedelta(hours=1),
    Purpose.RESTORE_EMAIL: timedelta(days=7),
    Purpose.RESET_PASSWORD: timedelta(hours=1),
    Purpose.ACCEPT_INVITATION: timedelta(days=7),
}
PATHS = {
    Purpose.VERIFY_EMAIL: "/verify-email",
    Purpose.CHANGE_EMAIL: "/change-email",
    Purpose.RESTORE_EMAIL: "/restore-email",
    Purpose.RESET_PASSWORD: "/reset-password",
    Purpose.ACCEPT_INVITATION: "/reset-password",
}

SET_PASSWORD = (Purpose.RESET_PASSWORD, Purpose.ACCEPT_INVITATION)
"""Purposes of links by which whoever holds the mailbox sets a password."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a good token says: its person holds the mailbox of ``email``."""

    user_id: str
    email: str
    created_at: datetime
    expires_at: datetime


def mailed_link(issuer: str, purpose: Purpose, token: str, interaction_id: str | None = None) -> str:
    """The address a mail leads to; ``interaction_id`` keeps the request that waits for the person."""
    query = {"token": token, **({"interaction": interaction_id} if interaction_id else {})}
    return f"{issuer}{PATHS[purpose]}?{urlencode(query)}"


class OneTimeTokens:
    """Issues and takes tokens; only hashes are kept."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self.db = db
        self.clock = clock

    def issue(self, purpose: Purpose, user_id: str, email: str, *, keeps_others: bool = False) -> str:
        """A token of 256 bits for a link to ``email``; those of the same purpose that were sent before are void.

        With ``keeps_others`` they stay good.
        """
        if not keeps_others:
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
        return Proof(row.user_id, row.email, row.created_at, row.expires_at)

    def latest(self, user_id: str, purpose: Purpose) -> Proof | None:
        """What the newest good token of a person says."""
        row = self.db.session.execute(
            sa.select(_token)
            .where(_token.c.user_id == user_id, *self._is_open(purpose))
            .order_by(_token.c.created_at.desc())
            .limit(1)
        ).first()
        return Proof(row.user_id, row.email, row.created_at, row.expires_at) if row else None

    def take(self, token: str, purpose: Purpose) -> Proof:
        """Use the token: of many who try at once one gets what it says, the others :class:`LinkGone`."""
        row = self.db.session.execute(
            sa.update(_token)
            .where(*self._is_good(token, purpose))
            .values(used_at=self.clock())
            .returning(_token.c.user_id, _token.c.email, _token.c.created_at, _token.c.expires_at)
        ).first()
        if row is None:
            raise LinkGone
        return Proof(row.user_id, row.email, row.created_at, row.expires_at)

    def void(self, user_id: str, *purposes: Purpose, since: datetime | None = None) -> None:
        """Make links that were sent for these purposes, ``since`` then if given, worthless."""
        names = [purpose.value for purpose in purposes]
        condition = [_token.c.user_id == user_id, _token.c.purpose.in_(names)]
        if since is not None:
            condition.append(_token.c.created_at >= since)
        self.db.session.execute(sa.delete(_token).where(*condition))

    def is_restorable(self, email: str, *, except_by: str = "") -> bool:
        """Whether an account, other than that one, may still return to this address, so that nobody is to take it."""
        open_link = sa.select(_token.c.token_hash).where(
            _token.c.purpose == Purpose.RESTORE_EMAIL.value,
            _token.c.email == email,
            _token.c.user_id != except_by,
            _token.c.used_at.is_(None),
            _token.c.expires_at > self.clock(),
        )
        return self.db.session.execute(open_link.limit(1)).first() is not None

    def restorable(self, emails: Collection[str]) -> set[str]:
        """Those of the addresses to which an account may still return."""
        open_links = sa.select(_token.c.email).where(
            *self._is_open(Purpose.RESTORE_EMAIL),
            _token.c.email.in_(emails),
        )
        return set(self.db.session.scalars(open_links))

    def _is_good(self, token: str, purpose: Purpose) -> tuple[sa.ColumnElement[bool], ...]:
        return (_token.c.token_hash == sha256(token), *self._is_open(purpose))

    def _is_open(self, purpose: Purpose) -> tuple[sa.ColumnElement[bool], ...]:
        return (
            _token.c.purpose == purpose.value,
            _token.c.used_at.is_(None),
            _token.c.expires_at > self.clock(),
        )
