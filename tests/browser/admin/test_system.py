"""The pages about the portal itself, in Chromium."""

import json

import pytest
from playwright.sync_api import expect

from tests.browser.accessibility import hold_accessibility
from tests.browser.admin.offices import Office, hold

PATIENCE = 180_000
pytestmark = pytest.mark.parametrize("live_portal", ["sqlite"], indirect=True)


@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
def test_settings_are_searched_and_whole_in_every_size(office: Office, locale: str) -> None:
    window = office.open("/admin/settings", locale=locale)
    rows = window.locator("table.settings tbody tr")
    assert rows.count() > 90
    window.locator("#filter-q").fill("mail_")
    window.keyboard.press("Enter")
    expect(rows.first).to_contain_text("MAIL_SERVER")
    window.locator(".how summary").click()
    hold(window, "settings")


def test_a_self_check_is_run_from_its_page_and_finds_the_setting_that_is_loose(office: Office) -> None:
    """The portal of these tests limits no guesses."""
    window = office.open("/admin")
    window.get_by_role("link", name="Never run").click()
    hold(window, "no self-check")
    window.get_by_role("link", name="New self-check").click()
    hold(window, "new self-check")
    window.get_by_role("button", name="Start the self-check").click()
    expect(window.get_by_role("progressbar")).to_be_visible()
    hold_accessibility(window, "self-check running")
    # The page renews itself until the run is over.
    expect(window.get_by_role("heading", name="Report")).to_be_visible(timeout=PATIENCE)
    failed = window.locator(".finding-failed")
    expect(failed).to_have_count(1)
    expect(failed).to_contain_text("login_limit")
    expect(failed).to_contain_text("Set RATE_LIMIT_ENABLED to true")
    hold(window, "self-check report")
    window.goto("/admin")
    expect(window.get_by_text("1 did not hold")).to_be_visible()
    assert json.loads(office.portal.flask("users", "list", "--search", "selfcheck", "--json")) == []

    window.goto("/admin/self-check/new")
    window.get_by_label("Only what is read").check()
    window.get_by_role("button", name="Start the self-check").click()
    expect(window.get_by_text("Nothing failed").first).to_be_visible()
    expect(window.locator("table.listing tbody tr")).to_have_count(2)
