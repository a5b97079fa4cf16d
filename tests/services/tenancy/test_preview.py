"""What a preview tells is what then happens, whatever the change and whoever it concerns, on both engines.

Seen from outside: by claims, by lists of places, and by what refresh tokens are still worth.
"""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.errors import InvalidInput
from app.models import Group, Role, User
from app.services.foundation.environment import NOBODY
from app.services.people.standing import Preview
from app.services.tenancy.changes import Change
from app.services.tenancy.effects import PersonEffect
from app.services.tenancy.group_changes import GroupActing, GroupName, GroupRemoval
from app.services.tenancy.member_changes import Displacement, Placement
from app.services.tenancy.role_changes import RoleName, RolePermissions, RoleRemoval
from app.wiring import Services
from tests.relying_party import add_client, add_person
from tests.services.tenancy.places import CLAIMS, Seen, counting, group, put, refresh_token, role, seen, services_of

PERMISSIONS = ("manage:teams", "manage:models", "manage:apis")
SCOPES = ["openid", "offline_access", "read:groups", *PERMISSIONS]
PEOPLE = ("ada@example.com", "bob@example.com", "eve@example.com", "kim@example.com")
KINDS = ("permissions", "role name", "role removal", "group name", "group removal", "place", "leave")
ROUNDS = {"sqlite": 5, "postgresql": 2}
"""So many worlds and changes of each kind. Seeded, for of few cases Hypothesis makes most alike."""


@dataclass(frozen=True)
class Plan:
    """A world and a change of it in numbers: roles and groups by their place in lists that begin with the built-in.

    ``has_another`` says whether somebody administers whom it does not concern.
    """

    roles: list[frozenset[str]]
    kinds: list[str]
    places: tuple[tuple[dict[int, int], int], ...]
    change: tuple[str, int, int, int, bool, frozenset[str], frozenset[str] | None]
    has_another: bool


def plan_of(kind: str, seed: int) -> Plan:
    """A plan of that kind, the same for the same seed."""
    draw = random.Random(f"{kind} {seed}")  # noqa: S311

    def some() -> frozenset[str]:
        return frozenset(draw.sample(PERMISSIONS, draw.randint(0, 3)))

    def places(least: int) -> tuple[dict[int, int], int]:
        inside = draw.sample(range(4), draw.randint(least, 3))
        return {at: draw.randrange(4) for at in inside}, draw.choice(inside) if inside else 0

    numbers = draw.randrange(4), draw.randrange(4), draw.randrange(4)
    change = kind, *numbers, draw.random() < 0.7, some(), draw.choice([None, some()])
    kinds = [draw.choice(["group", "workspace"]) for _ in range(2)]
    return Plan([some(), some()], kinds, (places(1), places(1), places(1), places(0)), change, draw.random() < 0.7)


@dataclass(frozen=True)
class Built:
    """What all plans are made of: ids in the order of their numbers, and refresh tokens with person and client."""

    roles: list[str]
    groups: list[str]
    people: list[str]
    tokens: dict[str, tuple[str, str]]


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def app(engine: str, make_app: Callable[..., Flask], open_database: Callable[..., str]) -> Flask:
    app = make_app(open_database(engine))
    for email in PEOPLE:
        add_person(app, email)
    add_client(app, "first", scopes=SCOPES)
    add_client(app, "third", scopes=SCOPES[:-1], consent_policy="once")
    return app


@pytest.fixture
def world(app: Flask) -> Built:
    """Roles, groups and people of all plans, in whose grants there is everything that can be asked for."""
    with app.app_context():
        services = services_of(app)
        roles = [services.roles.get(name).id for name in ("admin", "member")]
        roles += [role(services, f"role{index}").id for index in range(2)]
        groups = [services.groups.get("MAX").id, group(services, "Empty").id]
        groups += [group(services, f"Group {index}").id for index in range(2)]
        people = [services.accounts.find(email).id for email in PEOPLE]
        tokens = {
            refresh_token(services, user_id, client_id, " ".join(SCOPES)): (user_id, client_id)
            for user_id in people
            for client_id in ("first", "third")
        }
        people.append(services.accounts.find("admin@example.com").id)
        services.db.commit()
    return Built(roles, groups, people, tokens)


def arrange(services: Services, plan: Plan, world: Built) -> None:
    """Have the world be that of a plan, past all rules, in the transaction that is under way."""
    execute = services.db.session.execute
    for role_id, carried in zip(world.roles[2:], plan.roles, strict=True):
        execute(sa.update(Role).where(Role.id == role_id).values(permissions=sorted(carried)))
    for group_id, kind in zip(world.groups[2:], plan.kinds, strict=True):
        execute(sa.update(Group).where(Group.id == group_id).values(kind=kind))
    execute(sa.update(User).where(User.id == world.people[-1]).values(is_active=plan.has_another))
    third, consented = services.clients.get("third"), sorted(plan.roles[0] | {"openid", "offline_access"})
    for user_id, (places, primary) in zip(world.people[:-1], plan.places, strict=True):
        held = {world.groups[at]: world.roles[of] for at, of in places.items()}
        put(services, user_id, held, world.groups[primary if primary in places else min(places, default=0)])
        services.consents.grant(user_id, third, consented, NOBODY)


def change_of(plan: Plan, world: Built) -> Change:
    """The change of a plan."""
    kind, first, second, person, flag, some, others = plan.change
    roles, groups, user_id = world.roles, world.groups, world.people[person]
    if kind == "permissions":
        extra = {"admin:access"} if first == 0 else set()
        to = None if others is None else frozenset(others | extra)
        return RolePermissions(
            roles[first], to, add=some if flag else frozenset(), remove=frozenset() if flag else some
        )
    if kind == "role name":
        return RoleName(roles[first], "role0" if flag else "renamed")
    if kind == "role removal":
        return RoleRemoval(roles[first], roles[second] if flag else None)
    if kind == "group name":
        return GroupName(groups[first], "\uff27roup 0" if flag else "Renamed")
    if kind == "group acting":
        return GroupActing(groups[first], flag)
    if kind == "group removal":
        return GroupRemoval(groups[first], groups[second] if flag else None)
    if kind == "place":
        role_id = roles[second] if some else None
        return Placement(user_id, groups[first] if others is None else None, role_id, flag, joins=bool(others != some))
    inside = sorted(plan.places[person][0]) or [first]
    return Displacement(user_id, groups[inside[first % len(inside)]], groups[second] if flag else None)


def everybody(services: Services, world: Built) -> dict[str, Seen]:
    return {user_id: seen(services, user_id) for user_id in world.people}


def worth(services: Services, world: Built) -> dict[str, frozenset[str] | None]:
    return {token: counting(services, token) for token in world.tokens}


def test_what_a_preview_tells_is_what_happens(app: Flask, world: Built, engine: str) -> None:
    outcomes: Counter[str] = Counter()
    for kind in KINDS:
        for seed in range(ROUNDS[engine]):
            plan = plan_of(kind, seed)
            with app.app_context():
                services = services_of(app)
                try:
                    outcomes[held(services, plan, world)] += 1
                except Exception as error:
                    error.add_note(str(plan))
                    raise
                finally:
                    services.db.rollback()
    # It was tried in earnest.
    assert outcomes["changed"] > len(KINDS) * ROUNDS[engine] / 3


def held(services: Services, plan: Plan, world: Built) -> str:
    """Foresee a change, make it, and compare."""
    arrange(services, plan, world)
    change = change_of(plan, world)
    before, had = everybody(services, world), worth(services, world)
    told, refusal = foreseen(services, change)
    assert (everybody(services, world), worth(services, world)) == (before, had)
    if told is None:
        with pytest.raises(InvalidInput) as refused:
            services.standing.make(change)
        assert (refused.value.message, refused.value.field) == refusal
        assert (everybody(services, world), worth(services, world)) == (before, had)
        return "refused"
    services.standing.make(change)
    after, has = everybody(services, world), worth(services, world)

    listed = {each.user_id: each for each in told.effects.listed}
    assert told.effects.people == len(listed)
    for user_id in world.people:
        assert_told(listed.get(user_id), before[user_id], after[user_id])
    assert_counted(told.effects, before, after)
    assert_tokens(told, world, listed, had, has)
    return "changed" if before != after else "nothing"


def foreseen(services: Services, change: Change) -> tuple[Preview | None, tuple[str, str]]:
    """What a preview tells, or why it is refused."""
    try:
        return services.standing.preview(change), ("", "")
    except InvalidInput as refusal:
        return None, (refusal.message, refusal.field)


def assert_told(told: PersonEffect | None, before: Seen, after: Seen) -> None:
    """What is told of one person is what became of them."""
    if told is None:
        assert before == after
        return
    for standing, found in ((told.before, before), (told.after, after)):
        said = (standing.group, standing.role, standing.is_admin, list(standing.groups), list(standing.workspaces))
        assert dict(zip(CLAIMS, said, strict=True)) == found.claims
        assert frozenset(standing.permissions) == found.permissions
    assert set(told.gains) == after.permissions - before.permissions
    assert set(told.losses) == before.permissions - after.permissions
    left = {(name, held) for name, held, _ in before.places - after.places}
    came = {(name, held) for name, held, _ in after.places - before.places}
    assert {(each.group, each.role_after) for each in told.places if each.role_after} >= came
    assert {each.role_before for each in told.places if each.role_before} >= {held for _, held in left}


def assert_counted(effects: Any, before: dict[str, Seen], after: dict[str, Seen]) -> None:
    """Numbers are those of people."""
    gains: Counter[str] = Counter()
    losses: Counter[str] = Counter()
    for user_id, old in before.items():
        gains.update(after[user_id].permissions - old.permissions)
        losses.update(old.permissions - after[user_id].permissions)
    assert (effects.gains, effects.losses) == (dict(gains), dict(losses))
    admins = [{user_id for user_id, each in people.items() if each.claims["is_admin"]} for people in (before, after)]
    emails = {each.user_id: each.email for each in effects.listed}
    assert set(effects.administrators_come) == {emails[user_id] for user_id in admins[1] - admins[0]}
    assert set(effects.administrators_go) == {emails[user_id] for user_id in admins[0] - admins[1]}


def assert_tokens(
    told: Preview,
    world: Built,
    listed: dict[str, PersonEffect],
    had: dict[str, frozenset[str] | None],
    has: dict[str, frozenset[str] | None],
) -> None:
    """What is told of applications is what their tokens are worth."""
    ended: Counter[str] = Counter()
    stop: Counter[tuple[str, str]] = Counter()
    again: Counter[tuple[str, str]] = Counter()
    for token, (user_id, client_id) in world.tokens.items():
        old, new = had[token], has[token]
        assert old is not None
        is_logged_out = user_id in listed and listed[user_id].is_logged_out
        assert (new is None) == is_logged_out
        if new is None:
            ended[client_id] += 1
            continue
        stop.update((client_id, scope) for scope in old - new)
        again.update((client_id, scope) for scope in new - old)
    assert told.grants.ended == dict(ended)
    assert {(each.client_id, each.scope): each.grants for each in told.grants.stop} == dict(stop)
    assert {(each.client_id, each.scope): each.grants for each in told.grants.count_again} == dict(again)
    assert told.effects.logged_out == sum(each.is_logged_out for each in listed.values())
