"""Getting in again in Chromium, by the keyboard alone: a mailed link, another browser, the application."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import Person, new_person, sent_by
from tests.chromium import Windows
from tests.mailbox import kept_link
from tests.portal import Portal

CLIENT_ID = "recovery"
ARRIVED = re.compile(r"/arrived\?.*code=")
NEW = "violet lantern 72 harbour"
LANGUAGES = {"ko-KR": "ko", "en-US": "en"}


@pytest.fixture(scope="module")
def start(live_portal: Portal) -> str:
    """Where an application sends browsers to."""
    return sent_by(live_portal, CLIENT_ID)


@pytest.fixture(params=LANGUAGES)
def locale(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def window(windows: Windows, locale: str) -> Page:
    """A window in either language; where people arrive there is no page, which is the application's affair."""
    windows.expect("status of 404")
    windows.expect("status of 400")  # a password that is refused
    return windows.open(locale=locale)


def tab_to(window: Page, selector: str) -> None:
    """Press Tab until what is meant has the focus."""
    for _ in range(40):
        if window.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        window.keyboard.press("Tab")
    raise AssertionError(f"{selector} cannot be reached by the keyboard")


def follow(window: Page, selector: str) -> None:
    """Reach a link or a button and press it."""
    expect(window.locator(selector)).to_be_visible()
    tab_to(window, selector)
    with window.expect_navigation():
        window.keyboard.press("Enter")


def fill(window: Page, **values: str) -> None:
    """Type into fields one after the other and send them with Enter."""
    for name, value in values.items():
        expect(window.locator(f"input[name={name}]")).to_be_visible()
        tab_to(window, f"input[name={name}]")
        window.keyboard.press("Control+A")
        window.keyboard.type(value)
    with window.expect_navigation():
        window.keyboard.press("Enter")


def test_a_newcomer_proves_the_address_in_another_browser_and_reaches_the_application(
    windows: Windows, window: Page, start: str, live_portal: Portal, locale: str
) -> None:
    address = f"newcomer-{LANGUAGES[locale]}@example.com"
    window.goto(start)
    follow(window, "a[href^='/register']")
    fill(window, name="New Person", email=address, password=NEW)
    expect(window).to_have_url(re.compile("/consent"))

    elsewhere = windows.open(locale=locale)
    elsewhere.goto(kept_link(live_portal, address, "/verify-email"))
    expect(elsewhere.locator("html")).to_have_attribute("lang", LANGUAGES[locale])
    expect(elsewhere.locator("main")).to_contain_text(address)
    follow(elsewhere, "form[data-once] button")
    expect(elsewhere.locator(".step-icon")).to_be_visible()
    assert "token=" not in elsewhere.url

    follow(window, "button[value=allow]")
    expect(window).to_have_url(ARRIVED)
    # Who goes on in the other browser is asked to log in there, and is where they should be.
    follow(elsewhere, "a[href^='/login']")
    fill(elsewhere, email=address, password=NEW)
    expect(elsewhere).to_have_url(ARRIVED)


def test_a_forgotten_password_is_set_anew_and_the_application_goes_on(
    window: Page, start: str, live_portal: Portal
) -> None:
    person: Person = new_person(live_portal)
    window.goto(start)
    follow(window, "a[href^='/forgot-password']")
    fill(window, email=person.email)
    expect(window).to_have_url(re.compile(r"sent=1"))

    tab = window.context.new_page()
    tab.goto(kept_link(live_portal, person.email, "/reset-password"))
    fill(tab, password="password1")
    expect(tab.locator(".note-danger[role=alert]")).to_be_visible()
    fill(tab, password=NEW)
    expect(tab.locator("input[name=email]")).to_have_value(person.email)
    expect(tab.locator(".note[role=status]")).to_be_visible()
    fill(tab, password=NEW)
    follow(tab, "button[value=allow]")
    expect(tab).to_have_url(ARRIVED)


def test_how_hard_a_password_is_to_guess_is_said_while_it_is_typed(window: Page, live_portal: Portal) -> None:
    window.goto(f"{live_portal.url}/register")
    judged = window.locator(".strength")
    expect(judged).to_be_hidden()
    tab_to(window, "input[name=password]")
    window.keyboard.type("password")
    expect(judged.locator("meter")).to_have_js_property("value", 1)
    said = judged.locator("[aria-live=polite]")
    expect(said).to_contain_text(re.compile("top-10|10개"))
    window.keyboard.press("Control+A")
    window.keyboard.type(NEW)
    expect(judged.locator("meter")).to_have_js_property("value", 5)
    expect(said).to_contain_text(re.compile("Very strong|매우 강함"))
    window.keyboard.press("Control+A")
    window.keyboard.press("Delete")
    expect(judged).to_be_hidden()


def test_everything_works_without_script(windows: Windows, live_portal: Portal) -> None:
    person = new_person(live_portal)
    window = windows.open(java_script_enabled=False, locale="ko-KR")
    window.goto(f"{live_portal.url}/forgot-password")
    window.locator("input[name=email]").fill(person.email)
    window.locator("form[data-once] .btn-primary").click()
    window.goto(kept_link(live_portal, person.email, "/reset-password"))
    window.locator("input[name=password]").fill(NEW)
    window.locator("form[data-once] .btn-primary").click()
    expect(window.locator("input[name=email]")).to_have_value(person.email)
    window.locator("input[name=password]").fill(NEW)
    window.locator("form[data-once] .btn-primary").click()
    expect(window).to_have_url(f"{live_portal.url}/")
