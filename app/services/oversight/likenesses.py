"""Accounts that may be the same person's: by an address at a provider, or by name. Hints; nothing follows of them."""

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa

from app.models import Identity, User
from app.services.foundation.environment import Database
from app.services.foundation.texts import shown
from app.services.people.email_names import fold

MOST = 10
_user = cast(sa.Table, User.__table__)
_identity = cast(sa.Table, Identity.__table__)


class Likeness(enum.StrEnum):
    """In what two accounts are alike, the most telling first."""

    ADDRESS_AT_PROVIDER = "address_at_provider"
    """A provider told one account's address of the other one."""
    SAME_AT_PROVIDERS = "same_at_providers"
    """Providers told the same address of both."""
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Lookalike:
    """Another account and how it is alike."""

    id: str
    email: str
    name: str
    is_verified: bool
    likeness: Likeness


class Likenesses:
    """Finds them."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def of(self, user_id: str) -> list[Lookalike]:
        """Other accounts that are like this one, each once, :data:`MOST` at most of each likeness."""
        found: dict[str, Lookalike] = {}
        for likeness, condition in self._conditions(user_id):
            others = sa.select(_user.c.id, _user.c.email, _user.c.full_name, _user.c.username, _user.c.email_verified)
            others = others.where(condition, _user.c.id != user_id).order_by(_user.c.created_at).limit(MOST)
            for row in self.db.session.execute(others):
                name = shown(row.full_name) or row.username
                alike = Lookalike(row.id, row.email, name, row.email_verified, likeness)
                found.setdefault(row.id, alike)
        return list(found.values())

    def _conditions(self, user_id: str) -> "Iterator[tuple[Likeness, sa.ColumnElement[bool]]]":
        person: Any = self.db.session.execute(
            sa.select(_user.c.email, _user.c.full_name).where(_user.c.id == user_id)
        ).one()
        theirs = sa.select(_identity.c.email).where(_identity.c.user_id == user_id, _identity.c.email != "")
        as_told = set(self.db.session.scalars(theirs))
        told = {fold(each) for each in as_told}
        of_this = sa.select(_identity.c.user_id).where(_identity.c.email == person.email)
        yield Likeness.ADDRESS_AT_PROVIDER, sa.or_(_user.c.id.in_(of_this), _user.c.email.in_(told))
        if told:
            of_both = sa.select(_identity.c.user_id).where(_identity.c.email.in_(told | as_told))
            yield Likeness.SAME_AT_PROVIDERS, _user.c.id.in_(of_both)
        if person.full_name:
            yield Likeness.NAME, _user.c.full_name == person.full_name
