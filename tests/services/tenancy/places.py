"""A portal with people in groups, seen as its claims and lists show them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import Flask

from app.models import Group, Membership, Role, User, new_id
from app.services.foundation.environment import NOBODY
from app.services.grants.token_families import begin_family
from app.services.tenancy.world import GroupRecord, RoleRecord
from app.services.tokens.tokens import AccessGrant, new_jti
from app.wiring import Services

PLACES = sa.select(Group.name, Role.name, Membership.is_primary).select_from(Membership).join(Group).join(Role)
CLAIMS = ("group_name", "role_name", "is_admin", "groups", "workspaces")


@dataclass(frozen=True)
class Seen:
    """What is said of somebody: claims, permissions, and each place with its role and whether it is the primary one."""

    claims: dict[str, Any]
    permissions: frozenset[str]
    places: frozenset[tuple[str, str, bool]]


def seen(services: Services, user_id: str) -> Seen:
    """What userinfo and the rows say of somebody."""
    subject = services.claims.subject(user_id)
    assert subject
    said = services.claims.userinfo(subject, ("profile", "read:groups"))
    places = services.db.session.execute(PLACES.where(Membership.user_id == user_id))
    found = frozenset((row[0], row[1], row[2]) for row in places)
    return Seen({name: said.get(name) for name in CLAIMS}, frozenset(said["permissions"]), found)


def role(services: Services, name: str, permissions: Iterable[str] = ()) -> RoleRecord:
    """A new role."""
    return services.roles.create(name, permissions, NOBODY)


def group(services: Services, name: str, kind: str = "group") -> GroupRecord:
    """A new group."""
    return services.groups.create(name, kind, NOBODY)


def put(services: Services, user_id: str, places: dict[str, str], primary: str) -> None:
    """Have somebody be in these groups, by id, with these roles, by id, and in no others, past all rules."""
    session = services.db.session
    session.execute(sa.delete(Membership).where(Membership.user_id == user_id))
    for group_id, role_id in places.items():
        row = {"user_id": user_id, "group_id": group_id, "role_id": role_id, "is_primary": group_id == primary}
        session.execute(sa.insert(Membership).values(id=new_id(), created_at=services.clock(), **row))
    name = session.scalar(sa.select(Role.name).where(Role.id == places.get(primary, "")))
    is_admin = name == "admin"
    session.execute(sa.update(User).where(User.id == user_id).values(is_superuser=is_admin, is_staff=is_admin))


def refresh_token(services: Services, user_id: str, client_id: str, scope: str) -> str:
    """A living grant of somebody to a client; answers its refresh token."""
    client, now, subject = services.clients.get(client_id), services.clock(), services.claims.subject(user_id)
    assert subject
    expires_at, family_id = now + services.tokens.access_life(client), new_id()
    grant = AccessGrant(subject, client, scope, None, now, new_jti(), now, expires_at)
    begin_family(services.db, family_id, grant, now + services.tokens.lifetimes.refresh_absolute)
    return services.refresh_tokens.begin(family_id, grant, NOBODY)[0]


def counting(services: Services, token: str) -> frozenset[str] | None:
    """The scopes of a refresh token that count now; None of one that is over."""
    state = services.bearer.refresh(token)
    assert state
    return None if state.was_ended else frozenset(state.scope.split())


def services_of(app: Flask) -> Services:
    """The services of a portal, within its context."""
    found: Services = app.extensions["services"]
    return found
