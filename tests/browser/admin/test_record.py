"""Sessions, tokens, the denylist, the audit log and signing keys in Chromium, and what is true at the protocol then."""

import base64
import json
import re
import time
from collections.abc import Callable
from typing import TypeVar

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.browser.accessibility import hold_accessibility
from tests.browser.admin.doing import client_of, press, title, tokens_of, told
from tests.browser.admin.offices import Office, hold
from tests.browser.people import new_person
from tests.flows.live_client import PATIENCE

T = TypeVar("T")

pytestmark = pytest.mark.parametrize("live_portal", ["sqlite"], indirect=True)


def userinfo(office: Office, token: str) -> int:
    """What the portal answers who brings that access token."""
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{office.portal.url}/api/oauth/userinfo", headers=headers, timeout=10).status_code


def first(window: Page) -> None:
    """Open the first row of a list."""
    window.locator("table.listing tbody th a").first.click()


@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
def test_every_page_is_whole_in_every_size(office: Office, locale: str) -> None:
    person = new_person(office.portal)
    tokens_of(client_of(office.portal, f"looked-{locale[:2]}", person))
    window = office.open("/admin/sessions", locale=locale)
    hold(window, "sessions")
    window.goto(f"/admin/sessions?person={person.email}")
    first(window)
    hold(window, "session")
    window.goto(f"/admin/tokens?person={person.email}")
    hold(window, "tokens")
    first(window)
    hold(window, "token")
    for path in ("tokens/denied", "audit", "audit/export", "audit/verify"):
        window.goto(f"/admin/{path}")
        hold(window, path)


def test_what_is_ended_ends_at_the_application(office: Office) -> None:
    person = new_person(office.portal)
    client = client_of(office.portal, "ended", person)
    tokens = tokens_of(client)
    window = office.open("/admin/tokens/denied")
    window.locator("#pasted").fill(tokens["access_token"])
    press(window, "Look up")
    expect(window.locator("#pasted")).to_have_value("")
    hold_accessibility(window, "a token that was looked up")
    assert userinfo(office, tokens["access_token"]) == 200
    press(window, "Deny the token")
    told(window, "denied from now on")
    assert userinfo(office, tokens["access_token"]) == 401

    renewed = client.refresh(tokens["refresh_token"]).json()
    window.goto(f"/admin/tokens?person={person.email}&state=active")
    first(window)
    press(window, "Revoke the tokens")
    told(window, "The tokens have ended.")
    assert userinfo(office, renewed["access_token"]) == 401
    assert client.refresh(renewed["refresh_token"]).json()["error"] == "invalid_grant"

    tokens = tokens_of(client)
    window.goto(f"/admin/sessions?person={person.email}&client=ended&state=active")
    first(window)
    press(window, "End the session")
    told(window, "The session has ended")
    assert userinfo(office, tokens["access_token"]) == 401
    assert client.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    window.goto("/admin/tokens/denied?client=ended")
    expect(window.locator("table.listing tbody tr")).to_have_count(3)
    hold(window, "denylist")


def test_the_log_is_verified_and_taken_along(office: Office) -> None:
    window = office.open("/admin/audit")
    press(window, "Verify the log")
    title(window, "Verify the audit log")
    press(window, "Verify the log")
    expect(window.locator(".state-good")).to_have_text("Whole")
    hold(window, "verified")
    for name, ending in (("Download as CSV", "csv"), ("Download as JSON lines", "jsonl")):
        window.goto("/admin/audit/export?action=audit:")
        with window.expect_download() as download:
            window.get_by_role("button", name=name).click()
        assert download.value.suggested_filename.endswith(f".{ending}")
        expect(window.locator("[data-export-status]")).to_have_text(re.compile(r"Done: \d+ records?"))


def test_a_filter_is_saved_followed_and_removed(office: Office) -> None:
    window = office.open("/admin/audit")
    window.locator("#filter-action").select_option("account:")
    window.locator("#filter-success").select_option("no")
    press(window, "Filter")
    press(window, "Save this filter")
    title(window, "Save this filter")
    hold(window, "save a filter")
    office.windows.expect("status of 400")
    press(window, "Save")
    told(window, "Give the filter a name.")
    window.locator("#name").fill("Refused")
    press(window, "Save")
    told(window, "The filter is saved.")
    expect(window.locator(".saved [aria-current]")).to_have_text("Refused")
    window.goto("/admin/audit")
    window.locator(".saved").get_by_role("link", name="Refused").click()
    expect(window.locator("#filter-success")).to_have_value("no")
    expect(window.locator("#filter-action")).to_have_value("account:")
    hold(window, "a filter that was followed")
    press(window, "Manage saved filters")
    hold(window, "saved filters")
    press(window, "Remove", "Refused")
    told(window, "There is none yet.")
    window.goto("/admin/audit")
    expect(window.locator(".saved")).to_have_count(0)


def test_the_next_key_signs_and_what_a_retired_one_signed_is_refused(office: Office) -> None:
    person = new_person(office.portal)
    client = client_of(office.portal, "keyed", person)
    old = tokens_of(client)["access_token"]
    window = office.open("/admin/keys")
    hold(window, "keys")
    window.goto("/admin/keys/rotate")
    hold(window, "rotate")
    window.locator("main form button.btn-primary").first.click()
    told(window, "signs from now on")
    before = kid_of(old)
    # Other processes notice within two seconds.
    new = settled(lambda: tokens_of(client)["access_token"], lambda token: kid_of(token) != before)
    after = kid_of(new)
    published = requests.get(f"{office.portal.url}/.well-known/jwks.json", timeout=10).json()["keys"]
    assert {before, after} <= {each["kid"] for each in published}
    assert userinfo(office, old) == 200
    window.goto(f"/admin/keys/{before}/retire")
    hold(window, "retire")
    window.locator("main form button.btn-danger").click()
    expect(window.locator("h1")).to_have_text("Signing keys")
    settled(lambda: userinfo(office, old), lambda status: status == 401)
    assert userinfo(office, new) == 200


def settled(ask: Callable[[], T], is_it: Callable[[T], bool]) -> T:
    """The first answer that is as it is to become."""
    deadline = time.monotonic() + PATIENCE
    while not is_it(found := ask()):
        assert time.monotonic() < deadline, found
    return found


def kid_of(token: str) -> str:
    """The key that signed it."""
    header = token.partition(".")[0]
    return str(json.loads(base64.urlsafe_b64decode(f"{header}==="))["kid"])
