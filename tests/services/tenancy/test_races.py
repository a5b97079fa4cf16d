"""Many who change roles, groups and memberships at once: nothing is lost, nothing is doubled, somebody administers."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.errors import AdministratorsOnly, InvalidInput, PortalError
from app.models import Group, Membership
from app.services.foundation.environment import Caller
from app.services.tenancy.member_changes import Displacement, Placement
from app.services.tenancy.role_changes import RolePermissions, RoleRemoval
from app.wiring import Services
from tests.relying_party import EMAIL, add_person
from tests.services.tenancy.places import group, role, seen, services_of

ROOT = "admin@example.com"
PATIENCE = 60.0
Act = Callable[[Services], Any]


@pytest.fixture(params=["sqlite", "postgresql"])
def app(request: pytest.FixtureRequest, make_app: Callable[..., Flask], open_database: Callable[..., str]) -> Flask:
    """A seeded portal with a person besides the administrator, for one test: here transactions are committed."""
    app = make_app(open_database(request.param))
    add_person(app)
    return app


def at_once(app: Flask, acts: Iterable[Act]) -> list[PortalError | None]:
    """What became of each: None where it was done, else the refusal."""
    wanted = list(acts)
    gate = threading.Barrier(len(wanted))

    def run(act: Act) -> PortalError | None:
        with app.app_context():
            services = services_of(app)
            gate.wait(PATIENCE)
            try:
                act(services)
                services.db.commit()
            except PortalError as refusal:
                services.db.rollback()
                return refusal
        return None

    with ThreadPoolExecutor(len(wanted)) as pool:
        return list(pool.map(run, wanted))


def made(app: Flask, act: Act) -> Any:
    """What comes of something that is done by itself."""
    with app.app_context():
        services = services_of(app)
        result = act(services)
        services.db.commit()
        return result


def of(services: Services, email: str = EMAIL) -> str:
    return services.accounts.find(email).id


def test_one_membership_comes_of_many(app: Flask) -> None:
    lab = made(app, lambda it: group(it, "Lab")).id
    change: Act = lambda it: it.standing.make(Placement(of(it), lab, becomes_primary=True))  # noqa: E731
    assert at_once(app, [change] * 6) == [None] * 6
    with app.app_context():
        services = services_of(app)
        assert seen(services, of(services)).places == {("MAX", "member", False), ("Lab", "member", True)}


def test_one_group_is_primary_whoever_was_last(app: Flask) -> None:
    labs = [made(app, lambda it, number=number: group(it, f"Lab {number}")).id for number in range(4)]

    def placed(group_id: str) -> Act:
        return lambda it: it.standing.make(Placement(of(it), group_id, becomes_primary=True))

    def left(group_id: str) -> Act:
        return lambda it: it.standing.make(Displacement(of(it), group_id, it.groups.get("MAX").id))

    at_once(app, [*map(placed, labs), *map(left, labs)])
    with app.app_context():
        services = services_of(app)
        places = seen(services, of(services)).places
        assert [is_primary for _, _, is_primary in places].count(True) == 1


def test_no_permission_that_was_added_is_lost(app: Flask) -> None:
    editor = made(app, lambda it: role(it, "editor", ["read:groups"])).id
    names = ["manage:teams", "manage:apis", "manage:models", "manage:workflows", "manage:experiments"]

    def added(name: str) -> Act:
        return lambda it: it.standing.make(RolePermissions(editor, add=frozenset({name})))

    assert at_once(app, map(added, names)) == [None] * len(names)
    with app.app_context():
        assert services_of(app).roles.get("editor").permissions == {"read:groups", *names}


def test_one_group_comes_of_many_spellings(app: Flask) -> None:
    spellings = ["Lab", "LAB", "lab", "\uff2cab", " lab ", "l\u200bab"]
    outcomes = at_once(app, [lambda it, name=name: group(it, name) for name in spellings])
    assert [type(each) for each in outcomes if each] == [InvalidInput] * (len(spellings) - 1)
    with app.app_context():
        names = services_of(app).db.session.scalars(sa.select(Group.name_key))
        assert sorted(names) == ["lab", "max"]


def test_nobody_holds_a_role_that_is_gone(app: Flask) -> None:
    editor, lab = made(app, lambda it: role(it, "editor")).id, made(app, lambda it: group(it, "Lab")).id
    outcomes = at_once(
        app,
        [
            lambda it: it.standing.make(Placement(of(it), lab, editor)),
            lambda it: it.standing.make(RoleRemoval(editor, it.roles.get("member").id)),
        ],
    )
    assert outcomes[1] is None
    assert outcomes[0] is None or "any more" in outcomes[0].message
    with app.app_context():
        held = services_of(app).db.session.scalars(sa.select(Membership.role_id))
        assert editor not in set(held)


def demoted(email: str) -> Act:
    return lambda it: it.standing.make(Placement(of(it, email), role_id=it.roles.get("member").id))


def stopped(email: str) -> Act:
    return lambda it: it.administration.disable(email)


@pytest.mark.parametrize("doors", [(demoted, stopped), (demoted, demoted)], ids=["role and stop", "roles"])
def test_of_two_administrators_one_stays_whichever_doors_they_leave_by(
    app: Flask, doors: tuple[Callable[[str], Act], Callable[[str], Act]]
) -> None:
    add_person(app, "second@example.com", is_admin=True)
    for _ in range(4):
        outcomes = at_once(app, [doors[0](ROOT), doors[1]("second@example.com")])
        assert [type(each) for each in outcomes if each] == [InvalidInput]
        made(app, lambda it: it.administration.enable("second@example.com"))
        for email in (ROOT, "second@example.com"):
            made(app, lambda it, email=email: it.administration.set_role(email, "admin"))


def waiting(app: Flask, thread: threading.Thread) -> None:
    """Wait until somebody waits for a lock of PostgreSQL; in SQLite whoever writes waits before anything else."""
    with app.app_context():
        database = services_of(app).db
        if database.dialect.name != "postgresql":
            return
        asked = sa.text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        while thread.is_alive() and not database.session.scalar(asked):
            database.rollback()


@pytest.mark.parametrize("door", ["stop", "act"])
def test_whoever_waited_sees_that_the_role_was_taken_meanwhile(app: Flask, door: str) -> None:
    """What decides stands in another row than the one that was waited for."""
    second = add_person(app, "second@example.com", is_admin=True)
    outcomes: list[PortalError | None] = []
    # Who administers by the role alone, as rows of older code may have it.
    made(app, lambda it: it.db.session.execute(sa.text("UPDATE users SET is_superuser = false, is_staff = false")))
    acts: dict[str, Act] = {
        "stop": stopped(ROOT),
        "act": lambda it: it.administrators.acting(second, Caller()),
    }
    with app.app_context():
        services = services_of(app)
        demoted("second@example.com")(services)
        thread = threading.Thread(target=lambda: outcomes.extend(at_once(app, [acts[door]])))
        thread.start()
        waiting(app, thread)
        services.db.commit()
    thread.join(PATIENCE)
    assert [type(each) for each in outcomes] == [InvalidInput if door == "stop" else AdministratorsOnly]
