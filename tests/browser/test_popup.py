"""The popup of 500 by 600 pixels, with wide and with narrow letters: no step scrolls, whatever it has to say."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import hold_accessibility
from tests.browser.people import Person, log_in, new_person, sent_by
from tests.chromium import Windows
from tests.portal import Portal

SCOPE = "openid profile email offline_access read:groups"
SIZE = {"width": 500, "height": 600}
SCROLLS_DOWN = "document.documentElement.scrollHeight > innerHeight"
SEND = "form[data-once] button:not([type=button])"
NOBODY = Person("nobody@example.com")

pytestmark = [
    pytest.mark.parametrize("browser", ["wide", "narrow"], indirect=True),
    pytest.mark.parametrize("locale", ["ko-KR", "en-US"]),
]


@pytest.fixture(scope="module")
def start(live_portal: Portal) -> str:
    """Where an application opens the popup."""
    return f"{sent_by(live_portal, 'popup', SCOPE)}&display=popup"


@pytest.fixture
def person(live_portal: Portal) -> Person:
    return new_person(live_portal)


@pytest.fixture
def popup(windows: Windows, live_portal: Portal, locale: str) -> Page:
    """An empty popup."""
    windows.expect("status of 400")
    windows.expect("status of 401")
    return windows.open(base_url=live_portal.url, locale=locale, viewport=SIZE)


def hold_whole(popup: Page, landmark: str) -> None:
    """Hold the step that shows ``landmark`` to being seen whole, once its style sheets and scripts have run."""
    expect(popup.locator(landmark).first).to_be_in_viewport(ratio=1)
    popup.wait_for_load_state("load")
    assert not popup.evaluate(SCROLLS_DOWN), f"{landmark} of {popup.url}"


def follow(popup: Page, path: str) -> None:
    """Follow the link to another step."""
    popup.locator(f".step a[href^='{path}']").click()


def grow_stale(popup: Page) -> None:
    """Let the page have been open for longer than its form is good."""
    popup.locator("form[data-once] [name=csrf_token]").evaluate("field => { field.value = 'old' }")


def test_the_popup_shows_each_step_without_scrolling(
    popup: Page, live_portal: Portal, start: str, person: Person
) -> None:
    for refused in (start.replace("=popup&", "=nobody&"), start.replace("arrived", "elsewhere")):
        popup.goto(refused)
        hold_whole(popup, ".request-id")
    for address in ("/login", "/register", start):
        popup.goto(address)
        hold_whole(popup, "input[name=password]")
    follow(popup, "/forgot-password")
    hold_whole(popup, "input[name=email]:only-of-type")
    popup.locator("input[name=email]").fill(person.email)
    popup.locator(SEND).click()
    hold_whole(popup, ".step-icon")
    follow(popup, "/login")
    follow(popup, "/register")
    hold_whole(popup, "input[name=name]")
    popup.locator("input[name=password]").fill("password")
    hold_whole(popup, ".strength meter")
    follow(popup, "/login")
    log_in(popup, person)
    hold_whole(popup, "button[value=allow]")
    assert popup.locator(".scopes li").count() == len(SCOPE.split())
    popup.goto(f"{start}&prompt=login")
    expect(popup.locator("input[name=email]")).to_have_value(person.email)
    hold_whole(popup, ".note")
    popup.goto(f"{start}&prompt=select_account")
    popup.locator("button[value=other]").click()
    log_in(popup, new_person(live_portal))
    expect(popup.locator("button[value=allow]")).to_be_visible()
    popup.goto(f"{start}&prompt=select_account")
    hold_whole(popup, ".choices li:nth-child(3)")


def test_the_popup_has_room_for_what_went_wrong(popup: Page, start: str, person: Person) -> None:
    popup.goto(start)
    popup.locator(SEND).click()
    hold_whole(popup, "#password-error")
    log_in(popup, NOBODY)
    hold_whole(popup, ".note-danger")
    grow_stale(popup)
    log_in(popup, NOBODY)
    hold_whole(popup, ".note-warning")
    grow_stale(popup)
    popup.locator("input[name=email]").clear()
    popup.locator(SEND).click()
    hold_whole(popup, "#email-error")
    follow(popup, "/register")
    popup.locator(SEND).click()
    hold_whole(popup, "#name-error")
    popup.locator("input[name=name]").fill(person.name)
    popup.locator("input[name=email]").fill(person.email)
    popup.locator("input[name=password]").fill("password1")
    popup.locator(SEND).click()
    hold_whole(popup, "#password-error")
    popup.locator("input[name=password]").fill("password1")
    hold_whole(popup, ".strength meter")
    grow_stale(popup)
    popup.locator(SEND).click()
    hold_whole(popup, ".note-warning")
    follow(popup, "/login")
    log_in(popup, person)
    grow_stale(popup)
    popup.locator("button[value=allow]").click()
    # With all that is shared the page is as high as the window already; what is to be decided stays in sight.
    for part in (".note-warning", "button[value=deny]", "button[value=allow]"):
        expect(popup.locator(part)).to_be_in_viewport(ratio=1)


def test_problems_that_stand_beside_their_fields_are_summed_up_for_those_who_listen(popup: Page, start: str) -> None:
    popup.goto(start)
    popup.locator(SEND).click()
    problems = popup.get_by_role("alert")
    expect(problems.locator("a")).to_have_count(2)
    expect(popup.locator(".field-error")).to_have_count(2)
    expect(problems).to_have_css("height", "1px")
    hold_accessibility(popup)
    # Whoever tabs into it sees where they are.
    problems.locator("a").first.focus()
    expect(problems.locator("a").last).to_be_in_viewport(ratio=1)
    popup.set_viewport_size({**SIZE, "height": 700})
    popup.locator("input[name=email]").focus()
    expect(problems.locator("a").last).to_be_in_viewport(ratio=1)
    assert popup.evaluate(SCROLLS_DOWN)
