"""Whole logins in Chromium by plain redirects: without script, going back, twice, in two tabs."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import Person, decide, log_in, new_person, sent_by, wait_until_closed
from tests.chromium import Windows
from tests.portal import Portal

CLIENT_ID = "journeys"
ARRIVED = re.compile(r"/arrived\?.*code=")


@pytest.fixture(scope="module")
def start(live_portal: Portal) -> str:
    """Where an application sends browsers to."""
    return sent_by(live_portal, CLIENT_ID)


@pytest.fixture
def person(live_portal: Portal) -> Person:
    return new_person(live_portal)


@pytest.fixture(params=["ko-KR", "en-US"])
def window(request: pytest.FixtureRequest, windows: Windows) -> Page:
    """A window in either language; where people arrive there is no page, which is the application's affair."""
    windows.expect("status of 404")
    return windows.open(locale=request.param)


def test_a_login_without_any_script(windows: Windows, start: str, person: Person) -> None:
    windows.expect("status of 404")
    window = windows.open(java_script_enabled=False, locale="ko-KR")
    window.goto(start)
    expect(window.locator("html")).to_have_attribute("lang", "ko")
    log_in(window, person)
    decide(window, "allow")
    expect(window).to_have_url(ARRIVED)


def test_the_back_button_leads_forward_again(window: Page, start: str, person: Person) -> None:
    window.goto(start)
    log_in(window, person)
    expect(window).to_have_url(re.compile("/consent"))
    window.go_back()
    expect(window).to_have_url(re.compile("/consent"))
    decide(window, "allow")
    expect(window).to_have_url(ARRIVED)
    window.go_back()
    expect(window).to_have_url(ARRIVED)  # the consent page knows that it was answered


def test_a_consent_sent_twice_arrives_once(window: Page, start: str, person: Person) -> None:
    window.goto(start)
    log_in(window, person)
    window.locator("button[value=allow]").dblclick(no_wait_after=True)
    expect(window).to_have_url(ARRIVED)


def test_a_second_tab_continues_where_the_first_one_logged_in(window: Page, start: str, person: Person) -> None:
    second = window.context.new_page()
    window.goto(start)
    second.goto(start)
    log_in(window, person)
    decide(window, "allow")
    expect(window).to_have_url(ARRIVED)
    second.reload()
    expect(second).to_have_url(ARRIVED)


def test_a_form_whose_cookie_is_gone_costs_one_more_click(
    windows: Windows, window: Page, start: str, person: Person
) -> None:
    windows.expect("status of 400")
    window.goto(start)
    window.context.clear_cookies(name="portal_form")
    log_in(window, person)
    expect(window.locator(".note-warning[role=alert]")).to_contain_text(
        re.compile("Nothing was lost|입력한 내용은 그대로")
    )
    expect(window.locator("input[name=email]")).to_have_value(person.email)
    log_in(window, person)
    decide(window, "allow")
    expect(window).to_have_url(ARRIVED)


def test_registering_keeps_the_request(window: Page, start: str) -> None:
    window.goto(start)
    window.locator("a[href^='/register']").click()
    window.locator("input[name=name]").fill("New Person")
    window.locator("input[name=email]").fill(f"new-{window.evaluate('navigator.language')}@example.com")
    window.locator("input[name=password]").fill("blue-otter-9041-lamp")
    window.locator("form[data-once] button:not([type=button])").click()
    decide(window, "allow")
    expect(window).to_have_url(ARRIVED)


def test_choosing_another_account(window: Page, start: str, person: Person, live_portal: Portal) -> None:
    window.goto(start)
    log_in(window, person)
    decide(window, "allow")
    expect(window).to_have_url(ARRIVED)
    window.goto(start + "&prompt=select_account")
    expect(window.get_by_text(person.email)).to_be_visible()
    window.locator("button[value=other]").click()
    log_in(window, new_person(live_portal))
    decide(window, "allow")
    expect(window).to_have_url(ARRIVED)


@pytest.mark.parametrize("broken", ["unknown_client", "foreign_address", "request_gone"])
def test_a_refusal_in_the_popup_leads_back_to_the_page_behind_it(
    windows: Windows, window: Page, start: str, live_portal: Portal, broken: str
) -> None:
    refused = {
        "unknown_client": start.replace(CLIENT_ID, "nobody", 1) + "&display=popup",
        "foreign_address": start.replace("arrived", "elsewhere", 1) + "&display=popup",
        "request_gone": f"{live_portal.url}/login?interaction=gone",
    }
    windows.expect("status of 400")
    windows.expect("status of 410")
    window.goto(f"{live_portal.url}/terms")
    with window.context.expect_page() as opening:
        window.evaluate("address => void open(address, 'oauth_login', 'width=500,height=600')", refused[broken])
    popup = opening.value
    expect(popup.locator("h1")).to_be_visible()
    expect(popup.locator(".actions a")).to_have_count(0 if "display" in refused[broken] else 1)
    expect(popup.locator(".actions :visible")).to_have_count(1)
    popup.wait_for_load_state("load")
    assert not popup.evaluate("document.documentElement.scrollHeight > innerHeight")
    # Pressed a moment later: a window that closes while it is being pressed is an error to the one who presses.
    popup.locator("[data-close]").evaluate("button => void setTimeout(() => button.click(), 50)")
    wait_until_closed(popup)
