"""One administrator for each portal; which portals, a test file says by ``live_portal``."""

import pytest

from tests.browser.admin.offices import Office
from tests.browser.people import Person, new_person
from tests.chromium import Windows
from tests.portal import Portal


@pytest.fixture(scope="module")
def administrator(live_portal: Portal) -> Person:
    """Of everything."""
    person = new_person(live_portal)
    live_portal.flask("users", "set-role", person.email, "admin")
    return person


@pytest.fixture
def office(windows: Windows, live_portal: Portal, administrator: Person) -> Office:
    """Their windows."""
    return Office(windows, live_portal, administrator)
