"""Groups, roles, permissions, plans and scopes in Chromium, and what is true of people at the protocol afterwards."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.admin.doing import client_of, press, said_of, title, tokens_of, told
from tests.browser.admin.offices import Office, hold
from tests.browser.people import new_person
from tests.flows.live_client import LiveClient, parameters
from tests.relying_party import REDIRECT_URI

SEE = "See what it would do"
pytestmark = pytest.mark.parametrize("live_portal", ["sqlite"], indirect=True)


def test_a_group_with_somebody_in_it_from_its_beginning_to_its_end(office: Office) -> None:
    person = new_person(office.portal)
    client = client_of(office.portal, "groups", person)
    tokens = tokens_of(client)
    assert said_of(client, tokens)["groups"] == ["MAX"]
    window = office.open("/admin/groups")
    hold(window, "groups")
    press(window, "Create a group")
    hold(window, "new group")
    window.get_by_label("Name", exact=True).fill("Seoul Lab")
    window.get_by_label("Kind").select_option("workspace")
    press(window, "Create")
    title(window, "Seoul Lab")
    told(window, "The group is there")
    press(window, "Add somebody")
    window.get_by_label("Name, e-mail or ID").fill(person.email)
    press(window, "Search")
    hold(window, "found people")
    press(window, "Choose", person.email)
    hold(window, "not a member")
    press(window, SEE)
    told(window, "Seoul Lab: Not in this group → member")
    hold(window, "foreseen member")
    press(window, "Change it")
    told(window, "The change is made.")
    hold(window, "group")
    assert said_of(client, tokens)["workspaces"] == ["Seoul Lab"]
    press(window, "Rename")
    hold(window, "rename group")
    window.get_by_label("Name", exact=True).fill("Busan Lab")
    press(window, "Save")
    title(window, "Busan Lab")
    assert said_of(client, tokens)["workspaces"] == ["Busan Lab"]
    press(window, "Allow acting")
    hold(window, "allow acting")
    press(window, "Allow acting")
    told(window, "Administrators may act as these people from now on.")
    # To be the primary group ends what is out.
    press(window, "Change", person.name)
    window.get_by_label("Make it the primary group").check()
    press(window, SEE)
    told(window, "1 person is logged out everywhere")
    told(window, "The application groups loses access for 1 login.")
    press(window, "Change it")
    told(window, "The change is made.")
    assert client.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert client.userinfo(tokens["access_token"]).status_code == 401
    client.log_in(person.email, person.password)
    tokens = tokens_of(client)
    assert said_of(client, tokens)["group_name"] == "Busan Lab"
    # The group goes, and the platform's own takes its place.
    press(window, "Delete the group")
    told(window, "For some people this is the primary group")
    hold(window, "delete group")
    press(window, SEE)
    told(window, "1 person is logged out everywhere")
    window.locator("button.btn-danger").click()
    told(window, "The group is deleted.")
    assert client.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    client.log_in(person.email, person.password)
    found = said_of(client, tokens_of(client))
    assert (found["group_name"], found["workspaces"]) == ("MAX", [])
    window.goto("/admin/groups?q=Busan")
    told(window, "No group fits this")


def test_a_role_with_its_own_permission_from_its_beginning_to_its_end(office: Office) -> None:
    person = new_person(office.portal)
    client = client_of(office.portal, "roles", person)
    window = office.open("/admin/roles", locale="en-US")
    hold(window, "roles")
    press(window, "Declare a permission")
    hold(window, "new permission")
    window.get_by_label("Name", exact=True).fill("manage:reports")
    window.get_by_label("in English").fill("Manage your reports")
    window.get_by_label("in Korean").fill("보고서를 관리합니다")
    press(window, "Declare")
    title(window, "Manage your reports")
    hold(window, "permission")
    window.goto("/admin/roles")
    press(window, "Create a role")
    hold(window, "new role")
    window.get_by_label("Name", exact=True).fill("reporter")
    for name in ("manage:teams", "manage:models", "read:profile"):
        window.locator(f"[value='{name}']").check()
    press(window, "Create")
    title(window, "reporter")
    told(window, "Nobody holds this role.")
    # Given in the primary group.
    window.goto("/admin/groups?q=MAX")
    press(window, "MAX")
    window.get_by_label("Name, e-mail or ID").fill(person.email)
    press(window, "Filter")
    press(window, "Change", person.name)
    window.get_by_label("Role in MAX").select_option("reporter")
    press(window, SEE)
    told(window, "1 person gains:")
    press(window, "Change it")
    told(window, "The change is made.")
    client.log_in(person.email, person.password)
    tokens = tokens_of(client)
    assert "manage:teams" in tokens["scope"].split()
    assert set(said_of(client, tokens)["permissions"]) == {"manage:teams", "manage:models", "read:profile"}
    # What the role permits is seen as a difference, and counts at the next request.
    window.goto("/admin/roles")
    window.locator(".lines").get_by_role("link", name="reporter").click()
    hold(window, "role")
    press(window, "Change the permissions")
    hold(window, "permissions of a role")
    window.locator("[value='manage:teams']").uncheck()
    window.locator("[value='manage:reports']").check()
    press(window, SEE)
    told(window, "Permits no more: Manage your teams")
    told(window, "1 person gains: Manage your reports")
    told(window, "In the application roles the scope manage:teams stops counting for 1 login.")
    hold(window, "foreseen permissions")
    press(window, "Change it")
    told(window, "The role permits this from now on.")
    assert set(said_of(client, tokens)["permissions"]) == {"manage:models", "manage:reports", "read:profile"}
    refreshed = client.refresh(tokens["refresh_token"])
    assert refreshed.status_code == 200, refreshed.text
    assert "manage:teams" not in refreshed.json().get("scope", "").split()
    press(window, "Rename")
    hold(window, "rename role")
    window.get_by_label("Name", exact=True).fill("writer")
    press(window, "Save")
    title(window, "writer")
    assert said_of(client, refreshed.json())["role_name"] == "writer"
    # Removed, once it is said what takes its place.
    press(window, "Delete the role")
    hold(window, "delete role")
    press(window, SEE)
    told(window, "1 person is logged out everywhere")
    window.locator("button.btn-danger").click()
    told(window, "The role is deleted.")
    client.log_in(person.email, person.password)
    assert said_of(client, tokens_of(client))["role_name"] == "member"
    window.goto("/admin/roles/permissions/manage:reports")
    press(window, "Remove the permission")
    told(window, "The permission is no longer declared.")
    expect(window.locator(".matrix")).not_to_contain_text("manage:reports")


def test_a_plan_gives_another_amount_at_once(office: Office) -> None:
    person = new_person(office.portal)
    client = client_of(office.portal, "plans", person)
    token = tokens_of(client)["access_token"]

    def left() -> int:
        answer = client.send("GET", "/api/v1/quota", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200, answer.text
        return int(answer.json()["remaining"])

    before = left()
    window = office.open("/admin/plans", locale="ko-KR")
    hold(window, "plans")
    window.goto("/admin/plans/free")
    window.locator("#limit").fill(str(before + 23))
    window.locator("form[method=get].panel button").click()
    hold(window, "foreseen plan")
    window.locator(".next button").click()
    expect(window.locator("table")).to_contain_text(str(before + 23))
    assert left() == before + 23


def test_a_scope_from_its_beginning_to_its_end(office: Office) -> None:
    person = new_person(office.portal)
    window = office.open("/admin/scopes", locale="en-US")
    hold(window, "scopes")
    press(window, "Add a scope")
    hold(window, "new scope")
    window.get_by_label("Name", exact=True).fill("read:reports")
    window.get_by_label("in English").fill("See your reports")
    window.get_by_label("in Korean").fill("보고서를 확인합니다")
    press(window, "Add")
    title(window, "See your reports")
    told(window, "No application is registered for it")
    named = ("--redirect-uri", REDIRECT_URI, "--scope", "openid read:reports", "--consent", "always")
    office.portal.flask("clients", "create", "scopes", *named)
    client = LiveClient(office.portal, "scopes")
    client.log_in(person.email, person.password)

    def asked(language: str) -> str:
        page = urlsplit(client.authorize(scope="openid read:reports", prompt="consent").headers["Location"])
        return client.browse("GET", f"{page.path}?{page.query}", headers={"Accept-Language": language}).text

    assert "See your reports" in asked("en")
    press(window, "Change the sentences")
    hold(window, "sentences of a scope")
    window.get_by_label("in English").fill("Read every report of yours")
    window.get_by_label("in Korean").fill("모든 보고서를 읽습니다")
    press(window, "Save")
    title(window, "Read every report of yours")
    hold(window, "scope")
    assert "Read every report of yours" in asked("en")
    assert "모든 보고서를 읽습니다" in asked("ko")
    press(window, "Undo")
    title(window, "See your reports")
    assert "보고서를 확인합니다" in asked("ko")
    window.goto("/admin/scopes/read:reports/delete")
    told(window, "1 application is registered for it")
    hold(window, "scope in use")
    office.portal.flask("clients", "update", "scopes", "--scope", "openid")
    window.reload()
    hold(window, "delete scope")
    press(window, "Remove the scope")
    told(window, "The scope is removed.")
    refused = parameters(client.authorize(scope="read:reports"))
    assert refused["error"] == "invalid_scope"
    press(window, "Undo")
    expect(window.get_by_label("Name", exact=True)).to_have_value("read:reports")
