"""Who may do something, why somebody may or may not, who is in a group: complete, in order, a part at a time."""

from app.services.tenancy.member_changes import Placement
from app.services.tenancy.role_changes import RolePermissions
from app.wiring import Services
from tests.relying_party import EMAIL
from tests.services.tenancy.places import group, put, role

PASSWORD = "violet lantern 72"


def test_everybody_who_may_is_told_once_page_by_page(services: Services) -> None:
    editor, lab, own = role(services, "editor", ["manage:teams"]), group(services, "Lab"), services.groups.get("MAX")
    member = services.roles.get("member")
    people = [services.accounts.create(f"p{number}@example.com", PASSWORD) for number in range(7)]
    for number, person in enumerate(people):
        put(services, person, {own.id: (editor if number % 2 else member).id, lab.id: editor.id}, own.id)

    def told(group_id: str | None, limit: int) -> list[str]:
        found: list[str] = []
        after = None
        while True:
            page = services.rights.who("manage:teams", group_id=group_id, limit=limit, after=after)
            assert len(page.items) <= limit
            found += [each.email for each in page.items]
            if (after := page.next) is None:
                return found

    odd = {f"p{number}@example.com" for number in (1, 3, 5)}
    for limit in (1, 2, 100):
        assert set(told(None, limit)) == odd | {"admin@example.com"}
        assert set(told(lab.id, limit)) == {f"p{number}@example.com" for number in range(7)}
        assert len(told(lab.id, limit)) == 7
    services.administration.disable("p1@example.com")
    assert set(told(None, 100)) == odd - {"p1@example.com"} | {"admin@example.com"}
    assert services.rights.who("read:groups", group_id=lab.id, limit=100).items == []
    members = services.rights.members(lab.id, limit=100).items
    assert {each.email for each in members if not each.is_active} == {"p1@example.com"}
    assert {(each.role, each.is_primary) for each in members} == {("editor", False)}
    found = services.rights.members(lab.id, search="P3@EX", limit=100).items
    assert [each.email for each in found] == ["p3@example.com"]
    assert services.rights.members(lab.id, search=EMAIL, limit=100).items == []
    editors = services.rights.members(lab.id, role_id=services.roles.get("editor").id, limit=100).items
    assert editors == members
    assert services.rights.members(lab.id, role_id=services.roles.get("member").id, limit=100).items == []


def test_why_names_every_place_and_which_of_them_decides(services: Services) -> None:
    person, lab = services.accounts.find(EMAIL).id, group(services, "Lab", "workspace")
    editor = role(services, "editor", ["manage:teams"])
    services.standing.make(Placement(person, lab.id, editor.id))
    found = services.rights.why(person, "manage:teams")
    assert (found.is_allowed, found.is_active) == (False, True)
    assert [(each.group, each.kind, each.role, each.is_primary, each.carries) for each in found.reasons] == [
        ("Lab", "workspace", "editor", False, True),
        ("MAX", "group", "member", True, False),
    ]
    services.standing.make(Placement(person, lab.id, becomes_primary=True))
    assert services.rights.why(person, "manage:teams").is_allowed
    services.standing.make(RolePermissions(editor.id, to=frozenset()))
    assert not services.rights.why(person, "manage:teams").is_allowed
    services.standing.make(RolePermissions(editor.id, add=frozenset({"manage:teams"})))
    services.administration.disable(EMAIL)
    found = services.rights.why(person, "manage:teams")
    assert (found.is_allowed, found.is_active) == (False, False)


def test_groups_are_found_by_any_spelling_of_a_part(services: Services) -> None:
    for name, kind in (("R&D 연구소", "workspace"), ("Seoul Lab", "group"), ("50%", "group")):
        group(services, name, kind)

    def found(**wanted: str) -> set[str]:
        return {each.name for each in services.rights.groups(limit=100, **wanted).items}

    assert found(search="SEOUL") == found(search="\uff33eoul") == {"Seoul Lab"}
    assert found(search="\u1100\u1167\u11ab") == set()
    assert found(search="\u110b\u1167\u11ab\u1100\u116e") == {"R&D 연구소"}
    assert found(search="%") == {"50%"}
    assert found(kind="workspace") == {"R&D 연구소"}
    assert services.rights.group(services.groups.get("MAX").id).members == 2


def test_roles_tell_how_many_people_hold_them(services: Services) -> None:
    person, lab, member = services.accounts.find(EMAIL).id, group(services, "Lab"), services.roles.get("member")
    services.standing.make(Placement(person, lab.id, member.id))
    listed = {each.name: (each.holders, each.is_builtin) for each in services.rights.roles(limit=100).items}
    assert listed == {"admin": (1, True), "member": (1, True)}
