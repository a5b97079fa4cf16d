"""A person as the services see one who write to people and check their passwords."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa

from app.models import User
from app.services.foundation.environment import Database
from app.services.foundation.statements import Statement
from app.services.foundation.texts import shown

UNCHOSEN_LOCALE = "ko"
"""What is said of people who have not chosen a language: the platform speaks Korean first."""
UNKNOWN = "There is no account of that e-mail or id."
_user = cast(sa.Table, User.__table__)
_COLUMNS = (
    _user.c.id,
    _user.c.email,
    _user.c.email_verified,
    _user.c.full_name,
    _user.c.username,
    _user.c.password_hash,
    _user.c.locale,
    _user.c.timezone,
    _user.c.is_active,
    _user.c.deletes_at,
)
_BY_ID = Statement(sa.select(*_COLUMNS).where(_user.c.id == sa.bindparam("user_id")))
_BY_EMAIL = Statement(sa.select(*_COLUMNS).where(_user.c.email == sa.bindparam("email")))


@dataclass(frozen=True, slots=True)
class Person:
    """An account with its address, its password's hash and the language its mails are written in."""

    id: str
    email: str
    email_verified: bool
    name: str
    password_hash: str | None
    chosen_locale: str
    timezone: str
    is_active: bool
    deletes_at: datetime | None

    @property
    def locale(self) -> str:
        """The language mails are written in."""
        return self.chosen_locale or UNCHOSEN_LOCALE


def person_of(db: Database, user_id: str) -> Person | None:
    """The person of that id."""
    return _person(_BY_ID.first(db, user_id=user_id))


def person_at(db: Database, email: str) -> Person | None:
    """The person whose e-mail that is, folded as accounts keep it."""
    return _person(_BY_EMAIL.first(db, email=email))


def lock_person(db: Database, user_id: str) -> Person | None:
    """The person of that id, whom nobody else changes before this transaction is over."""
    query = sa.select(*_COLUMNS).where(_user.c.id == user_id)
    return _person(db.session.execute(query.with_for_update(key_share=True)).first())


def _person(row: Any) -> Person | None:
    if row is None:
        return None
    return Person(
        row.id,
        row.email,
        row.email_verified,
        shown(row.full_name) or row.username,
        row.password_hash,
        row.locale,
        row.timezone,
        row.is_active,
        row.deletes_at,
    )
