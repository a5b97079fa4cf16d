"""What administrators do for people in Chromium, and what is true of them at the protocol afterwards."""

import json
from pathlib import Path

import bcrypt
import pytest
from playwright.sync_api import Page, expect

from app import create_app
from app.settings import Settings
from tests import relying_party
from tests.browser.admin.doing import client_of, press, said_of, title, tokens_of, told
from tests.browser.admin.offices import Office, hold
from tests.browser.people import Person, new_person
from tests.flows.live_client import LiveClient
from tests.mailbox import kept_link
from tests.portal import Portal, close

NEW_PASSWORD = "green-heron-1177-door"
pytestmark = pytest.mark.parametrize("live_portal", ["sqlite"], indirect=True)


def at(office: Office, person: Person, locale: str = "en-US") -> Page:
    """The page of a person, found in the list."""
    window = office.open(f"/admin/people?q={person.email}", locale=locale)
    window.locator("table.listing tbody a").click()
    return window


def set_password(office: Office, link: str) -> None:
    """Follow a mailed link and choose a password."""
    window = office.windows.open(locale="en-US")
    window.goto(link)
    window.locator("input[name=password]").fill(NEW_PASSWORD)
    window.locator("form[data-once] button:not([type=button])").click()
    expect(window.locator("input[name=email]")).to_be_visible()


def link_identity(portal: Portal, person: Person) -> None:
    """Link a login at Kakao with the account."""
    app = create_app(Settings.from_environment(portal.environment))
    with app.app_context():
        who = app.extensions["services"].accounts.find(person.email).id
    relying_party.link_identity(app, who, subject=person.email)
    close(app)


def can_log_in(office: Office, email: str, password: str) -> bool:
    """Whether that password opens that account."""
    return LiveClient(office.portal, "nobody").log_in(email, password).status_code == 303


@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
def test_people_are_found_and_shown_in_every_size(office: Office, locale: str) -> None:
    person = new_person(office.portal)
    window = office.open(f"/admin/people?q={person.email}", locale=locale)
    hold(window, "people")
    window.get_by_role("link", name=person.name).click()
    expect(window.get_by_role("heading", level=1)).to_have_text(person.name)
    hold(window, "person")


def test_what_is_done_for_one_person_counts_at_once(office: Office) -> None:
    person = new_person(office.portal)
    client = client_of(office.portal, "shop", person)
    tokens, window = tokens_of(client), at(office, person)
    press(window, "Address not verified")
    told(window, "no longer counts as verified")
    press(window, "Address verified")
    told(window, "The e-mail address counts as verified.")
    press(window, "Edit")
    hold(window, "edit")
    window.get_by_label("Name", exact=True).fill("Ada King")
    press(window, "Save")
    title(window, "Ada King")
    assert said_of(client, tokens)["name"] == "Ada King"
    press(window, "Change the plan")
    hold(window, "plan")
    window.get_by_label("Plan").select_option("pro")
    window.locator("#page-form button").click()
    told(window, "The plan is changed.")
    # Every way of ending what somebody holds, seen by the application that holds it.
    for name, answer in (("Log out everywhere", "have ended"), ("Disable the account", "The account is disabled.")):
        press(window, name)
        told(window, answer)
        assert client.refresh(tokens["refresh_token"]).status_code == 400
        if name.startswith("Disable"):
            assert not can_log_in(office, person.email, person.password)
            press(window, "Enable the account")
            told(window, "The account can be used again.")
        client.log_in(person.email, person.password)
        tokens = tokens_of(client)
    press(window, "All sessions and applications")
    hold(window, "access")
    for _ in range(window.get_by_role("button", name="End the session").count()):
        window.get_by_role("button", name="End the session").first.click()
        told(window, "The session has ended.")
    assert client.refresh(tokens["refresh_token"]).status_code == 400
    press(window, "Activity")
    hold(window, "activity")
    press(window, "Overview")
    press(window, "Mail a link for a new password")
    told(window, "on its way")
    set_password(office, kept_link(office.portal, person.email, "/reset-password"))
    assert can_log_in(office, person.email, NEW_PASSWORD)
    press(window, "Delete the account")
    hold(window, "delete")
    window.locator("input[name=email]").fill(person.email)
    window.locator("#page-form button").click()
    told(window, "The account is deleted.")
    assert not can_log_in(office, person.email, NEW_PASSWORD)


def test_what_somebody_belongs_to_and_lets_in_is_changed(office: Office) -> None:
    person = new_person(office.portal)
    office.portal.flask("groups", "create", "Lab")
    client = client_of(office.portal, "lab-app", person)
    tokens, window = tokens_of(client), at(office, person)
    press(window, "Change groups and roles")
    window.get_by_label("Group", exact=True).select_option("Lab")
    window.get_by_label("Role", exact=True).select_option("member")
    press(window, "See what it would do")
    told(window, "Lab: Not in this group → member")
    hold(window, "groups")
    press(window, "Change it")
    assert "Lab" in str(said_of(client, tokens)["groups"])
    press(window, "All sessions and applications")
    press(window, "Remove the access of lab-app")
    told(window, "No application has access")
    assert client.refresh(tokens["refresh_token"]).status_code == 400
    link_identity(office.portal, person)
    window.reload()
    press(window, "Unlink")
    hold(window, "unlink")
    window.locator("#page-form button").click()
    told(window, "Ways to log in")
    assert json.loads(office.portal.flask("identities", "list", person.email, "--json")) == []


def test_somebody_who_is_invited_chooses_a_password_and_is_there(office: Office) -> None:
    window = office.open("/admin/people/new")
    hold(window, "new person")
    window.get_by_label("E-mail").first.fill("invited@example.com")
    window.get_by_label("Name").fill("Grace")
    window.get_by_label("By a link in a mail").check()
    press(window, "Create the account")
    told(window, "the invitation is on its way")
    set_password(office, kept_link(office.portal, "invited@example.com", "/reset-password"))
    assert can_log_in(office, "invited@example.com", NEW_PASSWORD)


def test_accounts_that_may_be_one_person_are_seen_side_by_side(office: Office) -> None:
    one, other = (Person(f"{name}@twins.example", name="Twin") for name in ("one", "other"))
    for each in (one, other):
        office.portal.flask("users", "create", each.email, "--password", each.password, "--name", each.name)
    window = at(office, one)
    told(window, "The same name")
    press(window, "Compare", other.email)
    hold(window, "side by side")
    expect(window.locator("thead")).to_contain_text(other.email)


@pytest.mark.parametrize("script", [True, False])
def test_many_are_disabled_at_once_and_a_report_says_so(office: Office, script: bool) -> None:
    people = [Person(f"many{number}-{script}@example.com".lower()) for number in range(3)]
    for each in people:
        office.portal.flask("users", "create", each.email, "--password", each.password, "--name", each.name)
    client = client_of(office.portal, f"many-{script}".lower(), people[0])
    tokens = tokens_of(client)
    window = office.open(f"/admin/people?q=-{script}@".lower(), java_script_enabled=script)
    for box in window.locator("input[name=person]").all()[1:]:
        box.check()
    press(window, "Choose what to do")
    window.get_by_label("Disable the accounts").check()
    press(window, "See what it would do")
    told(window, "It would be done to 2 people.")
    if script:
        hold(window, "foreseen task")
    press(window, "Do it to 2 people")
    expect(window.get_by_role("link", name="Download the report (CSV)")).to_be_visible()
    if script:
        hold(window, "report")
    with window.expect_download() as download:
        window.get_by_role("link", name="Download the report (CSV)").click()
    rows = Path(download.value.path()).read_text("utf-8-sig").splitlines()[1:]
    assert sorted(rows) == [f'"{each.email}","done",""' for each in people[:2]]
    assert client.refresh(tokens["refresh_token"]).status_code == 400
    assert can_log_in(office, people[2].email, people[2].password)


def test_people_of_a_file_log_in_with_the_passwords_they_had(office: Office) -> None:
    kept = bcrypt.hashpw(b"old-password-4411", bcrypt.gensalt(4)).decode()
    content = f"email,name,password_hash\nmoved@example.com,김민수,{kept}\nnothing,X,\n"
    window = office.open("/admin/people/import")
    hold(window, "import")
    for encoding in ("cp949", "utf-8-sig"):
        office.windows.expect("status of 400")
        file = {"name": "people.csv", "mimeType": "text/csv", "buffer": content.encode(encoding)}
        window.locator("input[type=file]").set_input_files([file])  # type: ignore[list-item]
        window.locator("#page-form button").click()
        if encoding == "cp949":
            expect(window.locator("#file-error")).to_contain_text("CSV UTF-8")
    told(window, "This is what it would do.")
    told(window, "1 row counts. 1 row is refused and does nothing.")
    hold(window, "dry run")
    assert not can_log_in(office, "moved@example.com", "old-password-4411")
    press(window, "Import")
    told(window, "The file was imported and is removed.")
    hold(window, "imported")
    assert can_log_in(office, "moved@example.com", "old-password-4411")
    # The first login has replaced the hash by the portal's own.
    assert can_log_in(office, "moved@example.com", "old-password-4411")
