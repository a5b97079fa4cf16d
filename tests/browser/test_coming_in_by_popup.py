"""Logins by providers in the popup of an application that uses the browser kit, whatever the provider's own policy.

The stand-in of Google has a Cross-Origin-Opener-Policy: whoever comes by there is cut off from the page behind.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.application import running_application
from tests.browser.people import decide, log_in, new_person, opened_by, wait_until_closed
from tests.browser.travelling import GO_ON, NAMES, Stage, agree, choose_provider, come_in, join, prove
from tests.chromium import Windows

LOGGED_IN = "logged in: read:profile read:groups"
CANCELLED = "cancelled: Authentication was cancelled by the user"
COME_BACK = "dispatchEvent(new Event('focus'))"
"""What a browser tells the page whose popup was closed; here every page believes to be in front all the time."""


@pytest.fixture(scope="module")
def application(shared_stage: Stage) -> Iterator[str]:
    with running_application(shared_stage.portal) as origin:
        yield origin


def opened(windows: Windows, application: str, coop: str = "", mode: str = "query") -> Page:
    """A page of the application in a browser of its own."""
    for status in (400, 401, 410, 502):
        windows.expect(f"status of {status}")
    page = windows.open(locale="en-US")
    page.add_init_script(f"try {{ sessionStorage.setItem('mode', '{mode}') }} catch {{}}")
    page.goto(f"{application}/app" + (f"?coop={coop}" if coop else ""))
    expect(page.locator("#said")).to_have_text("ready")
    return page


def finish(page: Page, popup: Page) -> None:
    """The page has its tokens, and the popup is gone."""
    expect(page.locator("#said")).to_have_text(LOGGED_IN)
    wait_until_closed(popup)


@pytest.mark.parametrize("name", NAMES)
def test_a_first_login_makes_an_account_and_the_next_one_finds_it(
    windows: Windows, application: str, stage: Stage, name: str
) -> None:
    email = stage.newcomer(name)
    page = opened(windows, application)
    popup = opened_by(page, "#login")
    come_in(popup, name)
    expect(popup.locator(GO_ON)).to_be_visible()
    assert popup.evaluate("Boolean(window.opener)") is (name != "google")
    join(popup, stage, name, email)
    decide(popup, "allow")
    finish(page, popup)
    again = opened(windows, application)
    popup = opened_by(again, "#login")
    come_in(popup, name)
    finish(again, popup)


@pytest.mark.parametrize("coop", ["", "same-origin-allow-popups", "same-origin"])
def test_a_provider_that_cuts_the_popup_off_costs_nothing(
    windows: Windows, application: str, stage: Stage, coop: str
) -> None:
    person = new_person(stage.portal)
    stage.newcomer("google", person.email)
    page = opened(windows, application, coop, "web_message")
    popup = opened_by(page, "#login")
    choose_provider(popup, "google")
    expect(popup.locator("button[name=person]").first).to_be_visible()
    # The browser says that the popup is closed. The person is still there, so nothing is over.
    page.wait_for_timeout(1_000)
    expect(page.locator("#said")).to_have_text("waiting")
    agree(popup)
    prove(popup, person)
    decide(popup, "allow")
    finish(page, popup)


def test_who_closes_the_popup_at_the_provider_has_cancelled(windows: Windows, application: str, stage: Stage) -> None:
    page = opened(windows, application)
    popup = opened_by(page, "#login")
    choose_provider(popup, "google")
    expect(popup.locator("button[name=person]").first).to_be_visible()
    popup.close()
    page.evaluate(COME_BACK)
    expect(page.locator("#said")).to_have_text(CANCELLED)
    # Another one opens, and logs in.
    email = stage.newcomer("google")
    popup = opened_by(page, "#login")
    come_in(popup, "google")
    join(popup, stage, "google", email)
    decide(popup, "allow")
    finish(page, popup)


def test_who_only_looks_at_the_page_meanwhile_is_logged_in_in_the_end(
    windows: Windows, application: str, stage: Stage
) -> None:
    email = stage.newcomer("google")
    page = opened(windows, application)
    popup = opened_by(page, "#login")
    choose_provider(popup, "google")
    expect(popup.locator("button[name=person]").first).to_be_visible()
    page.evaluate(COME_BACK)
    expect(page.locator("#said")).to_have_text(CANCELLED)
    agree(popup)
    join(popup, stage, "google", email)
    decide(popup, "allow")
    page.wait_for_function("window.changes.includes('login here')")
    wait_until_closed(popup)
    assert page.evaluate("kit.getUserInfo()")["name"]


@pytest.mark.parametrize("name", ["google", "kakao"])
def test_a_login_that_is_cancelled_at_the_provider_goes_on_in_the_popup(
    windows: Windows, application: str, stage: Stage, name: str
) -> None:
    person = new_person(stage.portal)
    page = opened(windows, application)
    popup = opened_by(page, "#login")
    choose_provider(popup, name)
    popup.locator("button[name=cancel]").click()
    expect(popup.locator("h1")).to_have_text("Login cancelled")
    popup.locator(".step-body > a.btn-primary").click()
    log_in(popup, person)
    decide(popup, "allow")
    finish(page, popup)


def test_silent_login_works_after_a_provider_as_after_a_password(
    windows: Windows, application: str, stage: Stage
) -> None:
    email = stage.newcomer("google")
    page = opened(windows, application)
    popup = opened_by(page, "#login")
    come_in(popup, "google")
    join(popup, stage, "google", email)
    decide(popup, "allow")
    finish(page, popup)
    page.reload()
    expect(page.locator("#said")).to_have_text("ready")
    tokens = page.evaluate("kit.SilentAuth.attemptSilentLogin()")
    assert tokens["scope"] == "read:profile read:groups"
    assert len(page.frames) == 1
    # The frame shows no page of ours and no provider's: where nobody is logged in it is refused.
    page.context.clear_cookies(domain="localhost")
    assert page.evaluate("kit.SilentAuth.attemptSilentLogin()") is None
