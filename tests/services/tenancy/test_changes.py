"""What may be changed of permissions, roles, groups and memberships, and what never may, on both engines."""

import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from app.errors import InvalidInput, NotFound
from app.models import AuditLog, Group, Membership, Role, User
from app.services.foundation.environment import Caller
from app.services.tenancy.administrators import LAST
from app.services.tenancy.catalogue import ROLES
from app.services.tenancy.group_changes import GroupActing, GroupName, GroupRemoval
from app.services.tenancy.member_changes import Displacement, Placement
from app.services.tenancy.permissions import BUILTIN, IN_USE, UNDECLARED
from app.services.tenancy.role_changes import RoleName, RolePermissions, RoleRemoval
from app.wiring import Services
from tests.relying_party import EMAIL
from tests.services.tenancy.places import group, put, role, seen

ROOT = "admin@example.com"
BY = Caller(actor="tester")


def ada(services: Services) -> str:
    return services.accounts.find(EMAIL).id


def root(services: Services) -> str:
    return services.accounts.find(ROOT).id


def refused(act: Callable[[], Any]) -> str:
    with pytest.raises(InvalidInput) as refusal:
        act()
    return refusal.value.message


def recorded(services: Services, prefix: str) -> list[tuple[str, str, str | None, dict[str, Any]]]:
    """Action, actor, person and details of what is on record, of actions that begin so, in their order by name."""
    rows = services.db.session.scalars(
        sa.select(AuditLog).where(AuditLog.action.startswith(prefix)).order_by(AuditLog.action)
    )
    return [(row.action, row.actor, row.user_id, row.details) for row in rows]


# permissions


def test_a_permission_is_declared_carried_and_in_use_until_no_role_carries_it(services: Services) -> None:
    made = services.permissions.declare("\uff4danage:reports", "Manage  reports", " 보고서를 관리합니다", BY)
    assert (made.name, made.sentence_en, made.sentence_ko) == (
        "manage:reports",
        "Manage reports",
        "보고서를 관리합니다",
    )
    assert made in services.permissions.all()
    editor = role(services, "editor", ["manage:reports"])
    assert refused(lambda: services.permissions.remove("manage:reports", BY)) == IN_USE
    services.standing.make(RolePermissions(editor.id, to=frozenset()), BY)
    services.permissions.remove("manage:reports", BY)
    assert made not in services.permissions.all()
    with pytest.raises(NotFound):
        services.permissions.remove("manage:reports", BY)
    told = [(action, actor, details) for action, actor, _, details in recorded(services, "permission:")]
    assert told == [
        ("permission:declared", "tester", {"permission": "manage:reports"}),
        ("permission:removed", "tester", {"permission": "manage:reports"}),
    ]


@pytest.mark.parametrize(
    ("name", "english", "korean"),
    [
        ("manage:teams", "A", "가"),
        ("Reports", "A", "가"),
        ("a:b", "", "가"),
        ("a:b", "A", "\u200b"),
        ("a:b", "A\nB", "가"),
        ("a:b", "A" * 201, "가"),
        ("a:b", "A", "가\u202e"),
    ],
)
def test_what_cannot_be_declared(services: Services, name: str, english: str, korean: str) -> None:
    refused(lambda: services.permissions.declare(name, english, korean, BY))


def test_what_every_portal_has_cannot_be_removed(services: Services) -> None:
    assert {each.name for each in services.permissions.all()} == set(ROLES["admin"])
    for each in services.permissions.all():
        assert refused(lambda name=each.name: services.permissions.remove(name, BY)) == BUILTIN


def test_a_role_carries_only_what_is_declared(services: Services) -> None:
    assert refused(lambda: role(services, "editor", ["manage:reports"])) == UNDECLARED
    member = services.roles.get("member")
    for change in (
        RolePermissions(member.id, add=frozenset({"manage:reports"})),
        RolePermissions(member.id, to=frozenset({"manage:reports"})),
        RolePermissions(member.id, remove=frozenset({"manage:reports"})),
    ):
        assert refused(lambda wanted=change: services.standing.make(wanted)) == UNDECLARED
        assert refused(lambda wanted=change: services.standing.preview(wanted)) == UNDECLARED
    # What older code let a role carry stays, and goes when it is taken away.
    services.db.session.execute(sa.update(Role).where(Role.id == member.id).values(permissions=["Odd", "manage:apis"]))
    services.standing.make(RolePermissions(member.id, add=frozenset({"manage:teams"})))
    assert services.roles.get("member").permissions == {"Odd", "manage:apis", "manage:teams"}
    services.standing.make(RolePermissions(member.id, remove=frozenset({"Odd"})))
    assert services.roles.get("member").permissions == {"manage:apis", "manage:teams"}


# roles


def test_admin_access_is_of_the_role_admin_alone(services: Services) -> None:
    admin, member = services.roles.get("admin"), services.roles.get("member")
    for act in (
        lambda: role(services, "helper", ["admin:access"]),
        lambda: services.standing.make(RolePermissions(member.id, add=frozenset({"admin:access"}))),
        lambda: services.standing.make(RolePermissions(admin.id, remove=frozenset({"admin:access"}))),
        lambda: services.standing.make(RolePermissions(admin.id, to=frozenset())),
    ):
        assert "admin:access" in refused(act)
    services.standing.make(RolePermissions(admin.id, to=frozenset({"admin:access"})))
    assert services.roles.get("admin").permissions == {"admin:access"}


@pytest.mark.parametrize("name", ["admin", "member"])
def test_built_in_roles_keep_their_names_and_stay(services: Services, name: str) -> None:
    kept, other = services.roles.get(name), role(services, "other")
    for change in (RoleName(kept.id, "else"), RoleRemoval(kept.id), RoleRemoval(kept.id, other.id)):
        assert "admin and member" in refused(lambda wanted=change: services.standing.make(wanted))
    services.standing.make(RoleName(kept.id, name))


@pytest.mark.parametrize("typed", ["Editor", "\uff45ditor", "EDITOR", "admin", "ADMIN", "\uff21dmin"])
def test_two_roles_are_not_called_the_same(services: Services, typed: str) -> None:
    role(services, "editor")
    other = role(services, "other")
    assert "of that name already" in refused(lambda: role(services, typed))
    assert "of that name already" in refused(lambda: services.standing.make(RoleName(other.id, typed)))
    assert services.roles.get(typed).name in {"editor", "admin"}


def test_a_role_is_renamed_and_its_holders_with_it(services: Services) -> None:
    editor = role(services, "editor", ["manage:teams"])
    services.standing.make(Placement(ada(services), role_id=editor.id))
    services.standing.make(RoleName(editor.id, "편집자"), BY)
    assert seen(services, ada(services)).claims["role_name"] == "편집자"
    services.standing.make(RoleName(editor.id, "Editor"))  # another case of a name is no other role's
    with pytest.raises(NotFound):
        services.roles.get("편집자")


def test_a_role_that_is_held_goes_only_for_another(services: Services) -> None:
    editor, reader = role(services, "editor", ["manage:teams"]), role(services, "reader")
    lab = group(services, "Lab")
    services.standing.make(Placement(ada(services), lab.id, editor.id))
    assert "Say which one" in refused(lambda: services.standing.make(RoleRemoval(editor.id)))
    assert "itself" in refused(lambda: services.standing.make(RoleRemoval(editor.id, editor.id)))
    services.standing.make(RoleRemoval(editor.id, reader.id), BY)
    assert ("Lab", "reader", False) in seen(services, ada(services)).places
    services.standing.make(Displacement(ada(services), lab.id))
    services.standing.make(RoleRemoval(reader.id))
    assert [each.name for each in services.roles.all()] == ["admin", "member"]
    assert "any more" in refused(lambda: services.standing.make(RoleRemoval(reader.id)))
    assert "any more" in refused(lambda: services.standing.make(RolePermissions(reader.id, to=frozenset())))
    assert "any more" in refused(lambda: services.standing.make(Placement(ada(services), lab.id, reader.id)))


# groups


@pytest.mark.parametrize("typed", ["lab one", "\uff2cab One", "LAB  ONE", "max", "\uff2d\uff21\uff38"])
def test_two_groups_are_not_called_the_same(services: Services, typed: str) -> None:
    group(services, "Lab One", "workspace")
    other = group(services, "Other")
    assert "of that name already" in refused(lambda: group(services, typed))
    assert "of that name already" in refused(lambda: services.standing.make(GroupName(other.id, typed)))
    assert services.groups.get(typed).name in {"Lab One", "MAX"}
    decomposed = unicodedata.normalize("NFD", "연구소")
    assert group(services, decomposed).name == services.groups.get("연구소").name == "연구소"


def test_what_no_group_is(services: Services) -> None:
    refused(lambda: group(services, "Team", "team"))
    with pytest.raises(NotFound):
        services.groups.get("nowhere")
    lab = group(services, "Lab")
    services.standing.make(GroupRemoval(lab.id))
    for change in (GroupRemoval(lab.id), GroupName(lab.id, "x"), Placement(ada(services), lab.id)):
        assert "any more" in refused(lambda wanted=change: services.standing.make(wanted))


def test_the_platforms_own_group_stays_as_it_is(services: Services) -> None:
    own, lab = services.groups.get("MAX"), group(services, "Lab")
    for change in (GroupName(own.id, "Else"), GroupRemoval(own.id), GroupRemoval(own.id, lab.id)):
        assert "platform's own group" in refused(lambda wanted=change: services.standing.make(wanted))
    services.standing.make(GroupName(own.id, "MAX"))


def test_a_group_that_goes_leaves_nobody_without_a_primary_one(services: Services) -> None:
    lab, office = group(services, "Lab"), group(services, "Office", "workspace")
    editor = role(services, "editor", ["manage:teams"])
    services.standing.make(Placement(ada(services), lab.id, editor.id, becomes_primary=True))
    services.standing.make(Placement(root(services), lab.id))
    assert "Say which one" in refused(lambda: services.standing.make(GroupRemoval(lab.id)))
    assert "itself" in refused(lambda: services.standing.make(GroupRemoval(lab.id, lab.id)))
    services.standing.make(GroupRemoval(lab.id, office.id), BY)
    assert seen(services, ada(services)).places == {("MAX", "member", False), ("Office", "editor", True)}
    assert seen(services, ada(services)).claims["workspaces"] == ["Office"]
    assert seen(services, root(services)).places == {("MAX", "admin", True)}
    told = recorded(services, "group:deleted")
    assert [(actor, details) for _, actor, _, details in told] == [("tester", {"group": "Lab", "primary": "Office"})]


def test_who_is_in_the_group_that_takes_the_place_of_another_keeps_the_role_there(services: Services) -> None:
    lab, office, editor = group(services, "Lab"), group(services, "Office"), role(services, "editor")
    reader = role(services, "reader", ["manage:teams"])
    put(services, ada(services), {lab.id: editor.id, office.id: reader.id}, lab.id)
    change = GroupRemoval(lab.id, office.id)
    assert services.standing.preview(change).effects.gains == {"manage:teams": 1}
    services.standing.make(change)
    assert seen(services, ada(services)).places == {("Office", "reader", True)}


def test_names_that_nobody_can_type_are_nobodys(services: Services) -> None:
    for name in ("\x00", "a\x00", "\ud800", "x" * 20_000):
        for found in (services.groups.get, services.roles.get, services.permissions.get):
            with pytest.raises(NotFound):
                found(name)
        for made in (group, role):
            refused(lambda make=made, typed=name: make(services, typed))


# memberships


def test_somebody_in_any_group_has_exactly_one_primary_one(services: Services) -> None:
    person, own = ada(services), services.groups.get("MAX")
    lab, office = group(services, "Lab"), group(services, "Office")

    def primaries() -> list[str]:
        return [name for name, _, is_primary in seen(services, person).places if is_primary]

    make = services.standing.make
    make(Placement(person, lab.id))
    assert primaries() == ["MAX"]
    make(Placement(person, lab.id, becomes_primary=True))
    assert primaries() == ["Lab"]
    assert "primary group of the person" in refused(lambda: make(Displacement(person, lab.id)))
    assert "not in that group" in refused(lambda: make(Displacement(person, lab.id, office.id)))
    assert "itself" in refused(lambda: make(Displacement(person, lab.id, lab.id)))
    make(Displacement(person, lab.id, own.id))
    assert seen(services, person).places == {("MAX", "member", True)}
    # Who leaves the last one is in none, and the next one is primary by itself.
    make(Displacement(person, own.id))
    found = seen(services, person)
    assert (found.places, found.permissions, found.claims["role_name"]) == (frozenset(), frozenset(), None)
    make(Placement(person, office.id))
    assert seen(services, person).places == {("Office", "member", True)}


def test_without_a_group_it_is_the_primary_one_and_without_a_role_the_present_one(services: Services) -> None:
    person, lab, editor = ada(services), group(services, "Lab"), role(services, "editor")
    make = services.standing.make
    make(Placement(person, lab.id, editor.id))
    make(Placement(person, lab.id, becomes_primary=True))
    assert seen(services, person).places == {("MAX", "member", False), ("Lab", "editor", True)}
    make(Placement(person, role_id=services.roles.get("member").id))
    assert seen(services, person).places == {("MAX", "member", False), ("Lab", "member", True)}
    office = group(services, "Office")
    assert "not in that group" in refused(lambda: make(Placement(person, office.id, editor.id, joins=False)))
    put(services, person, {}, "")
    make(Placement(person, role_id=editor.id))
    assert seen(services, person).places == {("MAX", "editor", True)}


def test_doing_it_again_changes_nothing_and_tells_nobody(services: Services) -> None:
    person, lab, editor = ada(services), group(services, "Lab"), role(services, "editor", ["manage:apis"])
    changes = [
        Placement(person, lab.id, editor.id, becomes_primary=True),
        RolePermissions(editor.id, add=frozenset({"manage:teams"})),
        RoleName(editor.id, "writer"),
        GroupName(lab.id, "Laboratory"),
        GroupActing(lab.id, is_allowed=True),
    ]
    for change in changes:
        assert services.standing.make(change, BY).is_changed
    before = recorded(services, "")
    for change in changes:
        assert not services.standing.make(change, BY).is_changed
        effects = services.standing.preview(change).effects
        assert (effects.people, effects.gains, effects.losses, effects.logged_out) == (0, {}, {}, 0)
    services.standing.make(Displacement(person, lab.id, services.groups.get("MAX").id), BY)
    assert not services.standing.make(Displacement(person, lab.id), BY).is_changed
    assert len(recorded(services, "")) > len(before)


def test_what_concerns_a_person_is_on_record_for_the_person(services: Services) -> None:
    person, lab = ada(services), group(services, "Lab")
    editor, own = role(services, "editor"), services.groups.get("MAX")
    for change in (
        Placement(person, lab.id),
        Placement(person, lab.id, editor.id),
        Placement(person, lab.id, becomes_primary=True),
        Displacement(person, own.id),
    ):
        services.standing.make(change, BY)
    told = [
        (action, details) for action, actor, user_id, details in recorded(services, "account:") if actor == "tester"
    ]
    assert told == [
        ("account:group:joined", {"group": "Lab", "role": "member"}),
        ("account:group:left", {"group": "MAX"}),
        ("account:group:primary", {"group": "Lab"}),
        ("account:role:set", {"group": "Lab", "role": "editor"}),
    ]


# administrators


def test_whoever_holds_admin_in_the_primary_group_administers_and_nobody_else(services: Services) -> None:
    person, lab, admin = ada(services), group(services, "Lab"), services.roles.get("admin")

    def administers() -> set[bool]:
        row = services.db.session.execute(sa.select(User.is_superuser, User.is_staff).where(User.id == person)).one()
        return {*row, services.administrators.is_one(person), bool(seen(services, person).claims["is_admin"])}

    make = services.standing.make
    make(Placement(person, lab.id, admin.id))
    assert administers() == {False}
    make(Placement(person, lab.id, becomes_primary=True))
    assert administers() == {True}
    make(Placement(person, services.groups.get("MAX").id, becomes_primary=True))
    assert administers() == {False}


def test_a_row_that_says_otherwise_than_the_role_is_set_right(services: Services) -> None:
    person, member = ada(services), services.roles.get("member")
    services.db.session.execute(sa.update(User).where(User.id == person).values(is_superuser=True, is_staff=True))
    effects = services.standing.preview(Placement(person, role_id=member.id)).effects
    assert effects.administrators_go == (EMAIL,)
    assert services.standing.make(Placement(person, role_id=member.id), BY).is_changed
    assert seen(services, person).claims["is_admin"] is False


@pytest.mark.parametrize(
    "change",
    [
        lambda it: Placement(root(it), role_id=it.roles.get("member").id),
        lambda it: Placement(root(it), group(it, "Lab").id, becomes_primary=True),
        lambda it: Displacement(root(it), it.groups.get("MAX").id),
    ],
    ids=["role", "primary group", "last group"],
)
def test_the_last_administrator_stays_at_every_door(services: Services, change: Callable[[Services], Any]) -> None:
    wanted = change(services)
    before = seen(services, root(services))
    assert refused(lambda: services.standing.preview(wanted)) == refused(lambda: services.standing.make(wanted)) == LAST
    assert seen(services, root(services)) == before
    services.standing.make(Placement(ada(services), role_id=services.roles.get("admin").id))
    services.standing.make(wanted)
    assert seen(services, root(services)).claims["is_admin"] is False


def test_a_group_does_not_take_the_last_administrator_along(services: Services) -> None:
    lab, admin = group(services, "Lab"), services.roles.get("admin")
    make = services.standing.make
    make(Placement(root(services), lab.id, admin.id, becomes_primary=True))
    make(Placement(root(services), services.groups.get("MAX").id, services.roles.get("member").id))
    change = GroupRemoval(lab.id, services.groups.get("MAX").id)
    assert refused(lambda: make(change)) == LAST
    make(Placement(ada(services), lab.id, admin.id, becomes_primary=True))
    assert refused(lambda: make(change)) == LAST  # both would be none
    make(Placement(ada(services), services.groups.get("MAX").id, admin.id))
    make(change)
    assert (seen(services, ada(services)).claims["is_admin"], seen(services, root(services)).claims["is_admin"]) == (
        True,
        False,
    )


# many people


def test_many_people_are_moved_in_steps_and_otherwise_not_at_all(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.services.tenancy.tenancy.MOST_AT_ONCE", 3)
    editor, reader, lab = role(services, "editor"), role(services, "reader"), group(services, "Lab")
    people = [services.accounts.create(f"p{number}@example.com", "violet lantern 72") for number in range(7)]
    for person in people:
        put(services, person, {lab.id: editor.id}, lab.id)
    change = RoleRemoval(editor.id, reader.id)
    assert "in steps" in refused(lambda: services.standing.make(change))
    outcomes = [services.standing.make(change, BY, in_steps=True) for _ in range(3)]
    assert [(each.people, each.is_finished) for each in outcomes] == [(3, False), (3, False), (1, True)]
    assert all(seen(services, person).places == {("Lab", "reader", True)} for person in people)
    assert services.db.session.scalar(sa.select(sa.func.count()).select_from(Role)) == 3
    removal = GroupRemoval(lab.id, services.groups.get("MAX").id)
    assert "in steps" in refused(lambda: services.standing.make(removal))
    while not services.standing.make(removal, BY, in_steps=True).is_finished:
        pass
    assert services.db.session.scalar(sa.select(Group.id).where(Group.id == lab.id)) is None
    assert services.db.session.scalar(sa.select(Membership.id).where(Membership.group_id == lab.id)) is None
    assert all(seen(services, person).places == {("MAX", "reader", True)} for person in people)


def test_who_is_gone_meanwhile_is_left_alone(services: Services) -> None:
    lab, gone = group(services, "Lab"), "7d9ee3c4-9a5b-4a43-8a2c-0d8a3f0f7c11"
    outcome = services.standing.make(Placement(gone, lab.id), BY)
    assert (outcome.is_changed, outcome.moved) == (False, ())
    assert recorded(services, "account:group") == []
