"""The playground in a Chromium that refuses it things: each is told as what it is, and what is left goes on working."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Playwright, expect

from tests.browser.accessibility import hold_accessibility
from tests.browser.people import Person, decide, log_in, new_person, opened_by
from tests.browser.test_playground import at_playground, logged_in, state
from tests.chromium import Windows, launched_without_cookies
from tests.portal import Portal

FORBIDDEN = """for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name, {
    get() { throw new DOMException('Access is denied for this document.', 'SecurityError'); } });"""
FULL = """Storage.prototype.setItem = () => { throw new DOMException('exceeded the quota', 'QuotaExceededError'); };"""
NO_CHANNEL = "delete window.BroadcastChannel"
NO_POPUP = "window.open = () => null"
STORAGE = "The browser keeps nothing for this page."


@pytest.fixture
def person(live_portal: Portal) -> Person:
    return new_person(live_portal)


def without(windows: Windows, portal: Portal, *scripts: str) -> Page:
    """The playground in a browser in which these went before every page, window and frame."""
    page = windows.open(locale="en-US")
    for script in scripts:
        page.context.add_init_script(script)
    return at_playground(page, portal)


def limits(page: Page) -> Locator:
    return page.locator("#limits li:visible")


def test_where_nothing_is_kept_from_it_nothing_is_told(windows: Windows, live_portal: Portal) -> None:
    page = without(windows, live_portal)
    expect(page.locator("#limits")).to_be_hidden()
    expect(page.locator("input[value=local]")).to_be_enabled()


@pytest.mark.parametrize("trouble", [FORBIDDEN, FULL], ids=["forbidden", "full"])
def test_without_storage_it_says_so_once_and_logs_in_with_the_window(
    windows: Windows, live_portal: Portal, person: Person, trouble: str
) -> None:
    page = without(windows, live_portal, trouble)
    expect(limits(page)).to_have_count(1)
    expect(limits(page)).to_contain_text(STORAGE)
    expect(page.locator("input[value=local]")).to_be_disabled()
    hold_accessibility(page)
    logged_in(page, person)
    expect(page.locator("#notice")).to_be_hidden()
    page.locator("#refresh").click()
    expect(page.locator("#notice")).to_contain_text("The token was renewed")
    page.reload()
    expect(state(page)).to_have_text(f"Logged in as {person.name}")
    page.locator("#log-out").click()
    expect(state(page)).to_have_text("Not logged in")


def test_without_storage_a_blocked_window_is_not_answered_with_a_way_that_would_fail(
    windows: Windows, live_portal: Portal
) -> None:
    page = without(windows, live_portal, FORBIDDEN, NO_POPUP)
    page.locator("#log-in").click()
    expect(page.locator("#notice")).to_contain_text("Allow windows for this page")
    expect(page.locator("#here")).to_be_hidden()


def test_storage_that_fills_up_meanwhile_loses_no_login(windows: Windows, live_portal: Portal, person: Person) -> None:
    page = without(windows, live_portal)
    page.locator("input[value=local]").check()
    page.evaluate(f"() => {{ {FULL} }}")
    logged_in(page, person)
    expect(limits(page)).to_contain_text(STORAGE)


def test_without_a_channel_between_tabs_it_says_so_and_logs_in(
    windows: Windows, live_portal: Portal, person: Person
) -> None:
    page = without(windows, live_portal, NO_CHANNEL)
    expect(limits(page)).to_have_count(1)
    expect(limits(page)).to_contain_text("no channel between tabs")
    logged_in(page, person)


def test_a_window_the_browser_blocks_is_told_and_this_tab_goes_on(
    windows: Windows, live_portal: Portal, person: Person
) -> None:
    page = without(windows, live_portal, NO_POPUP)
    page.locator("#log-in").click()
    expect(page.locator("#notice")).to_contain_text("blocked the login window")
    page.locator("#here").click()
    log_in(page, person)
    decide(page, "allow")
    expect(state(page)).to_have_text(f"Logged in as {person.name}")


@pytest.mark.parametrize("script", ["playground.js", "playground-view.js", "max-auth.js"])
def test_a_script_that_does_not_arrive_is_told(windows: Windows, live_portal: Portal, script: str) -> None:
    windows.expect("ERR_FAILED")
    page = windows.open(locale="en-US")
    page.route(f"**/{script}", lambda route: route.abort())
    page.goto(f"{live_portal.url}/playground")
    expect(page.get_by_text("The script of this page did not start")).to_be_visible(timeout=8000)


def test_a_script_that_runs_is_not_called_missing(windows: Windows, live_portal: Portal) -> None:
    page = without(windows, live_portal)
    expect(page.locator(".not-started")).to_be_hidden()
    page.goto(live_portal.url.replace("localhost", "127.0.0.1") + "/playground")
    expect(page.locator("#own-address")).to_be_visible()
    expect(page.locator(".not-started")).to_be_hidden()


def test_without_script_only_that_is_told(windows: Windows, live_portal: Portal) -> None:
    page = windows.open(java_script_enabled=False, locale="en-US")
    page.goto(f"{live_portal.url}/playground")
    expect(page.locator("noscript")).to_be_visible()
    assert page.locator(".not-started").evaluate("each => getComputedStyle(each).display") == "none"
    expect(page.locator("#limits")).to_be_hidden()


@pytest.fixture
def cookies_blocked(playwright: Playwright, tmp_path: Path) -> Iterator[BrowserContext]:
    """A Chromium whose owner allows no site any cookie, and with them no storage."""
    with launched_without_cookies(playwright, tmp_path) as context:
        yield context


def test_with_cookies_off_that_alone_is_told_and_the_way_on(
    cookies_blocked: BrowserContext, live_portal: Portal
) -> None:
    page = cookies_blocked.new_page()
    thrown: list[str] = []
    page.on("pageerror", lambda error: thrown.append(str(error)))
    page.goto(f"{live_portal.url}/playground")
    expect(page.locator("[data-state=out]")).to_be_visible()
    expect(limits(page)).to_have_count(1)
    expect(limits(page)).to_contain_text("Cookies are turned off")
    expect(limits(page)).to_contain_text("Allow cookies for this address")
    expect(page.locator("#log-in")).to_be_enabled()
    window = opened_by(page, "#log-in")
    expect(window.locator("h1")).to_be_visible()
    window.close()
    expect(page.locator("#notice")).to_contain_text("was closed before")
    assert thrown == []
