"""The browser kit on a page of another origin, in Chromium, against the running portal."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.application import running_application
from tests.browser.people import Person, decide, log_in, new_person, opened_by, wait_until_closed
from tests.chromium import Windows
from tests.portal import Portal

MODES = ["query", "web_message"]
POLICIES = ["", "same-origin-allow-popups", "same-origin"]


@pytest.fixture(scope="module")
def application(live_portal: Portal) -> Iterator[str]:
    with running_application(live_portal) as origin:
        yield origin


@pytest.fixture
def person(live_portal: Portal) -> Person:
    return new_person(live_portal)


def opened(windows: Windows, origin: str, coop: str = "", mode: str = "query") -> Page:
    page = windows.open(locale="en-US")
    page.add_init_script(f"try {{ sessionStorage.setItem('mode', '{mode}') }} catch {{}}")
    page.goto(f"{origin}/app" + (f"?coop={coop}" if coop else ""))
    expect(page.locator("#said")).to_have_text("ready")
    return page


def finish(window: Page, person: Person) -> None:
    log_in(window, person)
    decide(window, "allow")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("coop", POLICIES)
def test_the_popup_logs_in_whatever_the_opener_policy_of_the_page(
    windows: Windows, application: str, person: Person, coop: str, mode: str
) -> None:
    page = opened(windows, application, coop, mode)
    window = opened_by(page, "#login")
    assert window.evaluate("Boolean(window.opener)") is (coop != "same-origin")
    finish(window, person)
    expect(page.locator("#said")).to_have_text("logged in: read:profile read:groups")
    wait_until_closed(window)
    assert page.evaluate("kit.getUserInfo()")["name"] == person.name
    assert page.evaluate("Object.keys(localStorage)") == []


@pytest.mark.parametrize("coop", POLICIES[:2])
def test_a_popup_closed_early_is_a_cancelled_login(windows: Windows, application: str, coop: str) -> None:
    page = opened(windows, application, coop)
    opened_by(page, "#login").close()
    expect(page.locator("#said")).to_have_text("cancelled: Authentication was cancelled by the user")


def test_where_the_page_cuts_its_popups_off_only_the_person_cancels(
    windows: Windows, application: str, person: Person
) -> None:
    page = opened(windows, application, "same-origin")
    window = opened_by(page, "#login")
    page.wait_for_timeout(2_500)
    expect(page.locator("#said")).to_have_text("waiting")
    page.locator("#cancel").click()
    expect(page.locator("#said")).to_have_text("cancelled: Authentication was cancelled by the user")
    finish(window, person)
    expect(window.locator("#said")).to_have_text("failed: invalid_state")


def test_a_blocked_popup_is_told_at_once(windows: Windows, application: str) -> None:
    page = opened(windows, application)
    page.evaluate("window.open = () => null")
    page.locator("#login").click()
    expect(page.locator("#said")).to_contain_text("popup_blocked: Popup was blocked")


@pytest.mark.parametrize("mode", MODES)
def test_a_refusal_reaches_the_page_with_its_code(
    windows: Windows, application: str, person: Person, mode: str
) -> None:
    page = opened(windows, application, mode=mode)
    window = opened_by(page, "#login")
    log_in(window, person)
    decide(window, "deny")
    expect(page.locator("#said")).to_contain_text("access_denied: ")


def test_the_popup_can_be_reloaded_on_every_page_of_the_portal(
    windows: Windows, application: str, person: Person
) -> None:
    page = opened(windows, application)
    window = opened_by(page, "#login")
    window.reload()
    log_in(window, person)
    expect(window.locator("button[value=allow]")).to_be_visible()
    window.reload()
    decide(window, "allow")
    expect(page.locator("#said")).to_contain_text("logged in")


@pytest.mark.parametrize("coop", ["", "same-origin"])
def test_the_popup_reloaded_in_the_middle_of_the_exchange_logs_in_and_never_redeems_twice(
    windows: Windows, application: str, person: Person, coop: str
) -> None:
    page = opened(windows, application, coop)
    codes: list[str] = []

    def hold_the_first(route: Route) -> None:
        codes.append(route.request.post_data or "")
        # The first exchange reaches the portal, but its answer never reaches the page.
        if len(codes) == 1:
            route.fetch()
        else:
            route.continue_()

    page.context.route("**/api/oauth/token", hold_the_first)
    window = opened_by(page, "#login")
    with window.expect_request("**/api/oauth/token"):
        finish(window, person)
    assert window.url == f"{application}/oauth/callback"
    window.reload()
    expect(page.locator("#said")).to_contain_text("logged in")
    wait_until_closed(window)
    assert len(codes) == len(set(codes)) == 2


def test_a_page_reloaded_meanwhile_hears_of_the_login_and_has_it_silently(
    windows: Windows, application: str, person: Person
) -> None:
    page = opened(windows, application)
    window = opened_by(page, "#login")
    page.reload()
    expect(page.locator("#said")).to_have_text("ready")
    finish(window, person)
    page.wait_for_function("window.changes.includes('login elsewhere')")
    assert page.evaluate("kit.SilentAuth.attemptSilentLogin()")["scope"] == "read:profile read:groups"


def test_where_the_page_is_gone_the_popup_names_the_way_back(
    windows: Windows, application: str, person: Person
) -> None:
    page = opened(windows, application)
    window = opened_by(page, "#login")
    page.close()
    finish(window, person)
    expect(window.locator("#said")).to_have_text(f"nobody waits; back to {application}/app")


@pytest.mark.parametrize("mode", MODES)
def test_silent_login_needs_a_session_and_leaves_no_frame(
    windows: Windows, application: str, person: Person, mode: str
) -> None:
    page = opened(windows, application, mode=mode)
    assert page.evaluate("kit.SilentAuth.attemptSilentLogin()") is None
    finish(opened_by(page, "#login"), person)
    expect(page.locator("#said")).to_contain_text("logged in")
    page.reload()
    expect(page.locator("#said")).to_have_text("ready")
    tokens = page.evaluate("Promise.all([1, 2].map(() => kit.SilentAuth.attemptSilentLogin()))")
    assert tokens[0]["access_token"] == tokens[1]["access_token"]
    assert len(page.frames) == 1


def test_two_tabs_with_one_storage_renew_once(windows: Windows, application: str, person: Person) -> None:
    page = opened(windows, application)
    finish(opened_by(page, "#login"), person)
    expect(page.locator("#said")).to_contain_text("logged in")
    share = "(tokens) => {{ client = kit.configure({{ ...client.options, storage: localStorage }}); {then} }}"
    tokens = page.evaluate("client.tokens.getTokens()")
    other = page.context.new_page()
    other.goto(f"{application}/app")
    expect(other.locator("#said")).to_have_text("ready")
    page.evaluate(share.format(then="client.tokens.setTokens(tokens)"), tokens)
    other.evaluate(share.format(then=""), None)
    asked: list[str] = []
    page.context.on("request", lambda request: asked.append(request.method) if "/token" in request.url else None)
    for tab in (page, other):
        tab.evaluate("() => { window.renewal = client.tokens.refreshAccessToken() }")
    renewed = {tab.evaluate("window.renewal") for tab in (page, other)}
    assert len(renewed) == 1
    assert renewed != {tokens["access_token"]}
    assert asked.count("POST") == 1
