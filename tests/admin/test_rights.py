"""Groups, roles, permissions and plans as administrators change them, and how far lesser ones get."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.services.foundation.environment import NOBODY
from app.services.plans.catalogue import MOST
from app.services.tenancy.member_changes import Placement
from app.services.tenancy.role_changes import RolePermissions
from tests.account.browsing import Facts, send, shown
from tests.admin.offices import administrator
from tests.relying_party import add_person

PERSON = "ada@example.com"
NOTHING = "00000000-0000-4000-8000-000000000000"


@dataclass
class Desk:
    """An administrator's browser, and the portal itself."""

    app: Flask
    browser: FlaskClient

    def ask(self, question: Any) -> Any:
        """What a function of the services answers; what it changes stays."""
        with self.app.app_context():
            services = self.app.extensions["services"]
            found = question(services)
            services.db.commit()
            return found

    def group(self, name: str, kind: str = "group") -> str:
        return str(self.ask(lambda services: services.groups.create(name, kind, NOBODY).id))

    def role(self, name: str, *permissions: str) -> str:
        return str(self.ask(lambda services: services.roles.create(name, permissions, NOBODY).id))

    def role_id(self, name: str) -> str:
        return str(self.ask(lambda services: services.roles.get(name).id))

    def group_id(self, name: str) -> str:
        return str(self.ask(lambda services: services.groups.get(name).id))

    def permits(self, name: str) -> set[str]:
        return set(self.ask(lambda services: services.roles.get(name).permissions))

    def places(self, who: str) -> set[tuple[str, str, bool]]:
        found = self.ask(lambda services: services.standing.places(who))
        return {(each.group.name, each.role.name, each.is_primary) for each in found}

    def put(self, who: str, group_id: str, role_id: str, *, is_primary: bool = False) -> None:
        change = Placement(who, group_id, role_id, becomes_primary=is_primary)
        self.ask(lambda services: services.standing.make(change))

    def page(self, path: str) -> str:
        return shown(self.browser.get(path))

    def refused(self, path: str, **form: Any) -> str:
        response = send(self.browser, path, "/logout", **form)
        assert response.status_code == 400, response.text
        return " ".join(response.text.split())

    def done(self, path: str, **form: Any) -> str:
        response = send(self.browser, path, "/logout", **form)
        assert response.status_code == 303, response.text
        return str(response.location)


@pytest.fixture
def desk(app: Flask) -> Desk:
    return Desk(app, administrator(app))


@pytest.fixture
def lesser(app: Flask) -> Desk:
    return Desk(app, administrator(app, "admin:users", email="people@example.com"))


def test_a_group_is_made_found_renamed_and_removed(desk: Desk) -> None:
    path = desk.done("/admin/groups/new", name="  Seoul  Lab ", kind="workspace")
    assert "Nobody is in this group yet" in desk.page(path)
    assert "There is a group of that name already" in desk.refused("/admin/groups/new", name="SEOUL lab", kind="group")
    assert 'value="SEOUL lab"' in desk.browser.get("/admin/groups/new").text
    assert "1 to 100 characters" in desk.refused("/admin/groups/new", name="", kind="group")
    assert desk.refused("/admin/groups/new", name="x", kind="team")
    assert "Seoul Lab" in desk.page("/admin/groups?q=lab&kind=workspace")
    assert "No group fits this" in desk.page("/admin/groups?q=lab&kind=group")
    desk.done(f"{path}/name", name="Busan")
    assert "Busan" in desk.page(path)
    assert "Nobody may see the portal" in desk.page(path)
    assert "for a short time and with a reason" in desk.page(f"{path}/acting?allowed=yes")
    for _again in range(2):
        desk.done(f"{path}/acting?allowed=yes")
    assert "Nobody may see the portal" not in desk.page(path)
    assert "stops within a minute" in desk.page(f"{path}/acting?allowed=no")
    desk.done(f"{path}/acting?allowed=no")
    assert "Nobody may see the portal" in desk.page(path)
    assert desk.browser.get(f"{path}/acting").status_code == 404
    assert "It concerns nobody" in desk.page(f"{path}/delete")
    desk.done(f"{path}/delete")
    assert desk.browser.get(path).status_code == 404
    own = f"/admin/groups/{desk.group_id('MAX')}"
    assert "Delete the group" not in desk.page(own)
    assert "keeps its name" in desk.refused(f"{own}/name", name="Other")
    assert "keeps its name" in desk.refused(f"{own}/delete?primary=MAX")


def test_who_is_in_a_group_with_which_role_is_seen_before_it_is_so(desk: Desk, app: Flask) -> None:
    who, lab = add_person(app, PERSON), desk.group("Lab")
    editor, member = desk.role("editor", "manage:teams"), desk.role_id("member")
    assert desk.ask(lambda services: services.sessions.start(who, NOBODY))
    found = desk.page(f"/admin/groups/{lab}/members/new?q=ada")
    assert f"/admin/groups/{lab}/members/{who}" in found
    path = f"/admin/groups/{lab}/members/{who}"
    page = desk.page(f"{path}?{urlencode({'role': editor})}")
    assert "Lab: Not in this group → editor" in page
    assert "logged out everywhere" not in page
    assert desk.places(who) == {("MAX", "member", True)}
    desk.done(f"{path}?role={editor}")
    assert desk.places(who) == {("MAX", "member", True), ("Lab", "editor", False)}
    assert "In this group already: editor" in desk.page(f"/admin/groups/{lab}/members/new?q=ada")
    assert "Nothing: it concerns nobody, or is so already" in desk.page(f"{path}?role={editor}")
    page = desk.page(f"{path}?role={editor}&primary=yes")
    assert "1 person is logged out everywhere" in page
    assert "1 person gains: Manage your teams manage:teams" in re.sub("<[^>]+>", "", page)
    desk.done(f"{path}?role={editor}&primary=yes")
    assert Facts(app).one("SELECT count(*) FROM user_sessions WHERE user_id = :who AND ended_at IS NULL", who=who) == 0
    members = desk.page(f"/admin/groups/{lab}?q=ada&role={editor}")
    assert PERSON in members
    assert "Nobody fits this" in desk.page(f"/admin/groups/{lab}?role={member}")
    # Out of the primary group only where another one is named that the person is in.
    assert "Say which one is the primary group then" in desk.refused(f"{path}?role=-")
    assert "not in that group" in desk.refused(f"{path}?role=-&next={desk.group('Other')}")
    desk.done(f"{path}?role=-&next={desk.group_id('MAX')}")
    assert desk.places(who) == {("MAX", "member", True)}
    for nonsense in ("", "?role=x", f"?role={NOTHING}", f"?role=-&next={NOTHING}"):
        desk.refused(f"{path}{nonsense}")
    assert desk.browser.get(f"/admin/groups/{NOTHING}/members/{who}").status_code == 404
    assert desk.browser.get(f"/admin/groups/{lab}/members/{NOTHING}").status_code == 404


def test_a_group_that_is_somebodys_primary_one_goes_once_another_takes_its_place(desk: Desk, app: Flask) -> None:
    who, lab = add_person(app, PERSON), desk.group("Lab")
    desk.put(who, lab, desk.role("editor"), is_primary=True)
    path = f"/admin/groups/{lab}/delete"
    page = desk.page(path)
    assert "For some people this is the primary group" in page
    assert "What it would do" not in page
    assert "Say which one is theirs then" in desk.refused(path)
    assert "no group of that name" in desk.refused(f"{path}?primary=nowhere")
    assert "1 person is logged out everywhere" in desk.page(f"{path}?primary=max")
    desk.done(f"{path}?primary=max")
    assert desk.places(who) == {("MAX", "member", True)}


def test_what_a_role_permits_is_changed_beside_what_was_shown(desk: Desk, app: Flask) -> None:
    who, editor = add_person(app, PERSON), desk.role("editor", "manage:teams", "read:profile")
    desk.put(who, desk.group_id("MAX"), editor)
    path = f"/admin/roles/{editor}/permissions"
    chosen = {"permissions": ["manage:models", "read:profile"], "seen": "manage:teams read:profile"}
    foreseen = re.sub("<[^>]+>", "", shown(send(desk.browser, path, **chosen)))
    assert "1 person gains: Manage your models" in foreseen
    assert "1 person loses: Manage your teams" in foreseen
    assert desk.permits("editor") == {"manage:teams", "read:profile"}
    # Somebody else gives another one meanwhile, which stays.
    with app.app_context():
        services = app.extensions["services"]
        services.standing.make(RolePermissions(editor, add=frozenset({"manage:apis"})))
        services.db.session.commit()
    desk.done(path, **chosen, sure="y")
    assert desk.permits("editor") == {"manage:models", "read:profile", "manage:apis"}
    assert "no permission of that name" in desk.refused(path, permissions=["manage:nothing"], seen="", sure="y")
    assert "belongs to the role admin" in desk.refused(path, permissions=["admin:access"], seen="", sure="y")
    assert desk.refused(path, permissions=["\uff21"], seen="", sure="y")
    assert desk.permits("editor") == {"manage:models", "read:profile", "manage:apis"}


def test_a_role_is_made_renamed_and_removed_once_its_holders_get_another(desk: Desk, app: Flask) -> None:
    path = desk.done("/admin/roles/new", name="editor", permissions=["manage:teams"])
    assert desk.permits("editor") == {"manage:teams"}
    assert "There is a role of that name already" in desk.refused("/admin/roles/new", name="EDITOR")
    refused = desk.refused("/admin/roles/new", name="two words", permissions=["manage:apis"])
    assert "letters and digits" in refused
    assert re.search(r'value="manage:apis" checked', refused)
    desk.done(f"{path}/name", name="writer")
    who = add_person(app, PERSON)
    desk.put(who, desk.group_id("MAX"), desk.role_id("writer"))
    assert PERSON in desk.page(path)
    assert PERSON in desk.page(f"{path}/people")
    assert "Say which one they get in its place" in desk.refused(f"{path}/delete")
    desk.refused(f"{path}/delete?replacement={NOTHING}")
    other = f"{path}/delete?replacement={desk.role_id('member')}"
    assert "1 person is logged out everywhere" in desk.page(other)
    desk.done(other)
    assert desk.places(who) == {("MAX", "member", True)}
    assert desk.browser.get(path).status_code == 404
    member = f"/admin/roles/{desk.role_id('member')}"
    assert "keep their names" in desk.refused(f"{member}/name", name="other")
    assert "keep their names" in desk.refused(f"{member}/delete?replacement={desk.role_id('admin')}")


def test_a_permission_is_declared_in_both_languages_and_removed_once_nobody_has_it(desk: Desk) -> None:
    words = {"sentence_en": "Manage your reports", "sentence_ko": "보고서를 관리합니다"}
    path = desk.done("/admin/roles/permissions/new", permission="manage:reports", **words)
    assert "보고서를 관리합니다" in desk.page(path)
    assert "Manage your reports" in desk.page("/admin/roles")
    assert "already" in desk.refused("/admin/roles/permissions/new", permission="ｍanage:reports", **words)
    refused = desk.refused("/admin/roles/permissions/new", permission="manage:more", sentence_en="", sentence_ko="가")
    assert 'id="sentence_en-error"' in refused
    editor = desk.role("editor", "manage:reports")
    assert "Take it from the role first" in desk.refused(f"{path}/remove")
    desk.done(f"/admin/roles/{editor}/permissions", seen="manage:reports", sure="y")
    desk.done(f"{path}/remove")
    assert desk.browser.get(path).status_code == 404
    assert "every portal has" in desk.refused("/admin/roles/permissions/manage:teams/remove")
    assert desk.browser.get("/admin/roles/permissions/no").status_code == 404


def test_a_plan_gives_another_amount_once_it_was_seen_whom_that_stops(desk: Desk, app: Flask) -> None:
    who, _other = add_person(app, PERSON), add_person(app, "bob@example.com")
    desk.ask(lambda services: services.quotas.consume(who, 30, client_id="maxlab"))
    path = "/admin/plans/free"
    assert "What it would do" not in desk.page(path)
    page = desk.page(f"{path}?limit=30")
    assert "Have nothing left this month: 1 person" in page
    assert "Had nothing left" not in page
    assert "Have nothing left" not in desk.page(f"{path}?limit=31")
    desk.done(f"{path}?limit=30")
    assert desk.ask(lambda services: services.quotas.read(who).remaining) == 0
    assert "Had nothing left and can go on: 1 person" in desk.page(f"{path}?limit=-")
    desk.done(f"{path}?limit=-")
    assert desk.ask(lambda services: services.quotas.read(who).limit) is None
    for nonsense in ("x", "-1", "1.5", str(MOST + 1), "9" * 500, "１２", "0x10"):
        assert "whole number" in desk.refused(f"{path}?{urlencode({'limit': nonsense})}")
    assert desk.ask(lambda services: services.quotas.read(who).limit) is None
    assert desk.browser.get("/admin/plans/none").status_code == 404
    assert "As much as one likes" in desk.page("/admin/plans")


def test_who_administers_people_gives_nobody_any_part_of_the_administration(lesser: Desk, app: Flask) -> None:
    boss, who = add_person(app, "boss@example.com", is_admin=True), add_person(app, PERSON)
    me = lesser.ask(lambda services: services.accounts.find("people@example.com").id)
    keys, own = lesser.role("keys", "admin:keys"), lesser.role_id("role-people")
    admin, editor = lesser.role_id("admin"), lesser.role("editor")
    lab = lesser.group("Lab")
    before = {each: lesser.places(each) for each in (boss, who, me)}
    page = lesser.browser.get("/admin/roles/new").text
    assert re.search(r'value="admin:keys" disabled', page)
    assert "Only an administrator of the platform gives or takes this" in page
    refused = {
        f"/admin/groups/{lab}/members/{who}?role={keys}": {},
        f"/admin/groups/{lab}/members/{who}?role={admin}": {},
        f"/admin/groups/{lab}/members/{boss}?role={editor}": {},
        f"/admin/groups/{lab}/members/{me}?role={editor}": {},
        f"/admin/groups/{lesser.group_id('MAX')}/members/{boss}?role=-": {},
        "/admin/roles/new": {"name": "more", "permissions": ["admin:clients"]},
        f"/admin/roles/{editor}/permissions": {"permissions": ["admin:clients"], "seen": "", "sure": "y"},
        f"/admin/roles/{own}/permissions": {"permissions": ["manage:teams"], "seen": "", "sure": "y"},
        f"/admin/roles/{keys}/name": {"name": "other"},
        f"/admin/roles/{keys}/delete": {},
        f"/admin/roles/{editor}/delete?replacement={keys}": {},
    }
    lesser.put(who, lab, editor)
    before[who] = lesser.places(who)
    for path, form in refused.items():
        response = send(lesser.browser, path, "/logout", **form)  # type: ignore[arg-type]
        assert response.status_code == 403, path
    assert {each: lesser.places(each) for each in before} == before
    assert lesser.permits("editor") == set()
    assert lesser.permits("role-people") == {"admin:users"}
    page = lesser.page(f"/admin/groups/{lab}/members/{who}?role={keys}")
    assert "Only an administrator of the platform can do it" in page
    assert "Change it" not in page
    assert "Only an administrator of the platform changes it" in lesser.page(f"/admin/roles/{keys}")
    assert lesser.browser.get("/admin/plans").status_code == 403


@pytest.mark.parametrize("part", ["admin:system", "admin:clients"])
def test_other_parts_do_not_open_groups_and_roles(app: Flask, part: str) -> None:
    desk = Desk(app, administrator(app, part))
    lab = desk.group("Lab")
    for path in ("/admin/groups", f"/admin/groups/{lab}", "/admin/roles", f"/admin/roles/{desk.role_id('member')}"):
        assert desk.browser.get(path).status_code == 403, path
    assert send(desk.browser, f"/admin/groups/{lab}/delete", "/logout").status_code == 403
    assert desk.group_id("Lab") == lab
    page = desk.browser.get("/admin/plans")
    assert page.status_code == (200 if part == "admin:system" else 403)
    assert "/admin/people?plan" not in page.text


WAYS = {
    "admin:users": {
        "q=lab": "/admin/groups/",
        "q=edito": "/admin/roles/",
        "q=manage your": "/admin/roles/permissions/manage:teams",
    },
    "admin:clients": {"q=manage:teams": "/admin/scopes/manage:teams"},
    "admin:system": {"q=pro": "/admin/plans/pro", "q=jwt_algo": "/admin/settings?q=JWT_ALGORITHM"},
    "admin:keys": {"q=": "/admin/keys"},
}


@pytest.mark.parametrize("part", WAYS)
def test_a_search_finds_what_its_pages_would_open_and_no_more(app: Flask, part: str) -> None:
    desk = Desk(app, administrator(app, part))
    desk.group("Lab"), desk.role("editor")
    (kid, *_rest) = desk.ask(lambda services: [each.kid for each in services.keys.describe()])
    for opened, ways in WAYS.items():
        for query, way in ways.items():
            asked = f"/admin/search/found?q={kid[:7]}" if query == "q=" else f"/admin/search/found?{query}"
            assert (f'href="{way}' in desk.browser.get(asked).text) == (opened == part), (opened, query)
