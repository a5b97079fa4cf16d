"""Which scopes of living grants would stop counting, or count again, if roles permitted something else.

By the rule that is asked whenever a token is used (:mod:`app.services.grants.scopes_in_force`).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa

from app.models import Client, TokenFamily, User
from app.services.clients.clients import FIRST_PARTY
from app.services.clients.scopes import in_force, listed, split
from app.services.foundation.environment import Database
from app.services.grants.consents import covered_by_consent
from app.services.revocation.families import is_living
from app.services.tenancy.world import RoleRecord

_client = cast(sa.Table, Client.__table__)
_family = cast(sa.Table, TokenFamily.__table__)
_user = cast(sa.Table, User.__table__)
Roles = Mapping[str, RoleRecord]


@dataclass(frozen=True, slots=True)
class ScopeEffect:
    """In how many grants of a client a scope stops counting, or counts again."""

    client_id: str
    scope: str
    grants: int


@dataclass(frozen=True, slots=True)
class GrantEffects:
    """What becomes of living grants: how many of each client end, and which scopes change in those that go on."""

    ended: dict[str, int]
    stop: tuple[ScopeEffect, ...]
    count_again: tuple[ScopeEffect, ...]


def scopes_at_stake(
    db: Database, now: datetime, moved: sa.Subquery, before: Roles, after: Roles, *, are_over: bool
) -> GrantEffects:
    """What becomes of the grants of people who get another role, or whose role permits something else.

    ``moved`` has their ``user_id`` and the ids of the roles ``role_before`` and ``role_after``; ``are_over`` says that
    whatever they opened ends.
    """
    ended: Counter[str] = Counter()
    stop: Counter[tuple[str, str]] = Counter()
    again: Counter[tuple[str, str]] = Counter()
    for row in db.session.execute(_kinds_of_grants(now, moved)):
        had, has = (_counting(row, roles.get(role_id or "")) for roles, role_id in _roles_of(row, before, after))
        if are_over:
            ended[row.client_id] += row.grants
            continue
        stop.update({(row.client_id, scope): row.grants for scope in had - has})
        again.update({(row.client_id, scope): row.grants for scope in has - had})
    return GrantEffects(dict(sorted(ended.items())), _effects(stop), _effects(again))


def _kinds_of_grants(now: datetime, moved: sa.Subquery) -> "sa.Select[Any]":
    """How many living grants there are of each client, scope, consent and role."""
    each = (
        sa.select(
            _family.c.client_id,
            _family.c.scope,
            sa.cast(_client.c.allowed_scopes, sa.Text).label("allowed"),
            covered_by_consent(_family.c.user_id, _family.c.client_id, _client.c.consent_policy != FIRST_PARTY),
            moved.c.role_before,
            moved.c.role_after,
        )
        .select_from(_family)
        .join(moved, moved.c.user_id == _family.c.user_id)
        .join(_user, _user.c.id == _family.c.user_id)
        .join(_client, _client.c.client_id == _family.c.client_id)
        .where(is_living(now), _client.c.is_active, _user.c.is_active)
        .subquery()
    )
    return sa.select(*each.c, sa.func.count().label("grants")).group_by(*each.c)


def _roles_of(row: Any, before: Roles, after: Roles) -> tuple[tuple[Roles, str | None], tuple[Roles, str | None]]:
    return (before, row.role_before), (after, row.role_after)


def _counting(row: Any, role: RoleRecord | None) -> set[str]:
    """The scopes of a grant that count for who holds this role."""
    consented = None if row.consented is None else listed(row.consented)
    permissions = tuple(sorted(role.permissions)) if role else ()
    return set(in_force(split(row.scope), listed(row.allowed), permissions, consented))


def _effects(found: Counter[tuple[str, str]]) -> tuple[ScopeEffect, ...]:
    return tuple(ScopeEffect(*names, grants) for names, grants in sorted(found.items()))
