"""The pages about the portal itself, in Chromium."""

import pytest
from playwright.sync_api import expect

from tests.browser.admin.offices import Office, hold

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
