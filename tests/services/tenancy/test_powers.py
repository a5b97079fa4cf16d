"""How far lesser administrators get: what their part opens, and that none of it leads further. On both engines."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from app.errors import AdministratorsOnly, OutOfPower
from app.models import AuditLog, User
from app.services.foundation.environment import NOBODY, Caller
from app.services.foundation.powers import FULL_POWERS, NO_POWERS, PARTS, USERS, Powers
from app.services.record.audit import Event
from app.services.record.parts import parts_of
from app.services.tenancy.member_changes import Placement
from app.services.tenancy.role_changes import RoleName, RolePermissions, RoleRemoval
from app.services.tokens.keys import Keys
from app.wiring import Services
from tests.relying_party import EMAIL
from tests.services.tenancy.places import put, role

ROOT = "admin@example.com"
SUPPORT, GRACE = "support@example.com", "grace@example.com"
REDIRECT = "https://app.example.com/callback"


class Desk:
    """A lesser administrator with one permission, and others around: EMAIL is an ordinary person, GRACE another one
    with powers, ROOT the administrator of the platform.
    """

    def __init__(self, services: Services, *permissions: str) -> None:
        self.services = services
        self.role = role(services, "support", permissions)
        self.keeper = role(services, "keeper", ["admin:keys"])
        self.plain = role(services, "plain", ["manage:teams"])
        self.primary = services.groups.get("MAX").id
        for email in (SUPPORT, GRACE):
            services.accounts.create(email, "kettle-umbrella-42", name=email, caller=NOBODY)
        self.support, self.grace, self.ada, self.root = (
            services.accounts.find(email).id for email in (SUPPORT, GRACE, EMAIL, ROOT)
        )
        put(services, self.support, {self.primary: self.role.id}, self.primary)
        put(services, self.ada, {self.primary: self.plain.id}, self.primary)
        put(services, self.grace, {self.primary: self.keeper.id}, self.primary)
        services.clients.create("plain-app", redirects=[REDIRECT], scopes=["openid"])
        services.clients.create("robot", scopes=["admin:users"], is_confidential=True, grants=["client_credentials"])
        services.clients.create("web", is_confidential=True, redirects=[REDIRECT])
        services.clients.create("judge", is_confidential=True, redirects=[REDIRECT], can_introspect_any=True)

    @property
    def caller(self) -> Caller:
        """Who acts, with what the database says of their powers."""
        return self.services.administrators.acting(self.support, Caller(), *PARTS)


Act = Callable[[Desk], Any]

OF_USERS: dict[str, Act] = {
    "disable": lambda it: it.services.administration.disable(it.ada, it.caller),
    "enable": lambda it: (
        it.services.administration.disable(it.ada),
        it.services.administration.enable(it.ada, it.caller),
    ),
    "vouch": lambda it: it.services.administration.vouch(it.ada, not_verified(it), it.caller),
    "plan": lambda it: it.services.administration.set_plan(it.ada, "pro", it.caller),
    "profile": lambda it: it.services.administration.change(it.ada, {"full_name": "Ada L"}, it.caller),
    "role": lambda it: it.services.administration.set_role(it.ada, "member", it.caller),
    "a new role": lambda it: it.services.roles.create("writer", ["manage:teams"], it.caller),
    "what a role permits": lambda it: make(it, RolePermissions.of(it.plain.id, add=["manage:models"])),
    "a new group": lambda it: it.services.groups.create("Seoul Lab", "group", it.caller),
}
OF_CLIENTS: dict[str, Act] = {
    "register": lambda it: it.services.clients.create("new-app", redirects=[REDIRECT], caller=it.caller),
    "change": lambda it: it.services.clients.update("plain-app", {"name": "Plain"}, it.caller),
    "disable a client": lambda it: it.services.clients.disable("plain-app", it.caller),
}
OF_KEYS: dict[str, Act] = {"rotate": lambda it: keys(it).rotate(None, it.caller)}
OF_SYSTEM: dict[str, Act] = {"limit": lambda it: it.services.plans.set_limit("pro", 2000, it.caller)}
OPENED = {"admin:users": OF_USERS, "admin:clients": OF_CLIENTS, "admin:keys": OF_KEYS, "admin:system": OF_SYSTEM}

BEYOND: dict[str, Act] = {
    "the role admin for oneself": lambda it: it.services.administration.set_role(it.support, "admin", it.caller),
    "the role admin for another": lambda it: it.services.administration.set_role(it.ada, "admin", it.caller),
    "a role of one's own kind": lambda it: it.services.administration.set_role(it.ada, "support", it.caller),
    "a role with another part": lambda it: it.services.administration.set_role(it.ada, "keeper", it.caller),
    "another role for oneself": lambda it: it.services.administration.set_role(it.support, "plain", it.caller),
    "such a role elsewhere": lambda it: make(it, Placement(it.ada, other(it), it.keeper.id)),
    "the group of a keeper": lambda it: make(it, Placement(it.grace, other(it), it.plain.id)),
    "more in one's own role": lambda it: make(it, RolePermissions.of(it.role.id, add=["manage:models"])),
    "a part in a plain role": lambda it: make(it, RolePermissions.of(it.plain.id, add=["admin:keys"])),
    "a part taken from others": lambda it: make(it, RolePermissions.of(it.keeper.id, remove=["admin:keys"])),
    "a new role with a part": lambda it: it.services.roles.create("better", ["admin:audit"], it.caller),
    "the name of a powerful role": lambda it: make(it, RoleName(it.keeper.id, "lowly")),
    "a powerful role goes": lambda it: make(it, RoleRemoval(it.keeper.id, it.plain.id)),
    "a plain role for a powerful one": lambda it: make(it, RoleRemoval(it.plain.id, it.keeper.id)),
    "a keeper disabled": lambda it: it.services.administration.disable(it.grace, it.caller),
    "a keeper's password": lambda it: it.services.administration.set_password(it.grace, "otter-lamp-9041", it.caller),
    "the administrator disabled": lambda it: it.services.administration.disable(it.root, it.caller),
    "the administrator removed": lambda it: it.services.administration.delete(it.root, it.caller),
    "the administrator's name": lambda it: it.services.administration.change(it.root, {"full_name": "E"}, it.caller),
    "recovery with a role": lambda it: it.services.administration.recover(
        it.ada, "otter-lamp-9041-blue", it.caller, "admin"
    ),
    "a client of services": lambda it: it.services.clients.create(
        "mine", scopes=["admin:full"], is_confidential=True, grants=["client_credentials"], caller=it.caller
    ),
    "scopes of services": lambda it: it.services.clients.update(
        "plain-app", {"allowed_scopes": ["openid", "admin:users"]}, it.caller
    ),
    "a secret of a robot": lambda it: it.services.clients.rotate_secret("robot", it.caller),
    "scopes of services taken": lambda it: it.services.clients.update("robot", {"allowed_scopes": []}, it.caller),
    "a robot stopped": lambda it: it.services.clients.disable("robot", it.caller),
    "a robot removed": lambda it: it.services.clients.delete("robot", it.caller),
    "every token seen": lambda it: it.services.clients.update("web", {"can_introspect_any": True}, it.caller),
    "the secret of who sees all": lambda it: it.services.clients.rotate_secret("judge", it.caller),
    "the audit key": lambda it: it.services.audit.record(Event.AUDIT_KEY_ROTATED, it.caller),
}


def make(it: Desk, change: Any) -> Any:
    return it.services.standing.make(change, it.caller)


def other(it: Desk) -> str:
    return it.services.groups.create("Elsewhere", "group", NOBODY).id


def not_verified(it: Desk) -> bool:
    return not it.services.accounts.find(EMAIL).email_verified


def keys(it: Desk) -> Keys:
    return it.services.keys


def recorded(services: Services) -> list[str]:
    return sorted(services.db.session.scalars(sa.select(AuditLog.id)))


@pytest.mark.parametrize(("part", "name"), [(part, name) for part, acts in OPENED.items() for name in acts])
def test_a_part_is_opened_by_its_permission_and_by_no_other(services: Services, part: str, name: str) -> None:
    act = OPENED[part][name]
    others = Desk(services, *(each for each in PARTS if each != part))
    before = recorded(services)
    with services.db.session.begin_nested() as nested:
        with pytest.raises(OutOfPower):
            act(others)
        nested.rollback()
    assert recorded(services) == before
    make_role = RolePermissions(others.role.id, to=frozenset({part}))
    services.standing.make(make_role, NOBODY)
    act(others)
    services.db.session.flush()


@pytest.mark.parametrize("name", BEYOND)
def test_no_part_leads_further_whatever_else_one_administers(services: Services, name: str) -> None:
    desk = Desk(services, *PARTS)
    with pytest.raises(OutOfPower):
        BEYOND[name](desk)


@pytest.mark.parametrize("name", [each for each in BEYOND if "removed" not in each and "disabled" not in each])
def test_an_administrator_of_the_platform_may_do_all_of_it(services: Services, name: str) -> None:
    desk = Desk(services, *PARTS)
    put(services, desk.support, {desk.primary: services.roles.get("admin").id}, desk.primary)
    assert desk.caller.powers == FULL_POWERS
    BEYOND[name](desk)


def test_powers_are_what_the_role_in_the_primary_group_says_now(services: Services) -> None:
    desk, of = Desk(services, "admin:users", "manage:teams"), services.administrators.powers
    assert of(desk.support) == Powers(frozenset({USERS}))
    assert of(desk.ada) == of("nobody") == NO_POWERS
    assert of(desk.root) == FULL_POWERS
    put(services, desk.support, {desk.primary: desk.plain.id, other(desk): desk.role.id}, desk.primary)
    assert of(desk.support) == NO_POWERS
    put(services, desk.support, {desk.primary: desk.role.id}, desk.primary)
    services.db.session.execute(sa.update(User).where(User.id == desk.support).values(is_active=False))
    assert of(desk.support) == NO_POWERS
    with pytest.raises(AdministratorsOnly):
        services.administrators.acting(desk.support, Caller(), USERS)
    # Once let in again it would be a keeper of something: who reaches ordinary people does not reach this one.
    assert services.administrators.has_powers(desk.support)


def test_what_is_done_to_a_person_needs_to_reach_them(services: Services) -> None:
    desk, act = Desk(services, USERS), services.administrators.acting_on
    assert act(desk.ada, desk.support, Caller(), USERS).actor == desk.support
    for person in (desk.root, desk.grace, desk.support):
        with pytest.raises(OutOfPower):
            act(person, desk.support, Caller(), USERS)
    with pytest.raises(OutOfPower):
        act(desk.ada, desk.support, Caller(), "admin:clients")
    with pytest.raises(AdministratorsOnly):
        act(desk.ada, desk.ada, Caller(), USERS)
    assert act(desk.grace, desk.root, Caller(), USERS).powers == FULL_POWERS


def test_whatever_is_on_record_is_of_a_known_part_or_of_all() -> None:
    assert {event for event in Event if not parts_of(event)} == {
        event
        for event in Event
        if event.startswith(("oauth:", "billing:", "acting:", "people:", "audit:key", "audit:trimmed"))
    } - {Event.TOKEN_REVOKED, Event.TOKEN_PREVIEWED}
