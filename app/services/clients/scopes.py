"""Scopes: what each means to people, and which may be granted to whom."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import sqlalchemy as sa

from app.models import Scope
from app.services.foundation.environment import Database

DEFAULT_SCOPE = "read:profile"
SERVICE_PREFIX = "admin:"
FULL_ADMINISTRATION = "admin:full"
ADMINISTRATION = ("admin:oauth", "admin:users", "admin:system")
PERMISSION_PREFIX = "manage:"
OF_PERSONS = frozenset({"openid", "profile", "email", "offline_access"})
"""Scopes that mean nothing without a person."""


@dataclass(frozen=True, slots=True)
class ScopeSentence:
    """A scope and its sentence in the language shown."""

    name: str
    sentence: str
    is_new: bool = True


@lru_cache(maxsize=256)
def split(scope: str | None) -> tuple[str, ...]:
    """The values of a scope parameter, in order, each once (:rfc:`6749#section-3.3`)."""
    return tuple(dict.fromkeys(name for name in (scope or "").split(" ") if name))


def of_request(requested: Iterable[str], allowed: Iterable[str]) -> tuple[str, ...]:
    """The requested scopes that a client may have for a person (:rfc:`6749#section-3.3`); service scopes never."""
    registered = set(allowed)
    return tuple(scope for scope in requested if scope in registered and not scope.startswith(SERVICE_PREFIX))


def for_person(requested: Iterable[str], permissions: Iterable[str]) -> tuple[str, ...]:
    """The requested scopes that a person with ``permissions`` can hand on; service scopes never."""
    held = set(permissions)
    return tuple(
        scope
        for scope in requested
        if not scope.startswith(SERVICE_PREFIX) and (not scope.startswith(PERMISSION_PREFIX) or scope in held)
    )


@lru_cache(maxsize=1024)
@lru_cache(maxsize=256)
def in_force(
    held: tuple[str, ...],
    allowed: tuple[str, ...],
    permissions: tuple[str, ...],
    consented: tuple[str, ...] | None = None,
) -> tuple[str, ...]:
    """Of the scopes ``held``, those that still count: its client may have them, the person can hand them on.

    ``consented`` is what the person's consent covers, None where it does not decide.
    """
    usable = allowed if consented is None else set(allowed).intersection(consented)
    return for_person((scope for scope in held if scope in usable), permissions)


@lru_cache(maxsize=1024)
def listed(text: str) -> tuple[str, ...]:
    """The scopes of a column that was read as JSON text."""
    return tuple(json.loads(text))


def implied(scopes: Iterable[str]) -> set[str]:
    """The scopes with all they imply: ``admin:full`` stands for the other three as well."""
    held = set(scopes)
    return held | set(ADMINISTRATION) if FULL_ADMINISTRATION in held else held


def kept(db: Database, names: Iterable[str]) -> set[str]:
    """Those of the names that are scopes; none of them is removed until the transaction ends."""
    wanted = sa.select(Scope.name).where(Scope.name.in_(list(names))).order_by(Scope.name)
    return set(db.session.scalars(wanted.with_for_update(read=True)))


class Scopes:
    """The catalogue of scopes."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def names(self, *, services: bool = False) -> list[str]:
        """All scope names in their order; those for services only when asked for."""
        statement = sa.select(Scope.name).order_by(Scope.position)
        if not services:
            statement = statement.where(Scope.is_service.is_(False))
        return list(self.db.session.scalars(statement))

    def sentences(self, names: Iterable[str], language: str, known: Iterable[str] = ()) -> list[ScopeSentence]:
        """What each scope allows, in ``language`` (ko or en); scopes not in ``known`` are marked new."""
        wanted, old = list(names), set(known)
        rows = self.db.session.scalars(sa.select(Scope).where(Scope.name.in_(wanted)).order_by(Scope.position))
        return [
            ScopeSentence(row.name, row.sentence_ko if language == "ko" else row.sentence_en, row.name not in old)
            for row in rows
        ]
