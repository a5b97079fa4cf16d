"""The first page of the administration and its search, in Chromium."""

import pytest
from playwright.sync_api import expect

from tests.browser.admin.offices import Office, hold
from tests.browser.people import new_person

pytestmark = pytest.mark.parametrize("live_portal", ["sqlite"], indirect=True)


@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
def test_the_first_page_is_whole_in_every_size_and_its_numbers_are_a_table(office: Office, locale: str) -> None:
    window = office.open(locale=locale)
    table = window.locator("figure").first.locator("table")
    expect(table).to_be_hidden()
    window.locator("figure").first.locator("summary").click()
    expect(table.locator("tbody tr")).to_have_count(24)
    hold(window, "home")
    window.locator(".spans a").last.click()
    expect(window.locator(".spans a").last).to_have_attribute("aria-current", "true")
    expect(table.locator("tbody tr")).to_have_count(30)


def test_the_search_is_a_key_away_and_leads_to_a_person_by_keys_alone(office: Office) -> None:
    person = new_person(office.portal)
    window = office.open()
    palette = window.get_by_role("dialog")
    for key in ("/", "Control+k"):
        window.keyboard.press(key)
        expect(palette.locator("input")).to_be_focused()
        window.keyboard.press("Escape")
        expect(palette).to_be_hidden()
    window.keyboard.press("/")
    window.keyboard.type("peop")
    expect(palette.locator("a[href$='/admin/people']")).to_be_visible()
    window.keyboard.press("Control+a")
    window.keyboard.type(person.email)
    found = palette.get_by_role("link", name=person.name)
    expect(found).to_be_visible()
    hold(window, "dialog")
    window.keyboard.press("ArrowDown")
    expect(found).to_be_focused()
    window.keyboard.press("Enter")
    expect(window.locator("main")).to_contain_text(person.email)


def test_the_search_is_a_page_too_and_says_when_nothing_is_found(office: Office) -> None:
    person = new_person(office.portal)
    window = office.open(java_script_enabled=False)
    window.locator("[data-search]").fill(person.email)
    window.keyboard.press("Enter")
    window.get_by_role("link", name=person.name).click()
    expect(window.locator("main")).to_contain_text(person.email)
    window.goto("/admin/search?q=nobody-of-this-name")
    expect(window.locator(".empty")).to_be_visible()
