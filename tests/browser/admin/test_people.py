"""What administrators do for people in Chromium, and what is true of them at the protocol afterwards."""

import pytest
from playwright.sync_api import expect

from tests.browser.admin.offices import Office, hold
from tests.browser.people import new_person

pytestmark = pytest.mark.parametrize("live_portal", ["sqlite"], indirect=True)


@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
def test_people_are_found_and_shown_in_every_size(office: Office, locale: str) -> None:
    person = new_person(office.portal)
    window = office.open(f"/admin/people?q={person.email}", locale=locale)
    hold(window, "people")
    window.get_by_role("link", name=person.name).click()
    expect(window.get_by_role("heading", level=1)).to_have_text(person.name)
    hold(window, "person")
